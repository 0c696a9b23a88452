import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Baseline, RunValue } from '../../reports/baseline.js';
import type { GateVerdict } from '../../reports/gate.js';
import { seededRandom } from '../random.js';
import { suites } from '../suite.js';
import { chanceOf } from '../summary/estimates.js';
import { drawNormal, plantedScenarios, plantValues, simulated } from './fixture-values.js';
import { judgeGate } from './gate.js';
import { demandsOf, isStatistical, type Threshold } from './thresholds.js';

const p95: Threshold = { metric: 'freshness.visibility', statistic: 'p95', kind: 'relative', margin: 0.1 };
const p99: Threshold = { metric: 'inference', statistic: 'p99', kind: 'relative', margin: 0.1 };
const lost: Threshold = { metric: 'ledger.lost', statistic: 'total', kind: 'absolute', atMost: 0 };
const wrong: Threshold = { metric: 'ledger.wrong_rows', statistic: 'total', kind: 'absolute', atMost: 0 };
const met: Threshold = { metric: 'freshness.slo_met', statistic: 'share', kind: 'absolute', atLeast: 0.95 };
const notSlow: Threshold = { metric: 'inference', statistic: 'p99', kind: 'absolute', atMost: 10_000 };
const sloMet: Threshold = { metric: 'freshness.slo_met', statistic: 'share', kind: 'relative', margin: 0.02 };

/** Drawn once: the resamples of every gate of ten pairs are the same. */
const chance = chanceOf(1);

/** 1,000 with a wiggle of its own in every run, the same for the same `shift`. */
const wiggle = (runs: number, shift = 0, level = 1000): number[] =>
  Array.from({ length: runs }, (_, k) => level * (1 + 0.01 * Math.sin(7 * (k + shift))));
const times = (values: readonly number[], factor: number) => values.map((value) => value * factor);

function judge(
  thresholds: readonly Threshold[],
  candidate: Baseline,
  baseline: Baseline = candidate,
  exact = false,
): GateVerdict {
  const architectures = candidate.planes.map(({ architecture }) => architecture);
  const demands = demandsOf({ suite: 'planted', scenarios: plantedScenarios, architectures, thresholds }, baseline);
  return judgeGate({ candidate, baseline, demands, chance, run: 'run', file: 'file', exact });
}

const visibility = (values: readonly RunValue[], more: Parameters<typeof plantValues>[1] = {}) =>
  plantValues({ a: { 'freshness.visibility.p95': values } }, more);
const outcomeOf = (candidate: readonly RunValue[], baseline: readonly RunValue[], threshold = p95) =>
  judge([threshold], visibility(candidate), visibility(baseline)).outcome;

describe('relative to a baseline', () => {
  const before = wiggle(10);

  it('half as slow again fails, the same but for noise passes, twice as fast passes', () => {
    expect(outcomeOf(times(wiggle(10, 3), 1.5), before)).toBe('fail');
    expect(outcomeOf(wiggle(10, 3), before)).toBe('pass');
    expect(outcomeOf(times(wiggle(10, 3), 0.5), before)).toBe('pass');
  });

  it('says what it found: the ratio of geometric means, its interval, the corrected p', () => {
    const { thresholds, sentences } = judge([p95], visibility(times(before, 1.5)), visibility(before));
    expect(thresholds[0]).toMatchObject({
      outcome: 'fail',
      pairs: 10,
      demanded: 'at most 10 % worse than the baseline',
      // All ten signs agree: 2 of 1,024 patterns. One threshold, so Holm changes nothing.
      worsening: { effect: 'ratio', estimate: 1.5, pValue: rounded(2 / 1024) },
    });
    expect(sentences[0]).toBe('Of 1 threshold 0 passed, 1 failed, 0 are inconclusive.');
  });

  it('a significant difference within the margin passes, one that may lie beyond is inconclusive', () => {
    expect(outcomeOf(times(wiggle(10, 3), 1.05), before)).toBe('pass');
    expect(outcomeOf(times(wiggle(10, 3), 1.095), before)).toBe('inconclusive');
  });

  it('nine pairs decide nothing, whatever they show', () => {
    expect(outcomeOf(times(wiggle(9), 10), wiggle(9))).toBe('inconclusive');
    expect(outcomeOf(wiggle(9), wiggle(9))).toBe('inconclusive');
    expect(outcomeOf(times(wiggle(1), 10), wiggle(1))).toBe('inconclusive');
  });

  it('what is equal digit for digit passes: measured from ten pairs on, simulated always', () => {
    expect(outcomeOf(before, before)).toBe('pass');
    const [one, two] = [visibility([5, 6], { scenarios: simulated }), visibility([5, 6], { scenarios: simulated })];
    expect(judge([{ ...p95, margin: 0 }], one, two).outcome).toBe('pass');
    expect(judge([{ ...p95, margin: 0 }], one, visibility([5, 6.1], { scenarios: simulated })).outcome).toBe(
      'inconclusive',
    );
    // What has no partner is the same as none.
    expect(judge([{ ...p95, margin: 0 }], one, visibility([5], { scenarios: simulated })).outcome).toBe('inconclusive');
  });

  it('pairs by seed, in whatever order runs come', () => {
    const wild = Array.from({ length: 10 }, (_, k) => 1000 * 2 ** k);
    const seeds = wild.map((_, k) => 1000 + k);
    const turned = visibility(wild);
    const reversed: Baseline = {
      ...turned,
      planes: turned.planes.map((plane) => ({
        ...plane,
        runs: [...plane.runs].reverse(),
        figures: plane.figures.map((figure) => ({ ...figure, values: [...figure.values].reverse() })),
      })),
    };
    expect(judge([p95], turned, reversed).outcome).toBe('pass');
    expect(judge([p95], turned, visibility([...wild].reverse(), { seeds })).outcome).toBe('inconclusive');
  });

  it('without common seeds is unpaired, and says so', () => {
    const other = visibility(wiggle(10), { seed: 2, seeds: Array.from({ length: 10 }, (_, k) => k) });
    const verdict = judge([p95], visibility(times(wiggle(10, 2), 1.5)), other);
    expect(verdict.outcome).toBe('fail');
    expect(verdict.thresholds[0]?.method).toMatch(/^10 runs a side, no common seeds, unpaired, Welch/);
    expect(verdict.sentences.join(' ')).toMatch(/share no seeds/);
    expect(judge([p95], visibility(wiggle(10, 2)), other).outcome).toBe('pass');
  });

  it('with one seed stays paired, even if no valid run has a partner left', () => {
    const slow = visibility(times(wiggle(10), 2), { seeds: Array.from({ length: 10 }, (_, k) => k) });
    const verdict = judge([p95], slow, visibility(wiggle(10)));
    expect(verdict.outcome).toBe('inconclusive');
    expect(verdict.thresholds[0]).toMatchObject({ pairs: 0, worsening: null, found: 'no pair' });
    expect(verdict.sentences.join(' ')).not.toMatch(/share no seeds/);
  });

  it('a share is judged in points, and lower is worse where higher is better', () => {
    const share = (values: readonly number[]) => plantValues({ a: { 'freshness.slo_met.share': values } });
    const full = wiggle(10, 0, 0.9);
    expect(judge([sloMet], share(full.map((value) => value - 0.1)), share(full)).outcome).toBe('fail');
    expect(judge([sloMet], share(full.map((value) => value - 0.01)), share(full)).outcome).toBe('pass');
    expect(judge([sloMet], share(full.map((value) => value + 0.1)), share(full)).outcome).toBe('pass');
  });

  it('a figure that may be 0 is judged by differences', () => {
    const mttr: Threshold = { metric: 'faults.mttr', statistic: 'mean', kind: 'relative', margin: 0.5 };
    const times = (values: readonly number[]) => plantValues({ a: { 'faults.mttr.mean': values } });
    const calm = Array.from({ length: 10 }, () => 0);
    expect(judge([mttr], times(calm), times(calm)).outcome).toBe('pass');
    const hurt = judge([mttr], times(wiggle(10)), times(calm));
    expect(hurt.outcome).toBe('fail');
    expect(hurt.thresholds[0]?.worsening?.effect).toBe('difference');
  });

  it('corrects over all thresholds: one of 26 cannot be significant with ten pairs', () => {
    const slow = visibility(times(wiggle(10, 3), 1.5));
    const many = (count: number) => Array.from({ length: count }, () => p95);
    expect(judge(many(25), slow, visibility(wiggle(10))).outcome).toBe('fail');
    expect(judge(many(26), slow, visibility(wiggle(10))).outcome).toBe('inconclusive');
  });
});

describe('right-censored values', () => {
  const open = (values: readonly number[]) => values.map((atLeast, k) => (k === 0 ? { atLeast } : atLeast));
  it('of the run can fail and not pass, of the baseline can pass and not fail', () => {
    expect(outcomeOf(open(times(wiggle(10, 3), 1.5)), wiggle(10))).toBe('fail');
    expect(outcomeOf(open(wiggle(10, 3)), wiggle(10))).toBe('inconclusive');
    expect(outcomeOf(wiggle(10, 3), open(wiggle(10)))).toBe('pass');
    expect(outcomeOf(times(wiggle(10, 3), 1.5), open(wiggle(10)))).toBe('inconclusive');
  });
});

describe('absolute limits', () => {
  it('need an interval on the right side, from ten runs on', () => {
    const latency = (values: readonly number[]) =>
      judge([notSlow], plantValues({ a: { 'inference.p99': values } })).outcome;
    expect(latency(wiggle(10, 0, 5_000))).toBe('pass');
    expect(latency(wiggle(10, 0, 10_000))).toBe('inconclusive');
    expect(latency(wiggle(10, 0, 20_000))).toBe('fail');
    expect(latency(wiggle(9, 0, 5_000))).toBe('inconclusive');
    expect(latency(wiggle(9, 0, 20_000))).toBe('inconclusive');
  });

  it('of what is better high', () => {
    const share = (value: number) =>
      judge([met], plantValues({ a: { 'freshness.slo_met.share': Array.from({ length: 10 }, () => value) } })).outcome;
    expect([share(1), share(0.95), share(0.9)]).toEqual(['pass', 'pass', 'fail']);
  });

  it('on counts are exact: one run that lost a change fails, and one run that lost none passes', () => {
    const ledger = (values: readonly RunValue[], repetitions = values.length) =>
      judge([lost], plantValues({ a: { 'ledger.lost.total': values } }, { repetitions })).outcome;
    expect(ledger([0])).toBe('pass');
    expect(ledger([0, 0, 3])).toBe('fail');
    expect(ledger([0, 0, null])).toBe('inconclusive');
    expect(ledger([0, 0], 3)).toBe('inconclusive');
    expect(ledger([0, 2], 3)).toBe('fail');
  });

  it('on wrong rows meet a plane that corrects itself later after that', () => {
    const rows = { 'ledger.wrong_rows.total': [9], 'ledger.settled_wrong_rows.total': [0] };
    expect(judge([wrong], plantValues({ a: rows })).outcome).toBe('pass');
    expect(judge([wrong], plantValues({ a: { 'ledger.wrong_rows.total': [9] } })).outcome).toBe('fail');
  });
});

it('what no plane may do fails, whether a threshold names it or not', () => {
  const fresh = { 'freshness.visibility.p95': wiggle(10) };
  const gate = (more: Readonly<Record<string, readonly RunValue[]>>, thresholds: readonly Threshold[] = [p95]) => {
    const values = plantValues({ a: { ...fresh, ...more } });
    return judge(thresholds, values, plantValues({ a: fresh }));
  };
  const once = [0, 0, 0, 0.02, 0, 0, 0, 0, 0, 0];
  const found = gate({ 'ledger.live_wrong.share': once });
  expect(found.outcome).toBe('fail');
  expect(found.thresholds.find(({ outcome }) => outcome === 'fail')).toMatchObject({
    metric: 'ledger.live_wrong',
    demanded: 'none, of any plane',
    found: 'a answered live reads with rows that differ from the oracle: 2 % in the worst of 1 run that broke it',
  });
  expect(gate({ 'ledger.live_wrong.share': new Array(10).fill(0) }).outcome).toBe('pass');
  // Of a plane that corrects itself what is left after that.
  const settled = { 'ledger.settled_wrong_rows.total': new Array(10).fill(0) };
  expect(gate({ 'ledger.live_wrong.share': once, ...settled }).outcome).toBe('pass');
  // A threshold that allows some stands for itself.
  expect(gate({ 'ledger.lost.total': new Array(10).fill(3) }, [p95, { ...lost, atMost: 3 } as Threshold]).outcome).toBe(
    'pass',
  );
});

describe('missing data is never a pass', () => {
  const before = visibility(wiggle(12));

  it('whether a run is invalid, has no value, or the suite was interrupted', () => {
    expect(judge([p95], visibility(wiggle(12)), before).outcome).toBe('pass');
    expect(judge([p95], visibility(wiggle(11), { repetitions: 12 }), before).outcome).toBe('inconclusive');
    expect(judge([p95], visibility([...wiggle(11), null]), before).outcome).toBe('inconclusive');
    expect(judge([p95], visibility(wiggle(12), { finished: false }), before).outcome).toBe('inconclusive');
    expect(judge([p95], visibility([]), before).outcome).toBe('inconclusive');
  });

  it('and ten pairs that are there can still fail', () => {
    const slow = times(wiggle(12, 3), 2);
    expect(judge([p95], visibility([...slow.slice(0, 11), null]), before).outcome).toBe('fail');
  });

  it('never, whatever is left out (property)', () => {
    const holes = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }).filter((present) => present.includes(false));
    fc.assert(
      fc.property(holes, fc.double({ min: 0.1, max: 3, noNaN: true }), (present, factor) => {
        const values = times(wiggle(12, 5), factor).map((value, k) => (present[k] ? value : null));
        expect(judge([p95], visibility(values), before).outcome).not.toBe('pass');
      }),
      { numRuns: 40, seed: 1 },
    );
  });
});

describe('the rule (properties)', () => {
  const noise = fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 10, maxLength: 10 });

  it('worse runs never turn a failure into a pass, nor better ones a pass into a failure', () => {
    const rank = { pass: 0, inconclusive: 1, fail: 2 };
    fc.assert(
      fc.property(
        noise,
        fc.double({ min: 0.7, max: 1.5, noNaN: true }),
        fc.double({ min: 1, max: 1.5, noNaN: true }),
        (values, factor, more) => {
          const one = outcomeOf(times(times(values, 1000), factor), wiggle(10));
          const other = outcomeOf(times(times(values, 1000), factor * more), wiggle(10));
          expect(rank[other]).toBeGreaterThanOrEqual(rank[one]);
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('does not depend on the unit', () => {
    fc.assert(
      fc.property(noise, fc.double({ min: 0.7, max: 1.5, noNaN: true }), (values, factor) => {
        const own = times(times(values, 1000), factor);
        expect(outcomeOf(times(own, 1024), times(wiggle(10), 1024))).toBe(outcomeOf(own, wiggle(10)));
      }),
      { numRuns: 40, seed: 1 },
    );
  });
});

describe('with noise as it is seen here', () => {
  // A coefficient of variation of 5 % on both sides, 10 pairs, 15 thresholds, of which the last is the one to find.
  const trials = 40;
  const figures = [
    'inference.p50',
    'inference.p95',
    'inference.p99',
    'backfill.time_per_tb.mean',
    'freshness.visibility.p95',
  ];
  const family = figures.map((name): Threshold => {
    const [, metric = '', statistic = ''] = /^(.*)\.([^.]+)$/.exec(name) ?? [];
    return { metric, statistic, kind: 'relative', margin: 0.15 } as Threshold;
  });
  const planes = ['a', 'b', 'c'];

  const draw = (label: string, slowdown: number) => {
    const random = seededRandom(20, `/${label}`);
    const plane = (factor: number) =>
      Object.fromEntries(
        figures.map((name, i) => [
          name,
          Array.from(
            { length: 10 },
            () => 1000 * Math.exp(0.05 * drawNormal(random)) * (i === figures.length - 1 ? factor : 1),
          ),
        ]),
      );
    return plantValues(Object.fromEntries(planes.map((name) => [name, plane(name === 'c' ? slowdown : 1)])));
  };

  it('a slowdown of 20 % is caught, an unchanged plane passes, each in at least 9 of 10', () => {
    let [caught, passed, falseAlarms] = [0, 0, 0];
    for (let trial = 0; trial < trials; trial++) {
      const before = draw(`before ${trial}`, 1);
      const slow = judge(family, draw(`slow ${trial}`, 1.2), before);
      const culprit = slow.thresholds.find(
        ({ architecture, metric }) => architecture === 'c' && metric === 'freshness.visibility',
      );
      if (culprit?.outcome === 'fail') caught++;
      const same = judge(family, draw(`same ${trial}`, 1), before);
      if (same.outcome === 'pass') passed++;
      if (same.outcome === 'fail') falseAlarms++;
    }
    console.log(
      `gate, ${trials} seeded trials, 15 thresholds, 10 pairs, CV 5 %, margin 15 %: 20 % slowdown caught ${caught}, unchanged passed ${passed}, failed ${falseAlarms}`,
    );
    expect(caught).toBeGreaterThanOrEqual(0.9 * trials);
    expect(passed).toBeGreaterThanOrEqual(0.9 * trials);
    expect(falseAlarms).toBe(0);
  }, 240_000);
});

it('what a plane does not offer is not demanded, which is said, unless it did once', () => {
  const leaks: Threshold = { metric: 'ledger.personal_data_leaks', statistic: 'total', kind: 'absolute', atMost: 0 };
  const sound = { 'ledger.lost.total': [0, 0] };
  const offering = (notOffered?: string[]) => {
    const values = plantValues({ a: sound });
    return { ...values, planes: values.planes.map((plane) => ({ ...plane, ...(notOffered && { notOffered }) })) };
  };
  const behindHttp = offering(['ledger.personal_data_leaks']);
  const verdict = judge([lost, leaks], behindHttp);
  expect(verdict.outcome).toBe('pass');
  expect(verdict.thresholds.map(({ metric }) => metric)).toEqual(['ledger.lost']);
  expect(verdict.sentences).toContain(
    'Not demanded, as the plane does not offer it: planted a ledger.personal_data_leaks.total.',
  );
  expect(judge([lost, leaks], offering()).outcome).toBe('inconclusive');
  const once = plantValues({ a: { ...sound, 'ledger.personal_data_leaks.total': [0, 0] } });
  expect(judge([lost, leaks], behindHttp, once).outcome).toBe('inconclusive');
  expect(judge([leaks], behindHttp).outcome).toBe('inconclusive');
});

describe('what could never be judged is refused before a run', () => {
  const planned = { suite: 'planted', scenarios: plantedScenarios, architectures: ['a'] };
  const baseline = visibility(wiggle(10));
  it.each<[string, Threshold[], RegExp]>([
    ['a figure that the baseline lacks', [p99], /planted a inference\.p99: the baseline has no such figure/],
    [
      'a plane that does not run',
      [{ ...p95, architecture: 'b' }],
      /planted b freshness\.visibility\.p95: no plane b in this run/,
    ],
    ['a scenario that there is not', [{ ...p95, scenario: 'x' }], /the suite has no scenario x/],
    ['calls that nobody makes', [{ metric: 'lookup', statistic: 'p99', kind: 'absolute', atMost: 1 }], /no lookups/],
    ['nothing', [], /the suite planted declares no thresholds/],
  ])('%s', (_, thresholds, sentence) => {
    expect(() => demandsOf({ ...planned, thresholds }, baseline)).toThrow(sentence);
  });

  it('a fault that is not injected', () => {
    const mttr: Threshold = { metric: 'faults.mttr', statistic: 'mean', kind: 'absolute', atMost: 1 };
    const scenarios = plantedScenarios.map((scenario) => ({ ...scenario, faults: [] }));
    expect(() => demandsOf({ ...planned, scenarios, thresholds: [mttr] }, baseline)).toThrow(
      /the scenario has no fault/,
    );
  });

  it('a plane that the baseline lacks', () => {
    expect(() => demandsOf({ ...planned, architectures: ['b'], thresholds: [p95] }, baseline)).toThrow(
      /the baseline has no such plane/,
    );
  });
});

it('nothing is demanded of a plane that a scenario spares', () => {
  const [scenario] = plantedScenarios.map(({ name }) => name) as [string];
  const planned = { suite: 'planted', scenarios: plantedScenarios, architectures: ['a', 'b'] };
  const lost: Threshold = { metric: 'ledger.lost', statistic: 'total', kind: 'absolute', atMost: 0 };
  const demands = demandsOf(
    { ...planned, thresholds: [lost], notApplicable: [{ scenario, architecture: 'b' }] },
    visibility(wiggle(10)),
  );
  expect(demands.filter((demand) => demand.scenario === scenario).map(({ architecture }) => architecture)).toEqual([
    'a',
  ]);
});

describe('thresholds as types', () => {
  it('do not compile where a name is misspelt or a comparison has no sense', () => {
    const refused: Threshold[] = [
      // @ts-expect-error a metric that there is not
      { metric: 'freshness.visiblity', statistic: 'p95', kind: 'relative', margin: 0.1 },
      // @ts-expect-error a statistic that the metric has not
      { metric: 'faults.mttr', statistic: 'p99', kind: 'relative', margin: 0.1 },
      // @ts-expect-error a count is exact
      { metric: 'ledger.lost', statistic: 'total', kind: 'relative', margin: 0.1 },
      // @ts-expect-error neither way is better
      { metric: 'storage.files', statistic: 'mean', kind: 'relative', margin: 0.1 },
      // @ts-expect-error an absolute threshold has a limit
      { metric: 'inference', statistic: 'p99', kind: 'absolute' },
    ];
    expect(refused.length).toBe(5);
  });

  it.each(suites.map((suite) => [suite.name, suite] as const))(
    '%s declares some, and few enough that ten pairs can decide',
    (_, suite) => {
      expect(suite.thresholds.length).toBeGreaterThan(0);
      const family = suite.thresholds.filter(isStatistical).length * suite.arms.length * suite.scenarios.length;
      // All ten signs alike have p = 2 / 1024.
      expect((family * 2) / 1024).toBeLessThanOrEqual(0.05);
    },
  );
});

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

describe('a part of what the baseline has', () => {
  const figures = { 'freshness.visibility.p95': wiggle(10) };
  it('cannot pass, and what is missing is named', () => {
    const verdict = judge([p95], plantValues({ a: figures }), plantValues({ a: figures, b: figures }));
    expect(verdict.outcome).toBe('inconclusive');
    expect(verdict.sentences.join(' ')).toContain('file has b under planted, of which run has no run');
    const slow = plantValues({ a: { 'freshness.visibility.p95': times(wiggle(10, 3), 1.5) } });
    expect(judge([p95], slow, plantValues({ a: figures, b: figures })).outcome).toBe('fail');
  });

  it('passes if the run has more', () => {
    expect(judge([lost], plantValues({ a: { 'ledger.lost.total': [0] } }), plantValues({ b: figures })).outcome).toBe(
      'inconclusive',
    );
    const both = plantValues({ a: figures, b: figures });
    expect(judge([{ ...p95, architecture: 'a' }], both, plantValues({ a: figures })).outcome).toBe('pass');
  });
});

describe('in virtual time, exactly', () => {
  const ran = (values: readonly RunValue[], more = {}) => visibility(values, { scenarios: simulated, ...more });
  it('all that differs from the baseline is told, and fails only where that is asked for', () => {
    const [before, after] = [ran(wiggle(10)), ran([...wiggle(9), 1001])];
    const lenient = judge([p95], after, before);
    expect(lenient.outcome).toBe('pass');
    expect(lenient.sentences.join(' ')).toContain(
      "1 of 1 figure is not the baseline's digit for digit (planted a freshness.visibility.p95).",
    );
    const strict = judge([p95], after, before, true);
    expect(strict.outcome).toBe('fail');
    expect(strict.sentences.join(' ')).toContain('make the baseline anew');
    expect(judge([p95], before, before, true).outcome).toBe('pass');
  });

  it('a figure that only one side has differs, and runs without a partner tell nothing', () => {
    const more = plantValues(
      { a: { 'freshness.visibility.p95': wiggle(10), 'freshness.visibility.p50': wiggle(10) } },
      { scenarios: simulated },
    );
    expect(judge([p95], more, ran(wiggle(10)), true).outcome).toBe('fail');
    expect(judge([p95], ran(wiggle(10)), more, true).outcome).toBe('fail');
    const others = ran(wiggle(10), { seed: 2, seeds: Array.from({ length: 10 }, (_, k) => k) });
    expect(judge([p95], others, ran(wiggle(10)), true).sentences.join(' ')).toContain(
      'nothing can be exactly the same',
    );
  });
});
