import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hourUs, minuteUs } from '../../workloads/durations.js';
import { cellWords } from './cell-list.js';
import { CustomerFacts } from './customer-facts.js';
import { evaluateRows } from './evaluation.js';
import { applyChange, type Change, decodeRow, emptyRow, encodeRow, listedOrders, RowWriter } from './view-row.js';

const asOfUs = 1_768_478_400_000_000 + 12_345;
const customers = 3;

const nothing = {
  refused: false,
  amountCents: -1,
  category: -1,
  risk: -1,
  beforeEventUs: -1,
  beforeAmountCents: -1,
  beforeCategory: -1,
};

interface Fact {
  readonly customer: number;
  readonly kind: 'order' | 'click' | 'device';
  readonly eventUs: number;
  readonly value: number;
  readonly fate: 'kept' | 'changed' | 'moved' | 'deleted';
}

/** Ages that meet every tile border, of more facts than a row lists orders. */
const facts = fc.array(
  fc.record<Fact>({
    customer: fc.nat(customers - 1),
    kind: fc.constantFrom('order', 'order', 'click', 'device'),
    eventUs: fc
      .tuple(fc.oneof(fc.nat(130), fc.integer({ min: 1_430, max: 1_450 }), fc.nat(10_300)), fc.nat(2))
      .map(([minutes, offset]) => asOfUs - minutes * minuteUs - 12_346 + offset),
    value: fc.nat(999),
    fate: fc.constantFrom('kept', 'kept', 'kept', 'changed', 'moved', 'deleted'),
  }),
  { maxLength: 3 * customers * listedOrders, size: 'max' },
);

/** What the speed layer would have been told of a fact. */
function changesOf({ kind, eventUs, value, fate }: Fact, entity: number): Change[] {
  const change = { ...nothing, seq: 1, entity, eventUs };
  if (kind === 'click') return [{ ...change, table: 1, op: 0 }];
  if (kind === 'device') return [{ ...change, table: 2, op: 0, risk: value }];
  const inserted = { ...change, table: 0, op: 0, amountCents: value, category: value % 12 };
  const before = { beforeEventUs: eventUs, beforeAmountCents: value, beforeCategory: value % 12 };
  if (fate === 'changed')
    return [inserted, { ...inserted, ...before, op: 1, amountCents: value + 7, category: (value + 1) % 12 }];
  if (fate === 'moved') {
    const earlierUs = eventUs - (value % 3) * 20 * minuteUs;
    const there = { ...inserted, ...before, seq: 2, op: 1, eventUs: earlierUs };
    return [inserted, there, { ...there, seq: 3, beforeEventUs: earlierUs, eventUs: earlierUs - minuteUs }];
  }
  if (fate === 'deleted') return [inserted, { ...change, ...before, table: 0, op: 2, eventUs: -1 }];
  return [inserted];
}

function collect(all: CustomerFacts, customer: number, change: Change): void {
  const { entity, eventUs, beforeEventUs } = change;
  if (change.table === 2) all.seeDevice(customer, eventUs, entity, change.risk);
  if (change.table === 1) all.addEvent(customer, eventUs, 0, 0);
  if (change.table !== 0) return;
  if (beforeEventUs >= 0)
    all.retractEvent(customer, beforeEventUs, change.beforeCategory + 1, change.beforeAmountCents);
  if (eventUs < 0) all.deleteOrder(entity);
  else {
    if (beforeEventUs >= 0 && beforeEventUs !== eventUs) all.moveOrder(entity, change.seq, eventUs);
    all.addEvent(customer, eventUs, change.category + 1, change.amountCents);
    all.addOrder(customer, entity, eventUs);
  }
}

const openFacts = () => new CustomerFacts({ customers, events: 5_000, orders: 3_000, asOfUs });

it('writes rows that evaluate as those of the speed layer do, in whatever order the facts come', () => {
  fc.assert(
    fc.property(facts, fc.boolean(), fc.nat(3 * hourUs), (list, backwards, laterUs) => {
      const changes = list.flatMap((fact, entity) =>
        changesOf(fact, entity).map((change) => ({ customer: fact.customer, change })),
      );
      const speed = Array.from({ length: customers }, emptyRow);
      for (const { customer, change } of changes) applyChange(speed[customer]!, change);
      const all = openFacts();
      for (const { customer, change } of backwards ? changes.toReversed() : changes) collect(all, customer, change);
      const writer = new RowWriter(1_000);
      // All are written before the first is read: they share memory.
      const written = speed.map((_, customer) => all.write(customer, writer));
      for (const [customer, row] of speed.entries()) {
        const read = decodeRow(written[customer]!);
        const atUs = asOfUs + laterUs;
        expect(evaluateRows([written[customer]!], atUs)).toEqual(evaluateRows([encodeRow(row)], atUs));
        const latest = [...row.orders.values()].filter(
          (us) => us > Math.floor(asOfUs / hourUs) * hourUs - 168 * hourUs,
        );
        expect([...read.orders.values()]).toEqual(latest.sort((a, b) => b - a).slice(0, listedOrders));
        for (const order of read.orders.keys()) expect(row.orders.has(order)).toBe(true);
        const cells = read.cells.words();
        for (let at = 0; at < cells.length; at += cellWords)
          expect([...cells.subarray(at + 2, at + cellWords)]).not.toEqual([0, 0, 0]);
      }
    }),
  );
});

it('adds up more cents in a cell than a word holds, and takes them away again', () => {
  const [most, orders] = [100_000_000, 50];
  const order = { ...nothing, seq: 1, table: 0, op: 0, eventUs: asOfUs - minuteUs, amountCents: most, category: 3 };
  const all = openFacts();
  const speed = emptyRow();
  const apply = (change: Change) => {
    applyChange(speed, change);
    collect(all, 0, change);
  };
  for (let entity = 0; entity < orders; entity++) apply({ ...order, entity });
  const amounts = () =>
    [encodeRow(speed), all.write(0, new RowWriter(64))].map((row) => evaluateRows([row], asOfUs).slice(3, 6));
  expect(amounts()).toEqual(Array(2).fill(Array(3).fill(orders * most)));
  const gone = { beforeEventUs: order.eventUs, beforeAmountCents: most, beforeCategory: 3, eventUs: -1, op: 2 };
  for (let entity = 1; entity < orders; entity++) apply({ ...order, ...gone, entity });
  expect(amounts()).toEqual(Array(2).fill(Array(3).fill(most)));
  // Alone, a row of retractions is what the batch row is less.
  const later = emptyRow();
  for (let entity = 0; entity < orders; entity++) applyChange(later, { ...order, ...gone, entity });
  const batch = openFacts();
  for (let entity = 0; entity < orders; entity++) collect(batch, 0, { ...order, entity });
  const rows = [batch.write(0, new RowWriter(64)), encodeRow(later)];
  expect(evaluateRows(rows, asOfUs).slice(3, 6)).toEqual([0, 0, 0]);
});

it('keeps what has come too early, beside an order and of an odd number of words', () => {
  const held: Change = { ...nothing, seq: 9, table: 2, op: 1, refused: true, entity: 2 ** 40 + 5, eventUs: asOfUs };
  const all = openFacts();
  all.addOrder(1, 2 ** 40 + 1, asOfUs);
  all.hold(1, held);
  all.hold(1, { ...held, seq: 11 });
  const writer = new RowWriter(64);
  all.write(0, writer);
  const read = decodeRow(all.write(1, writer));
  expect([...read.held.values()]).toEqual([held, { ...held, seq: 11 }]);
  expect([...read.orders]).toEqual([[2 ** 40 + 1, asOfUs]]);
  expect([all.has(0), all.has(1)]).toEqual([false, true]);
});
