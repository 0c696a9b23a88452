/** Rows made anew from real tables equal rows that were folded change by change. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RoleContext } from '../../harness/architecture.js';
import { hostClock } from '../../harness/clock.js';
import { openTableStore } from '../../harness/ports/table-store/embedded.js';
import type { TableStore } from '../../harness/ports/table-store/port.js';
import { opNames, tableNames } from '../../workloads/change-batch.js';
import { customerActivity } from '../../workloads/feature-view.js';
import { createSeqIndex } from '../../workloads/seq-index.js';
import { evaluateAll, type PlainChange, plainChange } from '../fixture-brute-force.js';
import { type ChangeRows, createChangeRows, toColumns } from './change-rows.js';
import { newRow } from './customer-rows.js';
import { createState } from './customer-state.js';
import { createEvaluation } from './evaluation.js';
import { foldBatch, forEachGroup, groupByCustomer } from './fold.js';
import { rebuildRows } from './rebuild.js';
import { listed } from './recent-list.js';
import { decodeState } from './row-codec.js';
import { changesTable, createTables } from './tables.js';

const epochUs = 1_768_478_400_000_000;
const customer = 5;
let directory: string;
let tables: TableStore;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lakehouse-rebuild-'));
  tables = openTableStore({ directory, clock: hostClock });
  await createTables(tables);
});
afterAll(async () => {
  await tables.close();
  await rm(directory, { recursive: true });
});

function rowsOf(changes: readonly PlainChange[]): ChangeRows {
  const rows = createChangeRows(changes.length);
  rows.count = changes.length;
  for (const [i, change] of changes.entries()) {
    rows.customer[i] = customer;
    rows.schemaVersion[i] = 1;
    rows.table[i] = tableNames.indexOf(change.table);
    rows.op[i] = opNames.indexOf(change.op);
    for (const name of ['seq', 'commitUs', 'entity', 'eventUs', 'amountCents', 'category', 'risk'] as const)
      rows[name][i] = change[name];
    for (const name of ['beforeEventUs', 'beforeAmountCents', 'beforeCategory'] as const) rows[name][i] = change[name];
    rows.emailToken.push(null);
    rows.phoneToken.push(null);
  }
  return rows;
}

it('knows the latest order again after more deletions than a row lists', async () => {
  const orders = Array.from({ length: listed + 4 }, (_, i): PlainChange => {
    const eventUs = epochUs + i;
    return {
      ...plainChange,
      seq: i + 1,
      commitUs: eventUs,
      table: 'orders',
      entity: i,
      eventUs,
      amountCents: 10 + i,
      category: i % 3,
    };
  });
  const deletes = orders.slice(3).map(
    (order, i): PlainChange => ({
      ...plainChange,
      seq: orders.length + i + 1,
      commitUs: epochUs + 100,
      table: 'orders',
      op: 'd',
      entity: order.entity,
      beforeEventUs: order.eventUs,
      beforeAmountCents: order.amountCents,
      beforeCategory: order.category,
    }),
  );
  const stored = rowsOf(orders);
  await tables.append(changesTable, toColumns(stored, stored.count), []);
  const seen = createSeqIndex(10);
  for (const { seq } of [...orders, ...deletes]) seen.add(customer, seq);

  let row = newRow;
  const nowUs = epochUs + 200;
  const inputOf = (rows: ChangeRows, prefix: number) => ({
    rows,
    fresh: rows.count,
    historyLoaded: false,
    prefix: () => prefix,
    groups: groupByCustomer(rows),
    customerRows: [row],
  });
  const folded = foldBatch(inputOf(stored, orders.length));
  expect(folded.shortfall).toEqual([]);
  row = folded.values[0]!;

  // The deletes are not in the tables yet when the rebuild needs them.
  const batch = rowsOf(deletes);
  const input = inputOf(batch, orders.length + deletes.length);
  const short = foldBatch(input);
  expect(short).toMatchObject({ customers: [], shortfall: [customer] });
  const context = { ports: { tables }, contract: { customers: 10 } } as unknown as RoleContext;
  const rebuilt = await rebuildRows(context, { ...input, customers: [customer, 6] });
  expect(rebuilt.customers).toEqual([customer, 6]);
  expect(rebuilt.seqs).toEqual([orders.length + deletes.length, 0]);
  const state = createState();
  decodeState(rebuilt.values[0]!, state);
  const evaluate = createEvaluation(customerActivity);
  expect(evaluate(state, nowUs)).toEqual(evaluateAll([...orders, ...deletes], nowUs));
  decodeState(rebuilt.values[1]!, state);
  expect(evaluate(state, nowUs)).toEqual(evaluateAll([], nowUs));
});

it('groups as many changes as a table has of its customers, which may be more than any batch', () => {
  const rows = createChangeRows(2 ** 21 + 2);
  rows.count = rows.seq.length;
  const last = rows.count - 1;
  rows.customer[0] = 2 ** 21 - 1;
  rows.customer[last] = 2 ** 21 - 1;
  rows.seq[last] = 1;
  rows.unfolded.fill(1, 1, last);
  const groups: [number, readonly number[]][] = [];
  forEachGroup(rows, groupByCustomer(rows), (of, members) => groups.push([of, [...members]]));
  expect(groups).toEqual([[2 ** 21 - 1, [0, last]]]);
});
