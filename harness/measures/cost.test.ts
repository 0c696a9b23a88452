/** Cost of planted runs, against answers worked out by hand, at prices that are easy to reckon with. */
import { describe, expect, it } from 'vitest';
import type { CostPart, Price, PriceBook } from '../../reports/summary.js';
import type { PortCounter, RunFacts } from '../record/facts.js';
import type { Scenario } from '../scenario.js';
import { foldCost } from './cost.js';
import type { Measure } from './measured.js';
import { measureRun } from './metrics.js';
import { loadEndUs, measureEndUs, measureStartUs, type Planted, plantRun, startUs } from './planted-run.js';
import { measureStorage } from './storage.js';

const secondUs = 1_000_000;
const gb = 2 ** 30;

const price = <U extends string>(unit: U, value: number): Price<U> => ({
  unit,
  value,
  low: value / 2,
  high: 3 * value,
  seen: '2026-01-01',
  sources: ['https://prices.invalid'],
  about: '',
});
const prices: PriceBook = {
  schema: 'planebench.prices/1',
  name: 'Round figures',
  date: '2026-01-01',
  currency: 'USD',
  region: 'none',
  about: '',
  prices: {
    cpu: price('usd_per_vcpu_second', 1),
    memory: price('usd_per_gb_second', 10),
    // A GB for a second of the month costs 100.
    storage: price('usd_per_gb_month', 100 * 730 * 3600),
    storageWarm: price('usd_per_gb_month', 50 * 730 * 3600),
    storageCold: price('usd_per_gb_month', 10 * 730 * 3600),
    bytesWritten: price('usd_per_gb_written', 1_000),
    bytesRead: price('usd_per_gb_read', 2_000),
    writeRequests: price('usd_per_1000_requests', 5_000),
    readRequests: price('usd_per_1000_requests', 1_000),
  },
};

/** GB of 2^30 bytes as RSS, one sample a row: [seconds after the start, process, CPU-seconds, GB, GB written, GB read]. */
function sampled(rows: readonly (readonly [number, number, number, number, number?, number?])[]): RunFacts['usage'] {
  const column = (pick: (row: (typeof rows)[number]) => number) => Float64Array.from(rows, pick);
  return {
    rows: rows.length,
    atUs: column(([at]) => startUs + at * secondUs),
    process: Uint32Array.from(rows, ([, process]) => process),
    cpuUs: column(([, , cpu]) => cpu * secondUs),
    rssBytes: column(([, , , rss]) => rss * gb),
    writeBytes: column(([, , , , written]) => (written ?? 0) * gb),
    readBytes: column(([, , , , , read]) => (read ?? 0) * gb),
  };
}

/** The server takes a CPU and 1 GB, the role two and 2 GB, the load generator five and 5 GB, for 22 s. */
const steady = sampled([
  [0, 0, 0, 1],
  [0, 1, 0, 2],
  [0, 2, 0, 5],
  [22, 0, 22, 1],
  [22, 1, 44, 2],
  [22, 2, 110, 5],
]);
/** Ten times as many calls in all as in the window: none of those outside may be paid for. */
const counted = (role: string, port: string, operation: string, windowCalls: number, probe = false): PortCounter => ({
  role,
  port,
  operation,
  probe,
  calls: 10 * windowCalls + 1,
  windowCalls,
  rows: 1_000 * windowCalls,
  bytes: 0,
});
const idle = { inventories: { afterLoad: null }, stored: {}, ports: [] } satisfies Partial<RunFacts>;
const plant = (facts: Partial<RunFacts>, planted: Planted = {}) =>
  plantRun({ ...planted, facts: { ...idle, usage: steady, ...facts } });

function partsOf(run: RunFacts): readonly CostPart[] {
  const cost = foldCost(run, prices);
  if ('kind' in cost) throw new Error(`expected a cost, found ${JSON.stringify(cost)}`);
  return cost.parts;
}
const free = { cpuUsd: 0, memoryUsd: 0, storageUsd: 0, requestsUsd: 0 };

describe('a plane on one role and one server, 10 s of whose load are measured', () => {
  it('pays for CPU and memory of both in the window, and for no load generator', () => {
    const [server, role, ...others] = partsOf(plant({}));
    expect(others).toEqual([]);
    expect(server).toMatchObject({ role: null, port: 'change-log' });
    expect(role).toMatchObject({ role: 'stream', port: null });
    expect([server?.cpuUsd, role?.cpuUsd]).toEqual([expect.closeTo(10, 9), expect.closeTo(20, 9)]);
    expect([server?.memoryUsd, role?.memoryUsd]).toEqual([expect.closeTo(100, 9), expect.closeTo(200, 9)]);
    expect([server?.storageUsd, role?.requestsUsd]).toEqual([0, 0]);
  });

  it('has the same cost however the window falls between samples', () => {
    // From 1 s to 3 s three CPU-seconds, of which half lie in the window; none from 11 s on.
    const usage = sampled([
      [1, 1, 0, 2],
      [3, 1, 3, 2],
      [11, 1, 11, 4],
      [13, 1, 11, 2],
    ]);
    const [, role] = partsOf(plant({ usage }));
    expect(role?.cpuUsd).toBeCloseTo(1.5 + 8, 9);
    // 2 GB for 1 s, 3 GB on the mean for 8 s, and again for 1 s.
    expect(role?.memoryUsd).toBeCloseTo(10 * (2 + 24 + 3), 9);
  });

  it('divides the server behind a port by the calls of each role, probes included', () => {
    const ports = [
      counted('stream', 'changeLog', 'read', 30),
      counted('serving', 'changeLog', 'read', 4),
      counted('serving', 'changeLog', 'read', 6, true),
      counted('idle', 'changeLog', 'read', 0),
      counted('serving', 'onlineStore', 'get', 1_000),
    ];
    const parts = partsOf(plant({ ports }));
    expect(parts.map(({ role, port }) => [role, port])).toEqual([
      ['stream', 'changeLog'],
      ['serving', 'changeLog'],
      ['stream', null],
    ]);
    expect(parts.map(({ cpuUsd }) => cpuUsd)).toEqual([7.5, 2.5, 20].map((usd) => expect.closeTo(usd, 9)));
  });

  it('pays for no processor of an object store, which is paid by request and byte', () => {
    const run = plant({});
    const [server, ...others] = run.processes;
    const parts = partsOf({ ...run, processes: [{ ...server!, name: 'tables' }, ...others] });
    expect(parts.map(({ role, port }) => [role, port])).toEqual([['stream', null]]);
  });

  it('pays for the table engine in virtual time, which is no object store, by the calls of each role', () => {
    const run = plant({});
    const [server, ...others] = run.processes;
    const scenario: Scenario = { ...run.plan.scenario, stack: 'simulated' };
    const ports = [
      counted('stream', 'tables', 'append', 6),
      counted('maintenance', 'tables', 'fold', 4),
      counted('stream', 'objects', 'put', 2),
    ];
    const parts = partsOf({
      ...run,
      plan: { ...run.plan, scenario },
      processes: [{ ...server!, name: 'tables' }, ...others],
      ports,
    });
    const paid = parts.map(({ role, port, cpuUsd, requestsUsd }) => [role, port, cpuUsd, requestsUsd]);
    expect(paid).toEqual([
      ['stream', 'tables', expect.closeTo(6, 9), 0],
      ['maintenance', 'tables', expect.closeTo(4, 9), 0],
      ['stream', null, expect.closeTo(20, 9), 0],
      ['stream', 'tables', 0, expect.closeTo(2 * 5, 9)],
    ]);
  });

  it('pays for the requests that were counted in the window, lists as puts, deletions and what only the harness asks for not at all', () => {
    const ports = [
      counted('stream', 'objects', 'put', 20),
      counted('batch', 'objects', 'put', 3),
      counted('batch', 'objects', 'list', 4),
      counted('batch', 'objects', 'get', 5),
      counted('batch', 'objects', 'get', 2, true),
      counted('batch', 'objects', 'delete', 1_000),
      counted('batch', 'tables', 'append', 1_000),
      counted('idle', 'objects', 'put', 0),
    ];
    const parts = partsOf(plant({ ports })).filter(({ port }) => port === 'tables');
    expect(parts).toEqual([
      { ...free, role: 'stream', port: 'tables', requestsUsd: expect.closeTo(20 * 5, 9) },
      { ...free, role: 'batch', port: 'tables', requestsUsd: expect.closeTo(7 * 5 + 5 * 1, 9) },
    ]);
  });

  it('pays each tier at its price, and tells what tiers save against the same rows left hot', () => {
    const tiers = {
      hot: { files: 1, bytes: 1 * gb, hotBytes: 1 * gb },
      warm: { files: 2, bytes: 2 * gb, hotBytes: 3 * gb },
      cold: { files: 4, bytes: 4 * gb, hotBytes: 6 * gb },
    };
    const afterLoad = { files: 7, bytes: 7 * gb, rows: 1, smallFiles: 0, smallFileBytes: 1, tiers };
    const stored = {
      tables: { hot: 2 * gb, warm: 2 * gb, cold: 4 * gb },
      onlineStore: { hot: 3 * gb, warm: 0, cold: 0 },
    };
    const run = plant({ inventories: { afterLoad }, stored });
    const costOfTiers = 1 * 100 + 2 * 50 + 4 * 10;
    expect(partsOf(run).at(-1)?.storageUsd).toBeCloseTo(10 * (costOfTiers + (1 + 3) * 100), 6);
    const shareOf = (measure: Measure) =>
      measure.kind === 'ratio' ? measure.numerator / measure.denominator : measure;
    const measures = measureStorage(run, prices);
    expect(shareOf(measures['storage.tiered'])).toBeCloseTo(6 / 7, 9);
    expect(shareOf(measures['storage.tier_bytes_saved'])).toBeCloseTo(3 / 10, 9);
    expect(shareOf(measures['storage.tier_cost_saved'])).toBeCloseTo(1 - costOfTiers / 1_000, 9);
    const { tiers: _, ...without } = afterLoad;
    expect(measureStorage(plant({ inventories: { afterLoad: without } }), prices)['storage.tiered']).toMatchObject({
      why: 'not_offered',
    });
  });

  it('pays for what is stored as long as the window lasts', () => {
    const stored = { warehouse: { hot: 3 * gb, warm: 0, cold: 0 } };
    expect(partsOf(plant({ stored })).at(-1)).toEqual({
      ...free,
      role: null,
      port: null,
      storageUsd: expect.closeTo(3 * 10 * 100, 6),
    });
  });

  it('pays for bytes that a role moves, none that a server does, and none a second time after a restart', () => {
    const usage = sampled([
      [2, 0, 0, 0, 0, 0],
      [2, 1, 0, 0, 0, 0],
      [4, 0, 0, 0, 9, 9],
      [4, 1, 0, 0, 3, 1],
      [6, 1, 0, 0, 1, 0],
      [8, 1, 0, 0, 2, 4],
    ]);
    const [server, role] = partsOf(plant({ usage }));
    expect(server?.storageUsd).toBe(0);
    expect(role?.storageUsd).toBeCloseTo(1_000 * (3 + 1) + 2_000 * (1 + 4), 6);
  });

  it('costs half at half the prices and three times at three times', () => {
    const cost = foldCost(plant({}), prices);
    expect(cost).toMatchObject({ usd: expect.closeTo(330, 9), lowUsd: expect.closeTo(165, 9) });
    expect(cost).toMatchObject({ highUsd: expect.closeTo(990, 9) });
  });
});

describe('the figures of such a plane, 330 USD for 10 s', () => {
  const measures = (run: RunFacts) => measureRun(run, prices).measures;
  const ratio = (measure: Measure) => {
    if (measure.kind !== 'ratio') throw new Error(`expected a ratio, found ${JSON.stringify(measure)}`);
    return measure.numerator / measure.denominator;
  };

  it('are 330 USD for the 1,000 predictions answered, 660 where every other one fails', () => {
    expect(ratio(measures(plant({}))['cost.per_1k_predictions'])).toBeCloseTo(330, 9);
    const failing = plant({}, { latencyUs: (i) => (i % 2 === 0 ? null : 5_000) });
    expect(ratio(measures(failing)['cost.per_1k_predictions'])).toBeCloseTo(660, 9);
  });

  it('are 330,000 USD for a million changes, of which a thousand became visible', () => {
    expect(ratio(measures(plant({}))['cost.per_million_changes'])).toBeCloseTo(330_000, 3);
  });

  it('are 3.30 USD a point where the SLO was met in every second, 6.60 in half of them', () => {
    expect(ratio(measures(plant({}))['cost.per_slo_point'])).toBeCloseTo(3.3, 9);
    // Four of the eight seconds that count: what is emitted before 6 s is shown 2 s later, the rest never.
    const late = (emitUs: number) =>
      emitUs < startUs + 6 * secondUs ? emitUs + 2 * secondUs : Number.POSITIVE_INFINITY;
    expect(measures(plant({}, { shownAtUs: late }))['freshness.slo_met']).toMatchObject({
      numerator: 4,
      denominator: 8,
    });
    expect(ratio(measures(plant({}, { shownAtUs: late }))['cost.per_slo_point'])).toBeCloseTo(6.6, 9);
  });

  it('say that they are no bill, and where there is nothing to divide by', () => {
    expect(measures(plant({}))['cost.per_slo_point']).toMatchObject({
      note: "this machine's CPU-seconds, and requests as an object store would get them, at list prices: not a bill",
    });
    const never = plant({}, { shownAtUs: () => Number.POSITIVE_INFINITY });
    expect(measures(never)['cost.per_slo_point']).toMatchObject({
      denominator: 0,
      note: "this machine's CPU-seconds, and requests as an object store would get them, at list prices: not a bill; in a run no second met the SLO",
    });
  });

  it('leave out what the stack cannot tell, and say so', () => {
    const unknown = new Float64Array(steady.rows).fill(Number.NaN);
    const usage = { ...steady, rssBytes: unknown, readBytes: unknown, writeBytes: unknown };
    const figure = measures(plant({ usage }))['cost.per_1k_predictions'];
    expect(ratio(figure)).toBeCloseTo(30, 9);
    expect(figure).toMatchObject({ note: expect.stringContaining('memory and bytes moved are not known here') });
  });

  it('are absent, each for its reason', () => {
    const unsampled = measures(plant({ usage: sampled([]) }));
    const glimpsed = measures(plant({ usage: sampled([[5, 1, 0, 1]]) }));
    for (const { 'cost.per_1k_predictions': figure } of [unsampled, glimpsed])
      expect(figure).toEqual({
        kind: 'absent',
        why: 'not_measured',
        note: 'a process was not sampled twice in the window',
      });
    const deaf = measures(plant({ ingests: false }));
    expect(deaf['cost.per_million_changes']).toMatchObject({ kind: 'absent', why: 'not_offered' });
    expect(deaf['cost.per_slo_point']).toMatchObject({ kind: 'absent', why: 'not_offered' });
    expect(ratio(deaf['cost.per_1k_predictions'])).toBeCloseTo(330, 9);
  });

  it('come from the window that the test means', () => {
    expect([measureStartUs, measureEndUs, loadEndUs].map((us) => (us - startUs) / secondUs)).toEqual([2, 12, 22]);
  });
});
