/** Every fault on the wire, through real proxies before real servers, one after the other under one load. */
import { expect, it } from 'vitest';
import { measureRun } from '../harness/measures/metrics.js';
import { standardPrices } from '../harness/prices/prices.js';
import type { FaultPlan } from '../harness/scenario.js';
import { kafka } from '../harness/servers/kafka.js';
import { foundOrSkipped } from '../harness/servers/program.fixture.js';
import { redis } from '../harness/servers/redis.js';
import { toxiproxy } from '../harness/servers/toxiproxy.js';
import { versitygw } from '../harness/servers/versitygw.js';
import { faultOf } from '../harness/suites/fault-defaults.js';
import { secondUs } from '../workloads/durations.js';
import { expectNothingLost, runOutages } from './fixture-outage.js';

const at = (afterUs: number) => ({ kind: 'once', afterUs, jitterUs: 0 }) as const;
const lastsUs = 1.5 * secondUs;
/** Apart, so that each is told from the next. */
const everyUs = 3.5 * secondUs;
const partitionUs = 10 * secondUs;
const faults: readonly FaultPlan[] = [
  faultOf('wire-latency', { port: 'onlineStore', role: 'serving', latencyUs: 200_000, jitterUs: 0, lastsUs }),
  faultOf('wire-slow-close', { port: 'tables', delayUs: 300_000, lastsUs }),
  faultOf('wire-reset', { port: 'onlineStore', lastsUs }),
  // As long as a client of the bucket tries again.
  faultOf('wire-timeout', { port: 'tables', role: 'stream', lastsUs: 2 * lastsUs }),
  faultOf('wire-bandwidth', { port: 'onlineStore', role: 'stream', bytesPerSecond: 1_024, lastsUs }),
  // Twice as long as the plane has to show a change.
  faultOf('partition', { port: 'changeLog', role: 'stream', lastsUs: partitionUs }),
].map((fault, i) => ({ ...fault, schedule: at(i * everyUs) }));

const programs = [kafka, redis, versitygw, toxiproxy];
const found = [];
for (const program of programs) found.push(await foundOrSkipped(program));
it.skipIf(found.includes(null))(
  'faults on the wire bite where they are aimed, and lose nothing',
  { timeout: 300_000 },
  async () => {
    const facts = await runOutages('native', faults, (faults.length - 1) * everyUs + partitionUs + 7 * secondUs);
    expectNothingLost(facts);
    const partition = measureRun(facts, standardPrices).recoveries.at(-1);
    expect(partition?.clocks.first_success).toMatchObject({ kind: 'after' });
    // What came in meanwhile is shown when the stream reads it.
    expect(partition?.clocks.first_success?.us).toBeGreaterThan(partitionUs - secondUs);
    expect(facts.faults.map(({ target, saw }) => `${target}: ${saw}`)).toEqual([
      expect.stringMatching(/^serving to onlineStore: serving met it in onlineStore\./),
      expect.stringMatching(/^tables: a connection from \w+ to tables ended \d+ ms after it was closed$/),
      expect.stringMatching(/^onlineStore: \w+ met it in onlineStore\./),
      expect.stringMatching(/^stream to tables: stream met it in tables\./),
      expect.stringMatching(/^stream to onlineStore: stream met it in onlineStore\./),
      expect.stringMatching(/^stream to changeLog: stream met it in changeLog\./),
    ]);
    expect(facts.processes.map(({ name, kind }) => `${name} ${kind}`)).toContain('toxiproxy-server load');
  },
);
