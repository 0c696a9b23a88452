/** Three brokers, one of which is killed while it leads, under acknowledged writes. */
import { expect, it } from 'vitest';
import { kafka } from '../harness/servers/kafka.js';
import { foundOrSkipped } from '../harness/servers/program.fixture.js';
import { redis } from '../harness/servers/redis.js';
import { versitygw } from '../harness/servers/versitygw.js';
import { faultOf } from '../harness/suites/fault-defaults.js';
import { secondUs } from '../workloads/durations.js';
import { expectNothingLost, runOutages } from './fixture-outage.js';

const found = [await foundOrSkipped(kafka), await foundOrSkipped(redis), await foundOrSkipped(versitygw)];
it.skipIf(found.includes(null))('the death of a leader loses nothing', { timeout: 300_000 }, async () => {
  const schedule = { kind: 'once', afterUs: secondUs, jitterUs: 0 } as const;
  const facts = await runOutages('native', [{ ...faultOf('leader-kill'), schedule }], 14 * secondUs, { brokers: 3 });
  expectNothingLost(facts);
  expect(facts.faults[0]?.saw).toMatch(
    /^the server change-log-[123] was gone \(SIGKILL\), which led partition 0 of changes$/,
  );
});
