import { describe, expect, it } from 'vitest';
import type { FaultOutcome } from '../../reports/summary.js';
import { validateSummary } from '../../reports/validate.js';
import type { NotApplicable } from '../applicability.js';
import { injectedUs, type Planted, plantRun } from '../measures/planted-run.js';
import { standardPrices } from '../prices/prices.js';
import type { LedgerFacts, RunFacts } from '../record/facts.js';
import { measureFacts, summarise } from '../summarise.js';

const secondUs = 1_000_000;
const secondAtUs = injectedUs + 5 * secondUs;

function outcomesOf(runs: readonly RunFacts[], notApplicable: readonly NotApplicable[] = []): readonly FaultOutcome[] {
  const summary = summarise({
    suite: 'planted',
    seed: 1,
    command: 'planted',
    repetitions: runs.length,
    finished: true,
    runs: runs.map((run) => measureFacts(run, standardPrices)),
    notApplicable,
    prices: standardPrices,
  });
  validateSummary(JSON.parse(JSON.stringify(summary)));
  return summary.faultOutcomes;
}
function outcomeOf(runs: readonly RunFacts[]): FaultOutcome {
  const [outcome, ...others] = outcomesOf(runs);
  if (outcome === undefined || others.length > 0) throw new Error(`expected one outcome, found ${others.length + 1}`);
  return outcome;
}
const clockOf = (outcome: FaultOutcome, name: FaultOutcome['clocks'][number]['clock']) =>
  outcome.clocks.find(({ clock }) => clock === name);

/** Shows everything 2 s late, and nothing for so long from a crash on. */
const stops =
  (forUs: number, atUs = injectedUs) =>
  (emitUs: number) => {
    const usualUs = emitUs + 2 * secondUs;
    return usualUs >= atUs && usualUs < atUs + forUs ? atUs + forUs : usualUs;
  };
const repeat = (count: number, planted: (repetition: number) => Planted) =>
  Array.from({ length: count }, (_, i) => plantRun({ repetition: i + 1, ...planted(i + 1) }));

describe('a crash that nobody notices', () => {
  const outcome = outcomeOf(repeat(3, () => ({})));

  it('is a row of zeros that say why they are zero', () => {
    expect(outcome).toMatchObject({
      scenario: 'planted',
      architecture: 'lakehouse',
      fault: 'role-crash',
      target: 'stream',
      notApplicable: null,
      badge: 'measured',
      timeScale: 60,
      runs: 3,
      injections: 3,
      lost: 0,
      duplicated: 0,
      rpoUs: 0,
      wrongRows: 0,
      invalidRuns: 0,
      invalidReason: null,
      findings: [],
    });
    expect(outcome.slo).toEqual([
      { slo: 'availability', lost: 0, judged: 3 },
      { slo: 'latency', lost: 0, judged: 3 },
      { slo: 'freshness', lost: 0, judged: 3 },
    ]);
    expect(clockOf(outcome, 'mttr')).toEqual({
      clock: 'mttr',
      meanUs: 0,
      interval: null,
      atLeast: false,
      injections: 3,
      note: 'zero for 3 of 3 injections, by which no SLO was lost and staleness stayed as before; seen within 50 ms, the SLOs of calls within 1 s',
    });
    expect(clockOf(outcome, 'first_failure')).toMatchObject({
      meanUs: null,
      injections: 0,
      note: 'no failure was seen',
    });
  });
});

describe('two injections a run', () => {
  // The first stops the plane for 3.55 s or more, the second not at all.
  const runs = repeat(3, (r) => ({
    faults: [{}, { injectedUs: secondAtUs }],
    shownAtUs: stops(3_500_000 + r * 50_000),
  }));
  const outcome = outcomeOf(runs);

  it('are one row: SLOs by injection, the interval over runs', () => {
    expect(outcome).toMatchObject({ runs: 3, injections: 6 });
    expect(outcome.slo).toContainEqual({ slo: 'freshness', lost: 3, judged: 6 });
    const mttr = clockOf(outcome, 'mttr');
    // 3.551, 3.601 and 3.651 s, and three times zero.
    expect(mttr).toMatchObject({ meanUs: 1_800_500, injections: 6, atLeast: false });
    expect(mttr?.interval?.lowerBoundUs).toBeLessThan(1_800_500);
    expect(mttr?.interval?.upperBoundUs).toBeGreaterThan(1_800_500);
    expect(mttr?.note).toBe(
      'until the SLO was regained and held for 1 s after 3 of 6 injections; ' +
        'zero for 3 of 6 injections, by which no SLO was lost and staleness stayed as before; ' +
        'seen within 50 ms, the SLOs of calls within 1 s',
    );
    expect(clockOf(outcome, 'slo_regained')).toMatchObject({ meanUs: 3_601_000, injections: 3 });
  });

  it('are two rows where they are two faults, and a third where these overlap', () => {
    const slow = { fault: 1, kind: 'slow-port', target: 'tables' } as const;
    const apart = plantRun({ faults: [{}, { ...slow, injectedUs: secondAtUs }] });
    const together = plantRun({ repetition: 2, faults: [{}, { ...slow, injectedUs: injectedUs + 1 }] });
    expect(outcomesOf([apart, together]).map(({ fault, target, runs }) => [fault, target, runs])).toEqual([
      ['role-crash', 'stream', 1],
      ['slow-port', 'tables', 1],
      ['role-crash + slow-port', 'stream + tables', 1],
    ]);
  });
});

describe('a watch in which the load generator itself was late', () => {
  // In the first run one second of eight, of a plane that loses no SLO by then; in the second two; in the third none.
  const stalls = [[5], [5, 7], []];
  const outcome = outcomeOf(
    repeat(3, (repetition) => ({
      latencyUs: (i) => (i >= 1300 && i < 1450 ? null : 5_000),
      readerStalls: (stalls[repetition - 1] ?? []).map((second) => {
        const fromUs = injectedUs + second * secondUs;
        return [fromUs, fromUs + 300_000] as const;
      }),
    })),
  );

  it('is told run by run, and gives no figure where it was too much', () => {
    expect(outcome.unjudged).toEqual([
      { run: 'planted-1-lakehouse', seconds: 1, watched: 8, injections: 0 },
      { run: 'planted-2-lakehouse', seconds: 2, watched: 8, injections: 1 },
    ]);
    expect(outcome.injections).toBe(3);
    expect(outcome.slo[0]).toEqual({ slo: 'availability', lost: 2, judged: 2 });
    expect(outcome.slo[2]).toEqual({ slo: 'freshness', lost: 0, judged: 3 });
    expect(clockOf(outcome, 'mttr')).toMatchObject({
      meanUs: 2 * secondUs,
      injections: 2,
      note: expect.stringContaining('regained and held for 1 s after 2 of 2 injections'),
    });
  });
});

describe('what was not over', () => {
  it('has a mean that is only known to be at least so long', () => {
    const never = (emitUs: number) =>
      emitUs + 2 * secondUs < injectedUs ? emitUs + 2 * secondUs : Number.POSITIVE_INFINITY;
    const mttr = clockOf(outcomeOf([plantRun({ shownAtUs: never, fault: { readyUs: null } })]), 'mttr');
    expect(mttr).toMatchObject({ meanUs: 8_950_000, interval: null, atLeast: true, injections: 1 });
    expect(mttr?.note).toContain('right-censored: at least 8.95 s (of 1 in 1 only a bound is known)');
  });
});

describe('what it cost', () => {
  const { ledger } = plantRun();
  if (!ledger?.tables) throw new Error('expected a ledger');
  const { tables } = ledger;
  const withLedger = (changed: Partial<LedgerFacts>, planted: Planted = {}) =>
    plantRun({ ...planted, facts: { ledger: { ...ledger, ...changed } } });

  it('is summed over the injections of a fault, the RPO at its worst, and said in words', () => {
    const lossy = withLedger(
      {
        tables: {
          ...tables,
          lost: 3,
          duplicated: 1,
          lostEmitUs: [injectedUs, injectedUs + 200_000, secondAtUs],
          duplicatedEmitUs: [secondAtUs],
        },
        final: { checked: 100, right: 97, mistakes: { over: 1, torn: 2 } },
        monotonicViolations: 4,
      },
      { faults: [{}, { injectedUs: secondAtUs }] },
    );
    expect(outcomeOf([lossy])).toMatchObject({
      lost: 3,
      duplicated: 1,
      rpoUs: 200_000,
      wrongRows: 3,
      tornRows: 2,
      monotonicViolations: 4,
      findings: [
        expect.stringMatching(/^LOST: 3 /),
        expect.stringMatching(/^DUPLICATED: 1 /),
        expect.stringMatching(/^REORDERED: 4 /),
        expect.stringMatching(/^TORN: 2 /),
        expect.stringMatching(/^OVERCOUNTED: 1 /),
      ],
    });
  });

  it('is what is left after the correction of a plane that corrects itself', () => {
    const final = { checked: 100, right: 90, mistakes: { over: 10 } };
    const settled = { checked: 100, right: 100, mistakes: {} };
    expect(outcomeOf([withLedger({ final, settled })])).toMatchObject({ wrongRows: 0, findings: [] });
  });

  it('is not known of a plane without tables', () => {
    expect(outcomeOf([withLedger({ tables: null })])).toMatchObject({ lost: null, duplicated: null, rpoUs: null });
  });
});

describe('runs that tell nothing', () => {
  it('are counted, with the reason of the first, and are in no figure', () => {
    const unseen = plantRun({ repetition: 2, fault: { witnessedUs: null }, shownAtUs: stops(4 * secondUs) });
    const outcome = outcomeOf([plantRun(), unseen]);
    expect(outcome).toMatchObject({ runs: 1, injections: 1, invalidRuns: 1 });
    expect(outcome.invalidReason).toContain('injected but not seen to bite');
    expect(outcome.slo).toContainEqual({ slo: 'freshness', lost: 0, judged: 1 });
  });

  it('leave a row without figures where there are no others, even if the run never came to the fault', () => {
    const broken = plantRun({ facts: { faults: [], invalid: [{ code: 'PLANE', message: 'it fell over' }] } });
    expect(outcomeOf([broken])).toMatchObject({
      fault: 'role-crash',
      runs: 0,
      injections: 0,
      invalidRuns: 1,
      invalidReason: 'it fell over',
      lost: null,
    });
  });

  it('are none where the fault strikes nothing in the plane', () => {
    const none = { injectedUs: null, witnessedUs: null, target: '', notApplicable: 'the plane uses no tables' };
    expect(outcomeOf([plantRun({ fault: none })])).toMatchObject({
      fault: 'role-crash',
      notApplicable: 'the plane uses no tables',
      runs: 0,
      slo: [],
      clocks: [],
      invalidRuns: 0,
      findings: [],
    });
  });

  it('do not exist in a scenario without faults', () => {
    const run = plantRun();
    const calm = { ...run.plan, scenario: { ...run.plan.scenario, faults: [] } };
    expect(outcomesOf([plantRun({ facts: { plan: calm, faults: [] } })])).toEqual([]);
  });
});

it('a plane that was spared a scenario has its row, with the reason and nothing else', () => {
  const reason = 'role-crash: no role of the plane takes changes in';
  const spared = [{ scenario: 'planted', architecture: 'idle', reason }];
  expect(outcomesOf([plantRun()], spared)[1]).toMatchObject({
    architecture: 'idle',
    fault: 'role-crash',
    notApplicable: reason,
    runs: 0,
    clocks: [],
    slo: [],
    lost: null,
    findings: [],
  });
});
