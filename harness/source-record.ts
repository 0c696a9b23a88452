/** What the source really offered, from its trace and what became of its appends: the proof of faults that are its own. */
import { readFile } from 'node:fs/promises';
import { viewBlock } from '../workloads/change-batch.js';
import { refusals } from '../workloads/refusals.js';
import { readEntries, tracePaths } from '../workloads/trace.js';
import type { SourceRecord } from './fault.js';
import type { LoadedTrace } from './loaded-trace.js';
import { type AppendColumns, appendOutcomes } from './record/facts.js';
import type { Site } from './site.js';

export function sourceRecord({ directory }: LoadedTrace, appends: AppendColumns, { host }: Site): SourceRecord {
  const acknowledgedUs = new Map<string, number>();
  for (let row = 0; row < appends.rows; row++) {
    if (appendOutcomes[appends.outcome[row] as number] !== 'acknowledged') continue;
    acknowledgedUs.set(`${appends.slotUs[row]} ${appends.partition[row]}`, appends.doneUs[row] as number);
  }
  return {
    acknowledged: (kind, { atUs, untilUs }) =>
      host(async () => {
        const truth = await readFile(tracePaths(directory).truth);
        /** Per customer, the highest seq that was offered so far. */
        const highest = new Map<number, number>();
        let changes = 0;
        let firstUs = Number.POSITIVE_INFINITY;
        let at = 0;
        for await (const { slotUs, partition, block } of readEntries(directory)) {
          const { count, customer, seq } = viewBlock(block);
          const ackUs = acknowledgedUs.get(`${slotUs} ${partition}`);
          const counts = ackUs !== undefined && slotUs >= atUs && slotUs < untilUs;
          for (let i = 0; i < count; i++, at++) {
            const told = refusals[truth[at] as number];
            const before = highest.get(customer[i] as number) ?? 0;
            highest.set(customer[i] as number, Math.max(before, seq[i] as number));
            const isOfKind =
              kind === 'all' ||
              told === kind ||
              (kind === 'out_of_order' && told === '' && (seq[i] as number) < before);
            if (!counts || !isOfKind) continue;
            changes++;
            firstUs = Math.min(firstUs, ackUs);
          }
        }
        return { changes, firstUs };
      }),
  };
}
