/** A run whose servers are in containers, the broker of which is killed under load. */
import { expect, it } from 'vitest';
import { kafka } from '../harness/servers/kafka.js';
import { imageOrSkipped } from '../harness/servers/program.fixture.js';
import { redis } from '../harness/servers/redis.js';
import { versitygw } from '../harness/servers/versitygw.js';
import { secondUs } from '../workloads/durations.js';
import { expectNothingLost, runOutages } from './fixture-outage.js';

const found = [await imageOrSkipped(kafka), await imageOrSkipped(redis), await imageOrSkipped(versitygw)];
it.skipIf(found.includes(null))('an outage of the broker loses nothing', { timeout: 300_000 }, async () => {
  const schedule = { kind: 'once', afterUs: secondUs / 2, jitterUs: 0 } as const;
  const facts = await runOutages('docker', [{ kind: 'change-log-outage', lastsUs: secondUs, schedule }], 8 * secondUs);
  expectNothingLost(facts);
  expect(facts.faults.map(({ saw }) => saw)).toEqual(['the server change-log was gone (SIGKILL)']);
});
