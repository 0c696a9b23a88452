/** Kafka, Redis and the S3 server killed one after the other under one load, and a role of the plane last. */
import { expect, it } from 'vitest';
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
  { kind: 'online-store-outage', lastsUs: secondUs, schedule: at(secondUs / 2) },
  { kind: 'table-store-outage', lastsUs: secondUs, schedule: at(5 * secondUs) },
  { kind: 'change-log-outage', lastsUs: secondUs, schedule: at(10 * secondUs) },
  { kind: 'role-crash', role: 'stream', schedule: at(25 * secondUs) },
];

const found = [await foundOrSkipped(kafka), await foundOrSkipped(redis), await foundOrSkipped(versitygw)];
it.skipIf(found.includes(null))('outages of every server lose nothing', { timeout: 300_000 }, async () => {
  const facts = await runOutages('native', faults, 30 * secondUs);
  expectNothingLost(facts);
  expect(facts.faults.map(({ saw }) => saw)).toEqual([
    'the server online-store was gone (SIGKILL)',
    'the server tables was gone (SIGKILL)',
    'the server change-log was gone (SIGKILL)',
    expect.stringContaining('stream'),
  ]);
});
