/** What the source really offered, from its trace and what became of its appends: the proof of faults that are its own. */
import { readFile } from 'node:fs/promises';
import { viewBlock } from '../workloads/change-batch.js';
import { refusals } from '../workloads/refusals.js';
import { readEntries, tracePaths } from '../workloads/trace.js';
import type { Acknowledged, AcknowledgedChanges, SourceDirt, SourceRecord } from './fault.js';
import type { LoadedTrace } from './loaded-trace.js';
import { type AppendColumns, appendOutcomes, type Timeline } from './record/facts.js';
import type { Site } from './site.js';

export function sourceRecord(options: {
  readonly trace: LoadedTrace;
  readonly timeline: Timeline;
  readonly appends: AppendColumns;
  readonly site: Site;
}): SourceRecord {
  const { trace, timeline, appends, site } = options;
  // Only a fault of the source asks; most runs have none.
  let known: ReadonlyMap<string, number> | null = null;
  return {
    usual: { atUs: timeline.measureStartUs, untilUs: timeline.measureEndUs },
    acknowledged: ({ atUs, untilUs }) =>
      site.host(async (): Promise<AcknowledgedChanges> => {
        known ??= acknowledgements(appends);
        const acknowledgedUs = known;
        const truth = await readFile(tracePaths(trace.directory).truth);
        const all = countNone();
        const byDirt = Object.fromEntries(kindsOfDirt.map((kind) => [kind, countNone()])) as Record<SourceDirt, Count>;
        /** By partition, the last commit that was offered so far. */
        const highestLsn = new Map<number, number>();
        let at = 0;
        for await (const { slotUs, partition, block } of readEntries(trace.directory)) {
          const { count, commitUs, lsn } = viewBlock(block);
          const ackUs = acknowledgedUs.get(entryKey(slotUs, partition));
          let highest = highestLsn.get(partition) ?? 0;
          for (let i = 0; i < count; i++, at++) {
            const refusal = refusals[truth[at] as number] as (typeof refusals)[number];
            const isOvertaken = (lsn[i] as number) < highest;
            highest = Math.max(highest, lsn[i] as number);
            const isAsked = (commitUs[i] as number) >= atUs && (commitUs[i] as number) < untilUs;
            if (ackUs === undefined || !isAsked) continue;
            if (refusal !== 'duplicate') add(all, ackUs);
            if (refusal !== '') add(byDirt[refusal], ackUs);
            else if (isOvertaken) add(byDirt.out_of_order, ackUs);
          }
          highestLsn.set(partition, highest);
        }
        return { ...all, byDirt };
      }),
  };
}

const kindsOfDirt: readonly SourceDirt[] = [...refusals.filter((refusal) => refusal !== ''), 'out_of_order'];

type Count = { -readonly [Field in keyof Acknowledged]: Acknowledged[Field] };
const countNone = (): Count => ({ changes: 0, firstUs: Number.POSITIVE_INFINITY });

function add(count: Count, ackUs: number): void {
  count.changes++;
  count.firstUs = Math.min(count.firstUs, ackUs);
}

/** By entry, when an attempt to append it was acknowledged. */
function acknowledgements(appends: AppendColumns): Map<string, number> {
  const acknowledgedUs = new Map<string, number>();
  for (let row = 0; row < appends.rows; row++) {
    if (appendOutcomes[appends.outcome[row] as number] !== 'acknowledged') continue;
    const key = entryKey(appends.slotUs[row] as number, appends.partition[row] as number);
    acknowledgedUs.set(key, appends.doneUs[row] as number);
  }
  return acknowledgedUs;
}

const entryKey = (slotUs: number, partition: number) => `${slotUs} ${partition}`;
