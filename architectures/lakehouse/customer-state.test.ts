import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { opNames, tableNames } from '../../workloads/change-batch.js';
import { hourUs, minuteUs } from '../../workloads/durations.js';
import { customerActivity } from '../../workloads/feature-view.js';
import { evaluateAll, type PlainChange, plainChange } from '../fixture-brute-force.js';
import { appendRow, type ChangeRows, createChangeRows } from './change-rows.js';
import { applyChange, createState, needsTables } from './customer-state.js';
import { createEvaluation } from './evaluation.js';
import { listed } from './recent-list.js';
import { decodeState, encodeState, openState, readFor } from './row-codec.js';

const epochUs = 1_768_478_400_000_000;
const evaluate = createEvaluation(customerActivity);

/** Changes as the columns that a micro-batch has. */
function rowsOf(changes: readonly PlainChange[]): ChangeRows {
  const rows = createChangeRows();
  for (const change of changes) {
    const one = createChangeRows(1);
    one.customer[0] = 7;
    one.table[0] = tableNames.indexOf(change.table);
    one.op[0] = opNames.indexOf(change.op);
    one.refusal[0] = change.refused ? 1 : 0;
    for (const name of [
      'seq',
      'commitUs',
      'entity',
      'eventUs',
      'amountCents',
      'category',
      'risk',
      'beforeEventUs',
      'beforeAmountCents',
      'beforeCategory',
    ] as const)
      one[name][0] = change[name];
    appendRow(rows, one, 0);
  }
  return rows;
}

/** What happens next to a customer, abstractly: ages meet every tile border, give or take a microsecond. */
const step = fc.record({
  kind: fc.constantFrom('order', 'order', 'order', 'update', 'delete', 'delete', 'click', 'device', 'customer'),
  ageUs: fc.oneof(
    fc.integer({ min: 0, max: 3 * minuteUs }),
    fc
      .tuple(
        fc.integer({ min: 0, max: 200 }),
        fc.constantFrom(minuteUs, 15 * minuteUs, hourUs),
        fc.integer({ min: -1, max: 1 }),
      )
      .map(([tiles, tileUs, offset]) => Math.max(0, tiles * tileUs + offset)),
  ),
  pick: fc.nat(1_000),
  amount: fc.integer({ min: 0, max: 100_000_000 }),
  category: fc.integer({ min: 0, max: 11 }),
  refused: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0),
  /** Time until the next change; some sleep for a tile or a window. */
  pauseUs: fc.constantFrom(0, 1, 1_000, minuteUs, 15 * minuteUs, hourUs, 26 * hourUs, 8 * 24 * hourUs),
  /** Whether a micro-batch ends after it. */
  batchEnds: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The changes that a source would write; a refused one leaves nothing that later ones build on. */
function changesOf(steps: readonly Step[]): PlainChange[] {
  const live: PlainChange[] = [];
  let nowUs = epochUs;
  return steps.map(({ kind, ageUs, pick, amount, category, refused, pauseUs }, i): PlainChange => {
    nowUs += pauseUs;
    const eventUs = nowUs - ageUs;
    const envelope = { ...plainChange, seq: i + 1, commitUs: nowUs, refused };
    const at = live.length === 0 ? -1 : pick % live.length;
    if (kind === 'click') return { ...envelope, table: 'clicks', entity: i, eventUs };
    if (kind === 'customer') return { ...envelope, table: 'customers', op: 'u', entity: 7, eventUs };
    if (kind === 'device') return { ...envelope, table: 'devices', op: 'u', entity: pick % 30, eventUs, risk: pick };
    if (kind === 'order' || at < 0) {
      const change: PlainChange = { ...envelope, table: 'orders', entity: i, eventUs, amountCents: amount, category };
      if (!refused) live.push(change);
      return change;
    }
    const [before] = live.splice(at, 1) as [PlainChange];
    const touched = {
      ...envelope,
      table: 'orders',
      entity: before.entity,
      beforeEventUs: before.eventUs,
      beforeAmountCents: before.amountCents,
      beforeCategory: before.category,
    } as const;
    if (kind === 'delete') return { ...touched, op: 'd' };
    const moved = pick % 3 === 0 ? eventUs : before.eventUs;
    const change: PlainChange = { ...touched, op: 'u', eventUs: moved, amountCents: amount, category };
    if (!refused) live.push(change);
    return change;
  });
}

describe('customer state', () => {
  it('evaluates to the view by brute force, after any changes, batches, pauses and trips through its row', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.array(fc.nat(8 * 24 * hourUs), { maxLength: 4 }),
        (steps, later) => {
          const changes = changesOf(steps);
          const rows = rowsOf(changes);
          const state = createState();
          for (const [i, { batchEnds }] of steps.entries()) {
            applyChange(state, rows, i);
            if (!batchEnds) continue;
            // A list that deletions have emptied is rebuilt from the tables before the row is stored; see fold.ts.
            if (needsTables(state)) return;
            decodeState(encodeState(state), state);
          }
          const lastUs = changes.at(-1)?.commitUs ?? epochUs;
          expect(state.lastSeq).toBe(changes.length);
          expect(state.latestUs).toBe(changes.length === 0 ? 0 : lastUs);
          if (needsTables(state)) return;
          for (const us of [0, ...later])
            expect(evaluate(state, lastUs + us)).toEqual(evaluateAll(changes, lastUs + us));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('gives the same row bytes after a trip through them', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const changes = changesOf(steps);
        const rows = rowsOf(changes);
        const state = createState();
        state.history = steps.length % 2 === 0;
        for (let i = 0; i < changes.length; i++) applyChange(state, rows, i);
        const row = encodeState(state);
        const again = createState();
        decodeState(row, again);
        expect(encodeState(again)).toEqual(row);
        expect(again.history).toBe(state.history);
      }),
    );
  });

  it('gives the same row where what no change alters stays unread', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const rows = rowsOf(changesOf(steps));
        const whole = createState();
        const opened = createState();
        for (const [i, { batchEnds }] of steps.entries()) {
          applyChange(whole, rows, i);
          readFor(opened, rows, i);
          applyChange(opened, rows, i);
          expect(needsTables(opened)).toBe(needsTables(whole));
          if (!batchEnds) continue;
          const row = encodeState(whole);
          expect(encodeState(opened)).toEqual(row);
          decodeState(row, whole);
          openState(row, opened);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('knows when its list of orders cannot tell the latest one, and not before', () => {
    const orders = Array.from({ length: listed + 3 }, (_, i) => ({
      ...plainChange,
      seq: i + 1,
      commitUs: epochUs + i,
      table: 'orders' as const,
      entity: i,
      eventUs: epochUs + i,
      amountCents: 1,
      category: 0,
    }));
    // The latest are deleted first.
    const deletes = orders.toReversed().map((order, i) => ({
      ...order,
      seq: orders.length + i + 1,
      commitUs: epochUs + orders.length,
      op: 'd' as const,
      eventUs: -1,
      amountCents: -1,
      category: -1,
      beforeEventUs: order.eventUs,
      beforeAmountCents: order.amountCents,
      beforeCategory: order.category,
    }));
    const changes = [...orders, ...deletes];
    const rows = rowsOf(changes);
    const state = createState();
    const nowUs = epochUs + orders.length;
    for (let i = 0; i < changes.length; i++) {
      applyChange(state, rows, i);
      const deleted = i + 1 - orders.length;
      expect(needsTables(state)).toBe(deleted >= listed);
      if (deleted < listed && i >= orders.length)
        expect(evaluate(state, nowUs)).toEqual(evaluateAll(changes.slice(0, i + 1), nowUs));
    }
    // Beyond the window nobody asks.
    state.latestUs += 8 * 24 * hourUs;
    expect(needsTables(state)).toBe(false);
  });

  it('keeps the row of a busy customer small', () => {
    const changes = Array.from({ length: 20_000 }, (_, i): PlainChange => {
      const eventUs = epochUs + i * 30_000_000; // every half minute for a week
      return {
        ...plainChange,
        seq: i + 1,
        commitUs: eventUs,
        table: 'orders',
        entity: i,
        eventUs,
        amountCents: 9_999,
        category: i % 12,
      };
    });
    const rows = rowsOf(changes);
    const state = createState();
    for (let i = 0; i < changes.length; i++) applyChange(state, rows, i);
    const row = encodeState(state).slice();
    expect(row.length).toBeLessThan(10_000);
    const again = createState();
    openState(row, again);
    expect(encodeState(again)).toEqual(row);
    decodeState(row, again);
    expect(encodeState(again)).toEqual(row);
  });

  it('refuses the bytes of another program', () => {
    expect(() => decodeState(Uint8Array.of(9, 0, 0), createState())).toThrow(/expected version 2, found 9/);
    const row = encodeState(createState());
    expect(() => decodeState(Uint8Array.of(...row, 0), createState())).toThrow(/were understood/);
  });

  it('refuses a row that was cut off, wherever, instead of reading on for ever', () => {
    const changes = (['orders', 'clicks', 'devices'] as const).map((table, i): PlainChange => {
      const eventUs = epochUs + i * hourUs;
      return {
        ...plainChange,
        seq: i + 1,
        commitUs: eventUs,
        table,
        entity: 2 ** 40 + i,
        eventUs,
        amountCents: 2 ** 40,
      };
    });
    const rows = rowsOf(changes);
    const state = createState();
    for (let i = 0; i < changes.length; i++) applyChange(state, rows, i);
    const row = encodeState(state).slice();
    for (let length = 1; length < row.length; length++) {
      for (const read of [decodeState, openState])
        expect(() => read(row.subarray(0, length), createState())).toThrow(/were understood/);
    }
  });
});
