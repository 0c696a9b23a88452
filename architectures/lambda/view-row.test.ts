import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAgeing } from '../../workloads/ageing.js';
import { hourUs, minuteUs } from '../../workloads/durations.js';
import { customerActivity } from '../../workloads/feature-view.js';
import { evaluateRows } from './evaluation.js';
import { applyChange, type Change, decodeRow, emptyRow, encodeRow, type ViewRow } from './view-row.js';

const nowUs = 1_768_478_400_000_000 + 12_345;

/** Ages that meet every tile border: multiples of a minute, give or take a microsecond. */
const age = fc
  .tuple(
    fc.oneof(
      fc.integer({ min: 0, max: 130 }),
      fc.integer({ min: 1_400, max: 1_470 }),
      fc.integer({ min: 9_900, max: 10_300 }),
    ),
    fc.integer({ min: -1, max: 1 }),
  )
  .map(([minutes, offset]) => Math.max(0, minutes * minuteUs + 12_345 + offset));

interface Fact {
  readonly kind: 'order' | 'click';
  readonly ageUs: number;
  readonly amount: number;
  readonly category: number;
  readonly fate: 'kept' | 'changed' | 'deleted';
}
const facts = fc.array(
  fc.record<Fact>({
    kind: fc.constantFrom('order', 'click'),
    ageUs: age,
    amount: fc.integer({ min: 0, max: 50_000 }),
    category: fc.integer({ min: 0, max: 11 }),
    fate: fc.constantFrom('kept', 'changed', 'deleted'),
  }),
  { maxLength: 40 },
);

const nothing = {
  refused: false,
  entity: -1,
  eventUs: -1,
  amountCents: -1,
  category: -1,
  risk: -1,
  beforeEventUs: -1,
  beforeAmountCents: -1,
  beforeCategory: -1,
};

/** Each fact as the changes that a source would write: an insert, and what became of it. */
function changesOf(list: readonly Fact[]): Change[] {
  const changes: Change[] = [];
  list.forEach(({ kind, ageUs, amount, category, fate }, entity) => {
    const eventUs = nowUs - ageUs;
    if (kind === 'click') {
      changes.push({ ...nothing, seq: changes.length + 1, table: 1, op: 0, entity, eventUs });
      return;
    }
    changes.push({
      ...nothing,
      seq: changes.length + 1,
      table: 0,
      op: 0,
      entity,
      eventUs,
      amountCents: amount,
      category,
    });
    const before = { beforeEventUs: eventUs, beforeAmountCents: amount, beforeCategory: category };
    if (fate === 'changed')
      changes.push({
        ...nothing,
        ...before,
        seq: changes.length + 1,
        table: 0,
        op: 1,
        entity,
        eventUs,
        amountCents: amount + 7,
        category: (category + 1) % 12,
      });
    if (fate === 'deleted') changes.push({ ...nothing, ...before, seq: changes.length + 1, table: 0, op: 2, entity });
  });
  return changes;
}

function bruteForce(list: readonly Fact[], asOfUs: number): (number | null)[] {
  const live = list
    .filter(({ kind, fate }) => kind === 'click' || fate !== 'deleted')
    .map((fact) =>
      fact.fate === 'changed' ? { ...fact, amount: fact.amount + 7, category: (fact.category + 1) % 12 } : fact,
    )
    .map((fact) => ({ ...fact, eventUs: nowUs - fact.ageUs }));
  const within = (windowUs: number, tileUs: number) =>
    live.filter(({ eventUs }) => eventUs > Math.floor(asOfUs / tileUs) * tileUs - windowUs && eventUs <= asOfUs);
  const windows = [within(hourUs, minuteUs), within(24 * hourUs, 15 * minuteUs), within(168 * hourUs, hourUs)];
  const orders = windows.map((window) => window.filter(({ kind }) => kind === 'order'));
  const week = orders[2] as typeof live;
  const last = week.length === 0 ? null : Math.max(...week.map(({ eventUs }) => eventUs));
  const counts = Array.from(
    { length: 12 },
    (_, category) => week.filter((order) => order.category === category).length,
  );
  const top = week.length === 0 ? null : counts.indexOf(Math.max(...counts));
  return [
    ...orders.map((window) => window.length),
    ...orders.map((window) => window.reduce((sum, { amount }) => sum + amount, 0)),
    ...windows.map((window) => window.filter(({ kind }) => kind === 'click').length),
    last === null ? null : asOfUs - last,
    top,
    top === null ? null : Math.floor(((counts[top] as number) * 10_000) / week.length),
    null,
  ];
}

function rowOf(changes: readonly Change[]): ViewRow {
  const row = emptyRow();
  for (const change of changes) applyChange(row, change);
  return row;
}

describe('a row of a view', () => {
  it('evaluates to what brute force counts, however the changes are divided between two views', () => {
    fc.assert(
      fc.property(facts, fc.nat(100), fc.integer({ min: 0, max: 3 * hourUs }), (list, cut, laterUs) => {
        const changes = changesOf(list);
        const at = Math.min(cut, changes.length);
        const rows = [changes.slice(0, at), changes.slice(at)].map((some) => encodeRow(rowOf(some)));
        expect(evaluateRows(rows, nowUs + laterUs)).toEqual(bruteForce(list, nowUs + laterUs));
      }),
    );
  });

  it('says until the minute is over what evaluating it anew would say', () => {
    const later = createAgeing(customerActivity);
    fc.assert(
      fc.property(facts, fc.nat(3 * hourUs), fc.nat(minuteUs), (list, laterUs, byUs) => {
        const rows = [encodeRow(rowOf(changesOf(list)))];
        const asOfUs = nowUs + laterUs;
        const aged = later({ asOfUs, features: evaluateRows(rows, asOfUs) }, asOfUs + byUs);
        if (aged) expect(aged).toEqual(evaluateRows(rows, asOfUs + byUs));
        else expect(Math.floor((asOfUs + byUs) / minuteUs)).toBeGreaterThan(Math.floor(asOfUs / minuteUs));
      }),
    );
  });

  it('survives being written and read, with the changes it holds back', () => {
    const held: Change = { ...nothing, seq: 9, table: 2, op: 1, refused: true, entity: 2 ** 40 + 5, eventUs: nowUs };
    const row = rowOf(changesOf([{ kind: 'order', ageUs: 0, amount: 5, category: 1, fate: 'kept' }]));
    row.device = { seenUs: nowUs, id: 3, risk: 700 };
    row.held.set(9, held);
    const read = decodeRow(encodeRow(row));
    expect({ ...read, cells: read.cells.words() }).toEqual({ ...row, cells: row.cells.words() });
    expect(read.held.get(9)).toEqual(held);
  });

  it('refuses a row that was cut off, wherever, or goes on', () => {
    const row = rowOf(changesOf([{ kind: 'order', ageUs: 0, amount: 5, category: 1, fate: 'deleted' }]));
    row.held.set(9, { ...nothing, seq: 9, table: 1, op: 0, entity: 4, eventUs: nowUs });
    const encoded = encodeRow(row);
    for (let length = 0; length < encoded.length; length++)
      for (const read of [decodeRow, (value: Uint8Array) => evaluateRows([value], nowUs)])
        expect(() => read(encoded.subarray(0, length))).toThrow(/another program wrote to this table/);
    expect(() => decodeRow(Uint8Array.of(...encoded, 0, 0, 0, 0))).toThrow(
      `view row of ${encoded.length + 4} bytes: expected ${encoded.length}; another program wrote to this table of the online store`,
    );
  });

  it('takes the latest device, the lowest id where two are as late', () => {
    const device = (entity: number, eventUs: number, risk: number): Change => ({
      ...nothing,
      seq: 1,
      table: 2,
      op: 1,
      entity,
      eventUs,
      risk,
    });
    const devices = [device(5, nowUs, 50), device(2, nowUs, 20), device(3, nowUs, 30), device(1, nowUs - 1, 10)];
    expect(evaluateRows([encodeRow(rowOf(devices))], nowUs).at(-1)).toBe(20);
    expect(
      evaluateRows(
        devices.map((seen) => encodeRow(rowOf([seen]))),
        nowUs,
      ).at(-1),
    ).toBe(20);
  });
});
