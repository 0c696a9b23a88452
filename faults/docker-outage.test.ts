/**
 * A run whose servers are in containers: three brokers, the leader of which is killed under load, a server that is taken
 * off the network, one that is held, and a wire that is cut by a proxy in a container of its own.
 */
import { expect, it } from 'vitest';
import type { FaultPlan } from '../harness/scenario.js';
import { kafka } from '../harness/servers/kafka.js';
import { imageOrSkipped } from '../harness/servers/program.fixture.js';
import { redis } from '../harness/servers/redis.js';
import { toxiproxy } from '../harness/servers/toxiproxy.js';
import { versitygw } from '../harness/servers/versitygw.js';
import { faultOf } from '../harness/suites/fault-defaults.js';
import { secondUs } from '../workloads/durations.js';
import { expectNothingLost, runOutages } from './fixture-outage.js';

const at = (afterUs: number) => ({ kind: 'once', afterUs, jitterUs: 0 }) as const;
const lastsUs = secondUs;
const faults: readonly FaultPlan[] = [
  { ...faultOf('wire-reset', { port: 'onlineStore', lastsUs }), schedule: at(0) },
  { kind: 'server-pause', port: 'tables', lastsUs, schedule: at(1.5 * secondUs) },
  // On a busy machine it takes a daemon more than a second to take a container off its network.
  { kind: 'server-disconnect', port: 'onlineStore', lastsUs: 4 * secondUs, schedule: at(3 * secondUs) },
  { kind: 'leader-kill', partition: 0, lastsUs: 2 * secondUs, schedule: at(7.5 * secondUs) },
];

const found = [];
for (const program of [kafka, redis, versitygw, toxiproxy]) found.push(await imageOrSkipped(program));
it.skipIf(found.includes(null))('what befalls their servers loses nothing', { timeout: 300_000 }, async () => {
  const facts = await runOutages('docker', faults, 12 * secondUs, { brokers: 3 });
  expectNothingLost(facts);
  expect(facts.faults.map(({ saw }) => saw)).toEqual([
    expect.stringMatching(/^\w+ met it in onlineStore\./),
    'the server tables stood still',
    'the server online-store was on no network',
    expect.stringMatching(/^the server change-log-[123] was gone \(SIGKILL\), which led partition 0 of changes$/),
  ]);
});
