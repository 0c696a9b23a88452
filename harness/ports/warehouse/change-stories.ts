/** Random stories of a source, for tests: a little history, then changes as a source may write them, and how they arrive. */
import fc from 'fast-check';
import { hourUs, minuteUs } from '../../../workloads/durations.js';
import type { Change, HistoryFact, Image } from './expected-view.js';

/** A full hour, so that hour, quarter and minute tiles end here together. */
export const epochUs = 1_700_049_600_000_000;

export interface Story {
  readonly history: readonly HistoryFact[];
  readonly changes: readonly ArrivingChange[];
  readonly rounds: readonly Round[];
}

export interface ArrivingChange {
  readonly change: Change;
  /** The round in which it arrives, and the one in which a copy of it does, or null. */
  readonly round: number;
  readonly copyRound: number | null;
}

export interface Round {
  /** After `epochUs`. */
  readonly afterUs: number;
  readonly refreshes: boolean;
}

/** Times at, just before and just after the bounds of tiles and windows, and some within. */
const offsetUs = fc
  .tuple(
    fc.constantFrom(0, 1, 14, 15, 59, 60, 61, 23 * 60 + 45, 24 * 60, 24 * 60 + 15, 167 * 60, 168 * 60, 169 * 60),
    fc.constantFrom(-1, 0, 1, 1_000_000),
  )
  .map(([minutes, beside]) => minutes * minuteUs + beside);

const someHistory = fc
  .array(
    fc.record({
      source: fc.constantFrom('orders' as const, 'clicks' as const, 'devices' as const),
      customer: fc.nat(2),
      agoUs: offsetUs,
      amountCents: fc.nat(1000),
      category: fc.nat(2),
      risk: fc.nat(5),
    }),
    { maxLength: 12 },
  )
  .map((facts) =>
    facts.map(({ agoUs, ...fact }, i): HistoryFact => ({ ...fact, entity: i, eventUs: epochUs - agoUs })),
  );

const someSteps = fc.array(
  fc.record({
    customer: fc.integer({ min: 0, max: 3 }),
    what: fc.constantFrom('insert', 'insert', 'update', 'move', 'delete', 'click', 'device', 'profile'),
    pick: fc.nat(20),
    agoUs: offsetUs,
    aheadUs: fc.constantFrom(0, 0, 0, 90_000_000),
    amountCents: fc.nat(1000),
    category: fc.nat(2),
    risk: fc.nat(5),
    refused: fc.constantFrom(false, false, false, false, true),
    round: fc.nat(7),
    copyRound: fc.option(fc.nat(7), { freq: 5 }),
  }),
  { maxLength: 40 },
);

const someRounds = fc
  .array(
    fc.record({
      stepUs: fc.constantFrom(0, 1, 1_000_000, 59_999_999, minuteUs, 15 * minuteUs, hourUs, 24 * hourUs, 170 * hourUs),
      refreshes: fc.constantFrom(true, true, true, false),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((rounds) => {
    let afterUs = 0;
    return rounds.map(({ stepUs, refreshes }): Round => {
      afterUs += stepUs;
      return { afterUs, refreshes };
    });
  });

export const story: fc.Arbitrary<Story> = fc
  .record({ history: someHistory, steps: someSteps, rounds: someRounds })
  .map(({ history, steps, rounds }) => {
    const source = sourceOf(history);
    const changes = steps.map((step): ArrivingChange => {
      const round = Math.min(step.round, rounds.length - 1);
      const commitUs = epochUs + rounds[round]!.afterUs;
      const image = { ...step, eventUs: commitUs - step.agoUs + step.aheadUs };
      const change = source({ ...step, commitUs, image });
      return { change, round, copyRound: step.copyRound === null ? null : Math.max(round, step.copyRound) };
    });
    return { history, changes, rounds };
  });

interface Step {
  readonly customer: number;
  readonly what: string;
  /** Which of the customer's orders, or devices. */
  readonly pick: number;
  readonly commitUs: number;
  readonly image: Image;
  readonly risk: number;
  readonly refused: boolean;
}

/**
 * A source that keeps its orders: what it changes or deletes is there, and `before` is what it was. An order of which a
 * change was refused is never touched again.
 */
function sourceOf(history: readonly HistoryFact[]): (step: Step) => Change {
  const seqs = new Map<number, number>();
  const orders: { customer: number; entity: number; image: Image }[] = history
    .filter(({ source }) => source === 'orders')
    .map((order) => ({ customer: order.customer, entity: order.entity, image: order }));
  let lastEntity = 1000;

  return ({ customer, what, pick, commitUs, image, risk, refused }) => {
    const seq = (seqs.get(customer) ?? 0) + 1;
    seqs.set(customer, seq);
    const common = { customer, seq, commitUs, risk, refused };
    const insertion = { ...common, op: 'c', after: image, before: null } as const;
    if (what === 'click') return { ...insertion, source: 'clicks', entity: ++lastEntity };
    if (what === 'profile') return { ...insertion, source: 'customers', op: 'u', entity: customer };
    if (what === 'device') return { ...insertion, source: 'devices', op: 'u', entity: pick % 4 };
    const own = orders.filter((order) => order.customer === customer);
    const order = own[pick % Math.max(1, own.length)];
    if (what === 'insert' || !order) {
      const entity = ++lastEntity;
      if (!refused) orders.push({ customer, entity, image });
      return { ...insertion, source: 'orders', entity };
    }
    const { entity, image: before } = order;
    if (what === 'delete' || refused) orders.splice(orders.indexOf(order), 1);
    if (what === 'delete') return { ...common, source: 'orders', op: 'd', entity, after: null, before };
    const after = what === 'move' ? image : { ...image, eventUs: before.eventUs };
    order.image = after;
    return { ...common, source: 'orders', op: 'u', entity, after, before };
  };
}

/** Which changes arrive in which round, copies last. */
export function arrivals({ changes, rounds }: Story): Change[][] {
  const batches: Change[][] = rounds.map(() => []);
  for (const { change, round } of changes) batches[round]!.push(change);
  for (const { change, copyRound } of changes) {
    if (copyRound !== null) batches[Math.min(copyRound, rounds.length - 1)]!.push(change);
  }
  return batches;
}
