/** Pure functions that every run calls by the million, by tinybench: closed loops, so costs of a call, never latencies. */
import { build } from 'hdr-histogram-js';
import { Bench } from 'tinybench';
import { createContract } from '../workloads/data-contract.js';
import { minuteUs } from '../workloads/durations.js';
import { predict } from '../workloads/model.js';
import { createSeqIndex } from '../workloads/seq-index.js';
import { seededRandom } from './random.js';

export async function primitiveBenchmarks(): Promise<{ name: string; perSecond: number; unit: string }[]> {
  const contract = createContract({
    topic: 'changes',
    partitions: 4,
    customers: 1_000,
    allowedLatenessUs: minuteUs,
    tokenKey: '000102030405060708090a0b0c0d0e0f',
  });
  const random = seededRandom(1);
  const histogram = build({ highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
  const features = contract.view.features.map(({ kind }, i) => (kind === 'age' ? null : i));
  let seq = 0;
  let seqs = createSeqIndex(1_000);
  const bench = new Bench({ name: 'primitives', time: 300 })
    .add('predict from one row', () => {
      predict(features);
    })
    .add('tokenise one e-mail', () => {
      contract.tokenise('somebody@example.org');
    })
    .add('one draw below a bound', () => {
      random.below(100_000);
    })
    .add('record one latency', () => {
      histogram.recordValue(seq & 0xffff);
    })
    .add('index one seq of a thousand customers', () => {
      if (seq === 1_000_000) {
        seqs = createSeqIndex(1_000);
        seq = 0;
      }
      seqs.add(seq % 1_000, Math.floor(seq / 1_000) + 1);
      seq++;
    });
  await bench.run();
  return bench.tasks.map(({ name, result }) => {
    if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
    return { name, perSecond: result.throughput.mean, unit: 'calls/s' };
  });
}
