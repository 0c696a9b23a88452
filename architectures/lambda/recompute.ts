/**
 * The batch layer: recomputes every row of the view from all the master data there is, remembering nothing of the time
 * before. This is the second implementation of each feature, over columns; the first is speed.ts, a change at a time.
 */
import type { RoleContext } from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import type { Lineage } from '../../harness/lineage/recorder.js';
import type { IntValues, TextValues } from '../../harness/ports/columns.js';
import type { Snapshot, TableStore } from '../../harness/ports/table-store/port.js';
import { type OpName, opNames, type TableName, tableNames } from '../../workloads/change-batch.js';
import { createSeqIndex, type SeqIndex } from '../../workloads/seq-index.js';
import { rawTable } from './archive.js';
import { CustomerFacts } from './customer-facts.js';
import { batchTable, mark, readView } from './epochs.js';
import { type HistoryName, historyTable } from './history.js';
import { recordBatchView } from './lineage.js';
import { type Change, RowWriter } from './view-row.js';

const rowsPerPut = 2_000;
/** About what the rows of a put take. */
const wordsPerPut = 1 << 18;

/**
 * Writes the batch view of `epoch` from the master data as they are now; resolves when it is whole. It is evaluated at
 * their newest commit, so that a clock that is wrong lets no event expire; only history alone has no such time.
 */
export async function recomputeView(context: RoleContext, lineage: Lineage, epoch: number): Promise<void> {
  const { ports, contract, clock } = context;
  const sources = await openSources(ports.tables);
  await recordBatchView(lineage, context, epoch, Object.values(sources));
  const { seen, newestUs } = await indexSeqs(ports.tables, sources.raw, contract.customers);
  const asOfUs = newestUs > 0 ? newestUs : clock.nowUs();
  const facts = new CustomerFacts({
    customers: contract.customers,
    events: rowsOf(sources.orders) + rowsOf(sources.clicks) + 2 * rowsOf(sources.raw),
    orders: rowsOf(sources.orders) + rowsOf(sources.raw),
    asOfUs,
  });
  await readHistory(ports.tables, sources, facts);
  await readChanges(ports.tables, sources.raw, seen, facts);
  await mark(ports.onlineStore, batchTable(epoch), asOfUs);
  await putRows(context, epoch, asOfUs, seen, facts);
  if (!(await readView(ports.onlineStore, batchTable(epoch), [])))
    throw new CallError('failed', `the online store lost rows of epoch ${epoch} while they were written`);
}

/** The master data as they are now; history is null until it is loaded. */
interface Sources extends Readonly<Record<Exclude<HistoryName, 'customers'>, Snapshot | null>> {
  readonly raw: Snapshot;
}

async function openSources(tables: TableStore): Promise<Sources> {
  const known = new Set(await tables.tables());
  const open = async (name: HistoryName) =>
    known.has(historyTable(name)) ? await tables.snapshot(historyTable(name)) : null;
  return {
    raw: await tables.snapshot(rawTable),
    orders: await open('orders'),
    clicks: await open('clicks'),
    devices: await open('devices'),
  };
}

function rowsOf(snapshot: Snapshot | null): number {
  return snapshot?.files.reduce((sum, { rows }) => sum + rows, 0) ?? 0;
}

async function indexSeqs(
  tables: TableStore,
  raw: Snapshot,
  customers: number,
): Promise<{ readonly seen: SeqIndex; readonly newestUs: number }> {
  const seen = createSeqIndex(customers);
  let newestUs = 0;
  await eachBatch(tables, raw, ['customer', 'seq', 'commit_us'], (rows, { customer, seq, commit_us }) => {
    for (let i = 0; i < rows; i++) {
      seen.add(customer[i] as number, seq[i] as number);
      newestUs = Math.max(newestUs, commit_us[i] as number);
    }
  });
  return { seen, newestUs };
}

/** Of a column that is never null. */
type Ints = ArrayLike<number>;
/** A number of a nullable column; -1 for null. */
const orNone = (column: IntValues, row: number) => (column[row] as number | null) ?? -1;

async function readHistory(tables: TableStore, sources: Sources, facts: CustomerFacts): Promise<void> {
  await eachBatch(
    tables,
    sources.orders,
    ['order_id', 'customer', 'placed_us', 'amount_cents', 'category'],
    (rows, { order_id, customer, placed_us, amount_cents, category }) => {
      for (let i = 0; i < rows; i++) {
        const of = customer[i] as number;
        facts.addEvent(of, placed_us[i] as number, (category[i] as number) + 1, amount_cents[i] as number);
        facts.addOrder(of, order_id[i] as number, placed_us[i] as number);
      }
    },
  );
  await eachBatch(tables, sources.clicks, ['customer', 'clicked_us'], (rows, { customer, clicked_us }) => {
    for (let i = 0; i < rows; i++) facts.addEvent(customer[i] as number, clicked_us[i] as number, 0, 0);
  });
  await eachBatch(
    tables,
    sources.devices,
    ['device_id', 'customer', 'seen_us', 'risk'],
    (rows, { device_id, customer, seen_us, risk }) => {
      for (let i = 0; i < rows; i++)
        facts.seeDevice(customer[i] as number, seen_us[i] as number, device_id[i] as number, risk[i] as number);
    },
  );
}

/** Calls back with the columns of each batch, none of which is ever null. */
async function eachBatch<Name extends string>(
  tables: TableStore,
  snapshot: Snapshot | null,
  names: readonly Name[],
  use: (rows: number, columns: Readonly<Record<Name, Ints>>) => void,
): Promise<void> {
  if (!snapshot) return;
  for await (const { rows, columns } of tables.scan(snapshot, { columns: names }))
    use(rows, columns as Readonly<Record<Name, Ints>>);
}

const changeColumns = [
  'customer',
  'seq',
  'source_table',
  'op',
  'refused',
  'entity',
  'event_us',
  'amount_cents',
  'category',
  'risk',
  'before_event_us',
  'before_amount_cents',
  'before_category',
] as const;

type ChangeColumns = Readonly<Record<(typeof changeColumns)[number], IntValues | TextValues>>;

async function readChanges(tables: TableStore, raw: Snapshot, seen: SeqIndex, facts: CustomerFacts): Promise<void> {
  for await (const { rows, columns } of tables.scan(raw, { columns: changeColumns }))
    addChanges(rows, columns as ChangeColumns, seen, facts);
}

/** Sound changes of each customer's contiguous prefix become facts; those beyond a gap are kept in the row, for the speed layer. */
function addChanges(rows: number, columns: ChangeColumns, seen: SeqIndex, facts: CustomerFacts): void {
  const customers = columns.customer as Ints;
  const seqs = columns.seq as Ints;
  const sources = columns.source_table as TextValues;
  const refused = columns.refused as TextValues;
  const entities = columns.entity as IntValues;
  const eventUs = columns.event_us as IntValues;
  const amounts = columns.amount_cents as IntValues;
  const categories = columns.category as IntValues;
  const risks = columns.risk as IntValues;
  const beforeUs = columns.before_event_us as IntValues;
  const beforeAmounts = columns.before_amount_cents as IntValues;
  const beforeCategories = columns.before_category as IntValues;
  for (let i = 0; i < rows; i++) {
    if (refused[i] === 'duplicate') continue;
    const customer = customers[i] as number;
    if ((seqs[i] as number) > seen.prefix(customer)) {
      facts.hold(customer, heldChange(columns, i));
      continue;
    }
    if (refused[i] !== null) continue;
    const atUs = orNone(eventUs, i);
    switch (sources[i]) {
      case 'orders': {
        const retractedUs = orNone(beforeUs, i);
        if (retractedUs >= 0)
          facts.retractEvent(customer, retractedUs, orNone(beforeCategories, i) + 1, orNone(beforeAmounts, i));
        if (atUs >= 0) {
          if (retractedUs >= 0 && retractedUs !== atUs) facts.moveOrder(orNone(entities, i), seqs[i] as number, atUs);
          facts.addEvent(customer, atUs, orNone(categories, i) + 1, orNone(amounts, i));
          facts.addOrder(customer, orNone(entities, i), atUs);
        } else facts.deleteOrder(orNone(entities, i));
        break;
      }
      case 'clicks':
        facts.addEvent(customer, atUs, 0, 0);
        break;
      case 'devices':
        facts.seeDevice(customer, atUs, orNone(entities, i), orNone(risks, i));
    }
  }
}

function heldChange(columns: ChangeColumns, i: number): Change {
  const int = (name: keyof ChangeColumns) => orNone(columns[name] as IntValues, i);
  return {
    seq: int('seq'),
    table: tableNames.indexOf(columns.source_table[i] as TableName),
    op: opNames.indexOf(columns.op[i] as OpName),
    refused: columns.refused[i] !== null,
    entity: int('entity'),
    eventUs: int('event_us'),
    amountCents: int('amount_cents'),
    category: int('category'),
    risk: int('risk'),
    beforeEventUs: int('before_event_us'),
    beforeAmountCents: int('before_amount_cents'),
    beforeCategory: int('before_category'),
  };
}

/** Builds the next rows while the store takes the ones before. */
async function putRows(
  { ports, contract, signal }: RoleContext,
  epoch: number,
  asOfUs: number,
  seen: SeqIndex,
  facts: CustomerFacts,
): Promise<void> {
  let put: Promise<unknown> = Promise.resolve();
  for (let customer = 0; customer < contract.customers; ) {
    signal.throwIfAborted();
    const keys: string[] = [];
    const seqs: number[] = [];
    const values: Uint8Array[] = [];
    const writer = new RowWriter(wordsPerPut);
    for (; customer < contract.customers && keys.length < rowsPerPut; customer++) {
      const seq = seen.prefix(customer);
      if (seq === 0 && !facts.has(customer)) continue;
      keys.push(String(customer));
      seqs.push(seq);
      values.push(facts.write(customer, writer));
    }
    await put;
    put = ports.onlineStore.put(batchTable(epoch), { keys, seqs, asOfUs: keys.map(() => asOfUs), values });
    // A rejection is for the next `await` to throw.
    put.catch(() => {});
  }
  await put;
}
