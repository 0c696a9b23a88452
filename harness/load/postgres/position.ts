/**
 * Where a connector stands: up to which commit everything is in the change log, and from which offsets on what came after it
 * lies there. Both are consumer groups of the change log, stored one after the other: a position in the source that is newer
 * than its offsets only means that more of the log is looked through than need be.
 */
import { viewBlock } from '../../../workloads/change-batch.js';
import type { ContractParams } from '../../../workloads/data-contract.js';
import type { ChangeLog } from '../../ports/change-log/port.js';

export interface Position {
  /** 0: from the beginning. */
  readonly lsn: number;
  readonly offsets: readonly number[];
}

const commitGroup = 'planebench.source.lsn';
const offsetGroup = 'planebench.source.offsets';

export async function readPosition(log: ChangeLog, { topic, partitions }: ContractParams): Promise<Position> {
  const [lsn] = (await log.committed(commitGroup, topic)) ?? [0];
  const offsets = (await log.committed(offsetGroup, topic)) ?? new Array<number>(partitions).fill(0);
  return { lsn: lsn as number, offsets };
}

export async function storePosition(log: ChangeLog, topic: string, { lsn, offsets }: Position): Promise<void> {
  await log.commit(commitGroup, topic, new Array<number>(offsets.length).fill(lsn));
  await log.commit(offsetGroup, topic, offsets);
}

export const entryName = (slotUs: number, partition: number): string => `${slotUs} ${partition}`;

/** What the predecessors of a connector have left in the change log. */
export interface Logged {
  /** Whether this entry is there already. Asked of all in the order of their slots, as they are read from the source. */
  take(slotUs: number, partition: number): boolean;
  /** The entries of this connector's own lie before. */
  appended(partition: number, end: number): void;
  /** From here on lies whatever comes after the latest entry that was asked for. */
  offsets(): number[];
}

/** Looks through what lies at or behind these offsets. */
export async function readLogged(log: ChangeLog, topic: string, offsets: readonly number[]): Promise<Logged> {
  const logged = new Set<string>();
  let lastSlotUs = Number.NEGATIVE_INFINITY;
  const ends = await log.endOffsets(topic);
  for (const [partition, end] of ends.entries()) {
    for (let offset = offsets[partition] ?? 0; offset < end; ) {
      const { entries } = await log.read(topic, partition, offset, { maxBytes: 1 << 22, maxWaitUs: 1_000_000 });
      for (const block of entries) {
        const slotUs = viewBlock(block).emitUs[0] as number;
        lastSlotUs = Math.max(lastSlotUs, slotUs);
        logged.add(entryName(slotUs, partition));
      }
      offset += entries.length;
    }
  }
  return {
    take(slotUs, partition) {
      // Of commits before the stored position, which the source does not say again, some were looked up too.
      if (slotUs > lastSlotUs) logged.clear();
      return logged.delete(entryName(slotUs, partition));
    },
    appended(partition, end) {
      ends[partition] = Math.max(ends[partition] as number, end);
    },
    // While some are still to come they lie before the ends: a successor would append them again.
    offsets: () => [...(logged.size === 0 ? ends : offsets)],
  };
}
