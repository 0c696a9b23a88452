/** Where the stream goes on: everything that it knows when it starts, from the tables alone. */
import type { RoleContext } from '../../harness/architecture.js';
import type { IntValues } from '../../harness/ports/columns.js';
import { createSeqIndex, type SeqIndex } from '../../workloads/seq-index.js';
import { untilDone } from './retries.js';
import { changesTable, createTables, historyTable, historyTxn, streamTxn } from './tables.js';

export interface Position {
  /** Per partition, the offset of the first entry that is not in the tables. */
  readonly offsets: number[];
  /** Which (customer, seq) the tables have. */
  readonly seen: SeqIndex;
  historyLoaded: boolean;
}

export async function recoverPosition(context: RoleContext): Promise<Position> {
  const { ports, contract } = context;
  return untilDone(context, async () => {
    await ports.changeLog.createTopic(contract.topic, contract.partitions);
    await createTables(ports.tables);
    const txns = await ports.tables.txns(changesTable);
    // Customers are the last history table to be written; a rebuild needs those before it.
    const history = await ports.tables.txns(historyTable('customers'));
    return {
      offsets: Array.from({ length: contract.partitions }, (_, partition) => txns.get(streamTxn(partition)) ?? 0),
      seen: await readSeen(context),
      historyLoaded: history.has(historyTxn),
    };
  });
}

/** A customer below 2^21 and a seq below 2^32 make one integer that a double holds. */
const seqRange = 2 ** 32;

async function readSeen({ ports, contract }: RoleContext): Promise<SeqIndex> {
  const parts: Float64Array[] = [];
  let length = 0;
  const snapshot = await ports.tables.snapshot(changesTable);
  for await (const { rows, columns } of ports.tables.scan(snapshot, { columns: ['customer', 'seq', 'refused'] })) {
    const keys = new Float64Array(rows);
    let count = 0;
    for (let i = 0; i < rows; i++) {
      const customer = (columns.customer as IntValues)[i] as number;
      // A duplicate tells nothing: the change that it repeats is there too.
      if (columns.refused?.[i] === 'duplicate' || customer >= contract.customers) continue;
      keys[count++] = customer * seqRange + ((columns.seq as IntValues)[i] as number);
    }
    parts.push(keys.subarray(0, count));
    length += count;
  }
  const keys = new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    keys.set(part, at);
    at += part.length;
  }
  // In the order of seqs the index needs no memory for gaps, whatever the order of the files.
  keys.sort();
  const seen = createSeqIndex(contract.customers);
  for (const key of keys) seen.add(Math.floor(key / seqRange), key % seqRange);
  return seen;
}
