import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dayUs, hourUs, minuteUs, secondUs } from '../../workloads/durations.js';
import { customerActivity } from '../../workloads/feature-view.js';
import { evaluateNaively } from './naive-view.fixture.js';
import { type Oracle, openOracle, type RowVersion, sameFeatures } from './oracle.js';
import {
  allowedLatenessUs,
  click,
  device,
  epochUs,
  type GivenChange,
  type GivenTrace,
  type Image,
  order,
  slotUs,
  writeTrace,
} from './trace.fixture.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'planebench-oracle-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function withOracle<T>(trace: GivenTrace, work: (oracle: Oracle) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(directory, 'trace-'));
  await writeTrace(folder, trace);
  return work(await openOracle(folder));
}

/** A change that was committed at `afterUs` and emitted in the next slot. */
function change(
  seq: number,
  table: GivenChange['table'],
  before: Image | null,
  after: Image | null,
  afterUs = seq * slotUs,
): GivenChange {
  return { customer: 0, seq, table, before, after, commitUs: epochUs + afterUs, emitUs: epochUs + afterUs + slotUs };
}

const empty = [0, 0, 0, 0, 0, 0, 0, 0, 0, null, null, null, null];
const indexOf = (name: string) => customerActivity.features.findIndex((feature) => feature.name === name);

describe('the oracle, in cases worked by hand', () => {
  it('knows nothing of a customer without history and changes', () =>
    withOracle({ customers: 2, changes: [] }, async (oracle) => {
      expect(await oracle.evaluate([{ customer: 1, lastSeq: 0, asOfUs: epochUs }])).toEqual([empty]);
    }));

  it('adds inserts, exchanges updates, takes deletes away, and forgets the age of a deleted order', () => {
    const placedUs = epochUs - minuteUs;
    const first = order(1, 0, placedUs, 500, 3);
    const updated = order(1, 0, placedUs, 700, 5);
    const trace: GivenTrace = {
      customers: 1,
      history: { orders: [order(9, 0, epochUs - 2 * hourUs, 40, 5)] },
      changes: [
        change(1, 'orders', null, first),
        change(2, 'orders', first, updated),
        change(3, 'clicks', null, click(1, 0, epochUs)),
        change(4, 'orders', updated, null),
      ],
    };
    const asOfUs = epochUs + secondUs;
    const row = (lastSeq: number) => ({ customer: 0, lastSeq, asOfUs });
    return withOracle(trace, async (oracle) => {
      expect(await oracle.evaluate([row(0), row(1), row(2), row(3), row(4)])).toEqual([
        [0, 1, 1, 0, 40, 40, 0, 0, 0, 2 * hourUs + secondUs, 5, 10_000, null],
        [1, 2, 2, 500, 540, 540, 0, 0, 0, minuteUs + secondUs, 3, 5_000, null],
        [1, 2, 2, 700, 740, 740, 0, 0, 0, minuteUs + secondUs, 5, 10_000, null],
        [1, 2, 2, 700, 740, 740, 1, 1, 1, minuteUs + secondUs, 5, 10_000, null],
        [0, 1, 1, 0, 40, 40, 1, 1, 1, 2 * hourUs + secondUs, 5, 10_000, null],
      ]);
    });
  });

  it('holds an event in (floor(t, tile) - window, t], to the microsecond', () => {
    const clicks = [
      click(1, 0, epochUs - hourUs),
      click(2, 0, epochUs - hourUs + 1),
      click(3, 0, epochUs + 30 * secondUs),
      click(4, 0, epochUs - 7 * dayUs),
    ];
    const at = indexOf('clicks_count_1h');
    const week = indexOf('clicks_count_7d');
    return withOracle({ customers: 1, history: { clicks }, changes: [] }, async (oracle) => {
      const rows = [-1, 0, 30 * secondUs - 1, 30 * secondUs, minuteUs - 1, minuteUs].map((afterUs) => ({
        customer: 0,
        lastSeq: 0,
        asOfUs: epochUs + afterUs,
      }));
      const features = await oracle.evaluate(rows);
      expect(features.map((row) => row[at])).toEqual([2, 1, 1, 2, 2, 1]);
      expect(features.map((row) => row[week])).toEqual([3, 2, 2, 3, 3, 3]);
    });
  });

  it('gives the lowest category of those with most orders, and its share rounded down', () => {
    const orders = [7, 7, 2, 2, 11, 0, 5].map((category, id) => order(id, 0, epochUs - minuteUs, 1, category));
    return withOracle({ customers: 1, history: { orders }, changes: [] }, async (oracle) => {
      const [features] = await oracle.evaluate([{ customer: 0, lastSeq: 0, asOfUs: epochUs }]);
      expect(features![indexOf('top_category_7d')]).toBe(2);
      expect(features![indexOf('top_category_share_bp_7d')]).toBe(2857);
    });
  });

  it('takes the risk of the device seen last, the lowest device on ties, and its state at that seq', () => {
    const devices = [device(8, 0, epochUs - 10, 80), device(4, 0, epochUs - 10, 40), device(2, 0, epochUs - 11, 20)];
    const seenAgain = device(2, 0, epochUs + 5, 25);
    const trace = { customers: 1, history: { devices }, changes: [change(1, 'devices', devices[2]!, seenAgain)] };
    return withOracle(trace, async (oracle) => {
      const rows = [0, 1].map((lastSeq) => ({ customer: 0, lastSeq, asOfUs: epochUs + secondUs }));
      const features = await oracle.evaluate(rows);
      expect(features.map((row) => row[indexOf('device_risk_latest')])).toEqual([40, 25]);
    });
  });

  it('passes over what the contract refuses: late, broken, out of range, of a refused schema, and repeated', () => {
    const sound = change(1, 'clicks', null, click(1, 0, epochUs));
    const late = { ...change(2, 'clicks', null, click(2, 0, epochUs)), truth: 'late' as const };
    const trace: GivenTrace = {
      customers: 1,
      changes: [
        sound,
        { ...late, emitUs: late.commitUs + allowedLatenessUs + slotUs },
        { ...change(3, 'clicks', null, null), before: null, payload: Uint8Array.of(9, 9), truth: 'undecodable' },
        { ...change(4, 'orders', null, order(1, 0, epochUs, -5)), truth: 'out_of_range' },
        { ...change(5, 'orders', null, order(2, 0, epochUs)), version: 4, truth: 'incompatible_schema' },
        { ...sound, emitUs: sound.emitUs + 50 * slotUs, truth: 'duplicate' },
        { ...change(6, 'orders', null, { ...order(3, 0, epochUs), channel: 'web' }, 70 * slotUs), version: 2 },
      ],
    };
    return withOracle(trace, async (oracle) => {
      const [features] = await oracle.evaluate([{ customer: 0, lastSeq: 6, asOfUs: epochUs + 2 * secondUs }]);
      expect(features!.slice(0, 9)).toEqual([1, 1, 1, 100, 100, 100, 1, 1, 1]);
    });
  });

  it('refuses a trace whose generator says otherwise', async () => {
    const lied = { ...change(1, 'clicks', null, click(1, 0, epochUs)), truth: 'late' as const };
    await expect(withOracle({ customers: 1, changes: [lied] }, async () => {})).rejects.toThrow(
      /change 1 of customer 0 was generated as late, the ledger finds it sound/,
    );
    const unmarked = change(1, 'clicks', null, click(1, 0, epochUs));
    await expect(
      withOracle(
        { customers: 1, changes: [unmarked, { ...unmarked, emitUs: unmarked.emitUs + slotUs }] },
        async () => {},
      ),
    ).rejects.toThrow(/was generated as sound, the ledger finds it duplicate/);
  });

  it('refuses to be asked for what is no version', () =>
    withOracle({ customers: 1, changes: [] }, async (oracle) => {
      await expect(oracle.evaluate([{ customer: 0, lastSeq: -1, asOfUs: epochUs }])).rejects.toThrow(/at seq -1/);
      expect(await oracle.evaluate([])).toEqual([]);
    }));
});

describe('the oracle, on random histories', () => {
  it('equals a naive evaluation at every version, and finds every version again', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryTrace, fc.infiniteStream(fc.nat()), async (trace, draws) => {
        await withOracle(trace, async (oracle) => {
          const rows = versionsOf(trace, draws);
          const expected = rows.map((row) => evaluateNaively(trace, row));
          expect(await oracle.evaluate(rows)).toEqual(expected);
          const found = await oracle.findVersions(
            rows.map((row, i) => ({ ...row, lastSeq: 0, features: expected[i]! })),
            sameFeatures,
          );
          const changes = trace.changes.filter(({ table, after }) => table !== 'orders' || after !== null);
          expect(await oracle.evaluateUndeleted(rows)).toEqual(
            rows.map((row) => evaluateNaively({ ...trace, changes }, row)),
          );
          found.forEach((seq, i) => {
            expect(seq).not.toBeNull();
            expect(evaluateNaively(trace, { ...rows[i]!, lastSeq: seq! })).toEqual(expected[i]);
            expect(seq).toBeLessThanOrEqual(rows[i]!.lastSeq);
          });
        });
      }),
      { numRuns: 25 },
    );
  }, 120_000);

  it('finds no version where there is none', () =>
    withOracle({ customers: 1, changes: [change(1, 'clicks', null, click(1, 0, epochUs))] }, async (oracle) => {
      const row = { customer: 0, lastSeq: 1, asOfUs: epochUs + secondUs };
      const [right] = await oracle.evaluate([row]);
      const never = right!.map((value, i) => (i === 0 ? 7 : value));
      expect(await oracle.findVersions([{ ...row, features: never }], sameFeatures)).toEqual([null]);
      expect(await oracle.findVersions([{ ...row, features: empty }], sameFeatures)).toEqual([0]);
    }));
});

const customers = 3;

/** Times on and beside tile and window boundaries, where mistakes live. */
const eventUs = fc
  .tuple(
    fc.constantFrom(0, minuteUs, 15 * minuteUs, hourUs, 24 * hourUs, 7 * dayUs, 7 * dayUs + hourUs, 3 * hourUs),
    fc.integer({ min: -2, max: 2 }),
  )
  .map(([beforeUs, offset]) => epochUs - beforeUs + offset);

const steps = fc.array(
  fc.record({
    customer: fc.nat(customers - 1),
    what: fc.constantFrom('order', 'order', 'update', 'delete', 'click', 'device', 'customer', 'late', 'broken'),
    eventUs,
    amount: fc.nat(1000),
    category: fc.nat(2),
    pick: fc.nat(),
  }),
  { maxLength: 40 },
);

const arbitraryTrace: fc.Arbitrary<GivenTrace> = fc
  .record({
    steps,
    orders: fc.array(fc.tuple(fc.nat(customers - 1), eventUs, fc.nat(1000), fc.nat(2)), { maxLength: 12 }),
    clicks: fc.array(fc.tuple(fc.nat(customers - 1), eventUs), { maxLength: 12 }),
    devices: fc.array(fc.tuple(fc.nat(customers - 1), eventUs, fc.nat(1000)), { maxLength: 4 }),
  })
  .map((given) => {
    const history = {
      orders: given.orders.map(([customer, us, amount, category], id) => order(id, customer, us, amount, category)),
      clicks: given.clicks.map(([customer, us], id) => click(id, customer, us)),
      devices: given.devices.map(([customer, us, risk], id) => device(id, customer, us, risk)),
    };
    return { customers, history, changes: changesOf(given.steps, history.orders) };
  });

type Step = { customer: number; what: string; eventUs: number; amount: number; category: number; pick: number };

/** Changes as a source would write them: updates and deletes only of orders that are there. */
function changesOf(given: readonly Step[], past: readonly Image[]): GivenChange[] {
  const live = Array.from({ length: customers }, (_, customer) => past.filter((row) => row.customer === customer));
  const seqs = new Array<number>(customers).fill(0);
  return given.map(({ customer, what, eventUs: us, amount, category, pick }, step): GivenChange => {
    const orders = live[customer]!;
    const seq = ++seqs[customer]!;
    const commitUs = epochUs + 10 * secondUs + step;
    const base = { customer, seq, commitUs, emitUs: epochUs + 10 * secondUs + ((step * 3) % 7) * slotUs + slotUs };
    const insert = order(1000 + step, customer, us, amount, category);
    const at = orders.length > 0 ? pick % orders.length : -1;
    if (what === 'click') return { ...base, table: 'clicks', before: null, after: click(1000 + step, customer, us) };
    if (what === 'device')
      return { ...base, table: 'devices', before: null, after: device(1000 + (step % 3), customer, us, amount) };
    if (what === 'customer') {
      const row = { customer, name: 'n', email: 'e', phone: 'p', updated_us: us };
      return { ...base, table: 'customers', before: row, after: row };
    }
    if (what === 'late') {
      const emitUs = base.emitUs + 2 * allowedLatenessUs;
      return { ...base, emitUs, table: 'orders', before: null, after: insert, truth: 'late' };
    }
    if (what === 'broken')
      return { ...base, table: 'orders', before: null, after: order(step, customer, us, 1, 99), truth: 'out_of_range' };
    if (what === 'order' || at < 0) {
      orders.push(insert);
      return { ...base, table: 'orders', before: null, after: insert };
    }
    const before = orders[at]!;
    orders.splice(at, 1);
    if (what === 'delete') return { ...base, table: 'orders', before, after: null };
    const after = { ...before, amount_cents: amount, category };
    orders.push(after);
    return { ...base, table: 'orders', before, after };
  });
}

/** Every customer at every seq, each at a drawn moment on or beside a boundary. */
function versionsOf(trace: GivenTrace, draws: fc.Stream<number>): RowVersion[] {
  const momentsUs = [0, 1, -1, minuteUs, minuteUs - 1, 15 * minuteUs, hourUs, hourUs - 1, hourUs + 7, 24 * hourUs];
  const rows: RowVersion[] = [];
  for (let customer = 0; customer < customers; customer++) {
    const highest = trace.changes.filter((given) => given.customer === customer).length;
    for (let lastSeq = 0; lastSeq <= highest; lastSeq++) {
      const moment = draws.next().value as number;
      rows.push({ customer, lastSeq, asOfUs: epochUs + momentsUs[moment % momentsUs.length]! });
    }
  }
  return rows;
}
