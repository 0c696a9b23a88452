/** From what logical decoding says (pgoutput) back to the blocks of the change log. Knows nothing of any trace. */
import type { Pgoutput } from 'pg-logical-replication';
import { type ChangeBatch, payloadOf, viewBlock } from '../../../workloads/change-batch.js';
import { HarnessError } from '../../errors.js';
import type { Entry } from '../delivery.js';
import { encodeImages, type RowImages, rowOf, sourceTables, tableNumber } from './rows.js';
import { endPrefix, slotPrefix } from './statements.js';
import { type SlotMessage, unpackMessage, withPayloads } from './transactions.js';

export interface Captured {
  /** Position of the commit in the source's log, as a number. */
  readonly lsn: number;
  readonly entries: readonly Entry[];
  /** The source said that there is no more to come. */
  readonly isLast: boolean;
}

export interface Capture {
  /** One message of the stream; what its transaction brought, when it is the transaction's commit. */
  take(message: Pgoutput.Message): Captured | null;
  /** The commit that brought the oldest row that no block has taken yet; null: there is none. */
  oldestHeldLsn(): number | null;
}

/** Whether a block is not in the change log yet; it is not made up otherwise. Its payloads are still left out. */
export type IsWanted = (slotUs: number, partition: number, envelope: ChangeBatch) => boolean;

export function createCapture(isWanted: IsWanted): Capture {
  /** Rows that were committed, until the block comes to which they belong; in the order of their commits. */
  const held = new Map<number, RowImages & { readonly lsn: number }>();
  /** Of the transaction that is being read, by table and key, in the order of its changes. */
  let changed = new Map<string, RowImages[]>();
  let message: SlotMessage | null = null;
  let isLast = false;

  const note = (relation: { readonly name: string }, before: Decoded | null, after: Decoded | null) => {
    const table = tableNumber(relation.name);
    const images = { before: before && rowOf(table, before), after: after && rowOf(table, after) };
    const place = `${table} ${(images.after ?? images.before)?.[sourceTables[table]?.key ?? '']}`;
    const known = changed.get(place);
    if (known) known.push(images);
    else changed.set(place, [images]);
  };

  function commit(lsn: number): Captured {
    const entries: Entry[] = [];
    if (message !== null) {
      const { slotUs, rows, envelopes } = message;
      for (const { number, table, key } of rows) {
        const images = changed.get(`${table} ${key}`)?.shift();
        if (!images)
          throw new HarnessError(
            `logical decoding: the transaction at ${formatLsn(lsn)} has no change of row ${key} of ${sourceTables[table]?.name}, which its message names`,
          );
        held.set(number, { ...images, lsn });
      }
      for (const { partition, block } of envelopes) {
        const batch = viewBlock(block);
        const made = fill(batch, isWanted(slotUs, partition, batch));
        if (made) entries.push({ slotUs, partition, block: made });
      }
    }
    const captured = { lsn, entries, isLast };
    changed = new Map();
    message = null;
    return captured;
  }

  /** Null: it is not wanted, and its rows, as far as they were read again, are let go. */
  function fill(batch: ChangeBatch, wanted: boolean): Uint8Array | null {
    const isRow = (i: number) => payloadOf(batch, i).length === 0;
    if (!wanted) {
      for (let i = 0; i < batch.count; i++) if (isRow(i)) held.delete(batch.lsn[i] as number);
      return null;
    }
    return withPayloads(batch, (i) => {
      if (!isRow(i)) return payloadOf(batch, i);
      const number = batch.lsn[i] as number;
      const images = held.get(number);
      if (!images) throw new HarnessError(`logical decoding: change ${number} is offered before its row was read`);
      held.delete(number);
      return encodeImages(batch.table[i] as number, batch.schemaVersion[i] as number, images);
    });
  }

  return {
    take(next) {
      switch (next.tag) {
        case 'insert':
          note(next.relation, null, next.new);
          break;
        case 'update':
          note(next.relation, next.old, next.new);
          break;
        case 'delete':
          note(next.relation, next.old, null);
          break;
        case 'message':
          if (next.prefix === slotPrefix) message = unpackMessage(next.content);
          isLast = next.prefix === endPrefix;
          break;
        case 'commit':
          return commit(parseLsn(next.commitLsn as string));
      }
      return null;
    },
    oldestHeldLsn: () => held.values().next().value?.lsn ?? null,
  };
}

type Decoded = Readonly<Record<string, unknown>>;

/** https://www.postgresql.org/docs/current/datatype-pg-lsn.html; below 2^53 for eight petabytes of log. */
export function parseLsn(text: string): number {
  const [high, low] = text.split('/') as [string, string];
  return Number.parseInt(high, 16) * 2 ** 32 + Number.parseInt(low, 16);
}

export function formatLsn(lsn: number): string {
  return `${Math.floor(lsn / 2 ** 32).toString(16)}/${(lsn % 2 ** 32).toString(16)}`.toUpperCase();
}
