/** Where the stream goes on: everything that it knows when it starts, from the tables alone. */
import type { RoleContext } from '../../harness/architecture.js';
import { UsageError } from '../../harness/errors.js';
import type { IntValues } from '../../harness/ports/columns.js';
import { type FencedTable, takeOver } from '../../harness/ports/fence.js';
import { untilDone } from '../../harness/ports/retries.js';
import { duplicateRefusal } from '../../workloads/data-contract.js';
import { createSeqIndex, type SeqIndex } from '../../workloads/seq-index.js';
import { appendRow, appendScanned, type ChangeRows, createChangeRows } from './change-rows.js';
import { scanChangesOf } from './rebuild.js';
import { changesTable, createTables, historyTable, historyTxn, streamTxn, writerTxn } from './tables.js';

export interface Position {
  /** Per partition, the offset of the first entry that is not in the tables. */
  readonly offsets: number[];
  /** Which (customer, seq) the tables have. */
  readonly seen: SeqIndex;
  /** Changes in the tables that wait for earlier ones. */
  readonly held: ChangeRows;
  /** Where this stream alone appends from now on. */
  readonly changes: FencedTable;
  historyLoaded: boolean;
}

export async function recoverPosition(context: RoleContext): Promise<Position> {
  const { ports, contract } = context;
  if (contract.customers > mostCustomers)
    throw new UsageError(
      `lakehouse: contract.customers is ${contract.customers}; the plane keeps up to ${mostCustomers} customers`,
    );
  return untilDone(context, async () => {
    await Promise.all([ports.changeLog.createTopic(contract.topic, contract.partitions), createTables(ports.tables)]);
    // First: whatever an earlier stream still appends is either refused from here on, or read below.
    const changes = await takeOver(context, ports.tables, changesTable, writerTxn);
    const [txns, history, { seen, waiting }] = await Promise.all([
      ports.tables.txns(changesTable),
      // Customers are the last history table to be written; a rebuild needs those before it.
      ports.tables.txns(historyTable('customers')),
      readSeen(context),
    ]);
    return {
      offsets: Array.from({ length: contract.partitions }, (_, partition) => txns.get(streamTxn(partition)) ?? 0),
      seen,
      held: await readHeld(context, seen, waiting),
      changes,
      historyLoaded: history.has(historyTxn),
    };
  });
}

/** A customer below 2^21 and a seq below 2^32 make one integer that a double holds. */
const seqRange = 2 ** 32;
const mostCustomers = 2 ** 21;

/** Also the customers of whom there are changes beyond a gap. */
async function readSeen({ ports, contract }: RoleContext): Promise<{ seen: SeqIndex; waiting: number[] }> {
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
  const waiting = new Set<number>();
  for (const key of keys) {
    const customer = Math.floor(key / seqRange);
    const seq = key % seqRange;
    seen.add(customer, seq);
    if (seq > seen.prefix(customer)) waiting.add(customer);
  }
  return { seen, waiting: [...waiting] };
}

async function readHeld({ ports }: RoleContext, seen: SeqIndex, customers: readonly number[]): Promise<ChangeRows> {
  const held = createChangeRows(0);
  if (customers.length === 0) return held;
  const scanned = createChangeRows();
  for await (const batch of scanChangesOf(ports.tables, customers)) appendScanned(scanned, batch);
  for (let i = 0; i < scanned.count; i++) {
    const isEarly = (scanned.seq[i] as number) > seen.prefix(scanned.customer[i] as number);
    if (isEarly && scanned.refusal[i] !== duplicateRefusal) appendRow(held, scanned, i);
  }
  return held;
}
