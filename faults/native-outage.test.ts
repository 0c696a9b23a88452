/**
 * A run on three brokers in which the leader, Redis with all that it held and the S3 server are killed one after the other,
 * all brokers stand still, and a role of the plane dies last, while changes go on being acknowledged.
 */
import { expect, it } from 'vitest';
import { measureRun } from '../harness/measures/metrics.js';
import { standardPrices } from '../harness/prices/prices.js';
import type { FaultPlan } from '../harness/scenario.js';
import { kafka } from '../harness/servers/kafka.js';
import { foundOrSkipped } from '../harness/servers/program.fixture.js';
import { redis } from '../harness/servers/redis.js';
import { versitygw } from '../harness/servers/versitygw.js';
import { secondUs } from '../workloads/durations.js';
import { expectNothingLost, runOutages } from './fixture-outage.js';

const at = (afterUs: number) => ({ kind: 'once', afterUs, jitterUs: 0 }) as const;
/** Apart, so that each is told from the next: a broker takes some seconds to come back. */
const faults: readonly FaultPlan[] = [
  { kind: 'online-store-loss', lastsUs: secondUs, schedule: at(secondUs / 2) },
  { kind: 'table-store-outage', lastsUs: secondUs, schedule: at(6 * secondUs) },
  { kind: 'leader-kill', partition: 0, lastsUs: 2 * secondUs, schedule: at(11 * secondUs) },
  { kind: 'server-pause', port: 'changeLog', lastsUs: secondUs, schedule: at(20 * secondUs) },
  { kind: 'role-crash', role: 'stream', schedule: at(23 * secondUs) },
];

const found = [await foundOrSkipped(kafka), await foundOrSkipped(redis), await foundOrSkipped(versitygw)];
it.skipIf(found.includes(null))('deaths of every server lose nothing', { timeout: 300_000 }, async () => {
  const facts = await runOutages('native', faults, 28 * secondUs, { brokers: 3 });
  expectNothingLost(facts);
  expect(facts.faults.map(({ saw }) => saw)).toEqual([
    'the server online-store was gone (SIGKILL), and all that it held',
    'the server tables was gone (SIGKILL)',
    expect.stringMatching(/^the server change-log-[123] was gone \(SIGKILL\), which led partition 0 of changes$/),
    [1, 2, 3].map((broker) => `the server change-log-${broker} stood still`).join(', '),
    expect.stringContaining('stream'),
  ]);
  // However slow the machine is: rows that are read again, and show what came after the loss.
  expect(measureRun(facts, standardPrices).recoveries[0]?.clocks.first_success).toMatchObject({ kind: 'after' });
});
