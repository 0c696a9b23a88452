/** Recovery of planted runs, against answers worked out by hand: SLO of 3 s, 99 % and 50 ms, held for a second. */
import { describe, expect, it } from 'vitest';
import { standardPrices } from '../prices/prices.js';
import { seededRandom } from '../random.js';
import type { FaultFact, LedgerFacts, RunFacts } from '../record/facts.js';
import { injuriesOf } from './injuries.js';
import { measureRun } from './metrics.js';
import { injectedUs, loadEndUs, type Planted, plantRun, startUs } from './planted-run.js';
import type { Clock } from './recovery.js';
import type { SloName } from './slos.js';

const secondUs = 1_000_000;
const probeUs = 50_000;
const callEveryUs = 10_000;

function recover(planted: Planted) {
  const { recoveries } = measureRun(plantRun(planted), standardPrices);
  return recoveries;
}
function recoverOnce(planted: Planted) {
  const [recovery, ...others] = recover(planted);
  if (recovery === undefined || others.length > 0) throw new Error(`expected one injury, found ${others.length + 1}`);
  return recovery;
}
const measuresOf = (planted: Planted) => measureRun(plantRun(planted), standardPrices).measures;
const timeOf = (us: number) => ({ kind: 'after', us });
const notWithin = (us: number) => ({ kind: 'not within', us });

/** Latency of the predictions due in [fromUs, untilUs) after the crash; null: they fail. */
function during(fromUs: number, untilUs: number, latencyUs: number | null, share = 1) {
  return (i: number) => {
    const since = startUs + i * callEveryUs - injectedUs;
    const struck = since >= fromUs && since < untilUs && i % Math.round(1 / share) === 0;
    return struck ? latencyUs : 5_000;
  };
}
/** One call in ten of those due in [fromUs, untilUs) after the crash times out after 2 s. */
function timesOut(fromUs: number, untilUs: number): Planted {
  const latencyUs = during(fromUs, untilUs, 2 * secondUs, 1 / 10);
  const { operations } = plantRun({ latencyUs });
  const outcome = operations.outcome.map((_, i) => (latencyUs(i) === 2 * secondUs ? 2 : 0));
  return { facts: { operations: { ...operations, outcome } } };
}
/** What is emitted is shown 2 s later, but nothing in [fromUs, untilUs) after the crash. */
function standsStill(fromUs: number, untilUs: number, zeroUs = injectedUs) {
  return (emitUs: number) => {
    const usualUs = emitUs + 2 * secondUs;
    return usualUs >= zeroUs + fromUs && usualUs < zeroUs + untilUs ? zeroUs + untilUs : usualUs;
  };
}

describe('availability', () => {
  it('is lost while calls fail, and regained in the first whole second without: 2 s after the crash', () => {
    const { slos, clocks } = recoverOnce({ latencyUs: during(0, 1_500_000, null) });
    expect(slos.availability).toMatchObject({ fate: 'lost', regained: timeOf(2 * secondUs) });
    // The first prediction fails 3 ms after the crash.
    expect(clocks.first_failure).toEqual(timeOf(3_000));
    expect(clocks.slo_regained).toEqual(timeOf(2 * secondUs));
    expect(clocks.mttr).toEqual(timeOf(2 * secondUs));
  });

  it('is kept while one call in a hundred fails, and lost by two', () => {
    expect(recoverOnce({ latencyUs: during(0, 5 * secondUs, null, 0.01) }).slos.availability.fate).toBe('kept');
    expect(recoverOnce({ latencyUs: during(0, 5 * secondUs, null, 0.02) }).slos.availability.fate).toBe('lost');
  });

  it('is no loss by the fault where calls failed before it', () => {
    const { slos } = recoverOnce({ latencyUs: (i) => (i % 50 === 0 ? null : 5_000) });
    expect(slos.availability).toEqual({ fate: 'not held before' });
    const measures = measuresOf({ latencyUs: (i) => (i % 50 === 0 ? null : 5_000) });
    expect(measures['faults.availability_lost']).toMatchObject({
      note: 'the SLO of availability was not held before the fault',
    });
    expect(measures['faults.slo_lost']).toMatchObject({
      kind: 'absent',
      // A prediction that fails is not answered in time, but 2 in 100 may be late.
      note: 'the SLO of availability was not held before the fault',
    });
  });

  it('is not blamed on a fault that was over for the hold time', () => {
    // In service again after a second; blamed are seconds that begin until a second later.
    expect(recoverOnce({ latencyUs: during(2 * secondUs, 3 * secondUs, null) }).slos.availability.fate).toBe('lost');
    expect(recoverOnce({ latencyUs: during(3 * secondUs, 4 * secondUs, null) }).slos.availability.fate).toBe('kept');
  });

  it('is not regained at the end of the watch: it was then, or later', () => {
    const fault = { readyUs: null };
    const { slos } = recoverOnce({ latencyUs: during(0, 8_500_000, null), fault });
    // Seconds 0 to 7 are whole, the ninth is not: none stood.
    expect(slos.availability).toMatchObject({ regained: notWithin(loadEndUs - probeUs - injectedUs) });
  });

  it('is not regained by calls that are still under way when the watch ends', () => {
    // From the crash on one call in ten times out, after 2 s. The watch ends 8.95 s after it: the calls of second 6 that time
    // out do so from 8.0 s to 8.9 s, those of second 7 after the watch.
    const planted = timesOut(0, 10 * secondUs);
    const { slos, clocks } = recoverOnce(planted);
    expect(slos.availability).toMatchObject({ fate: 'lost', regained: notWithin(7 * secondUs) });
    expect(clocks.mttr?.kind).toBe('not within');
    // Struck again after 5 s, which seconds 3 and 4 cannot be judged for: second 2 before it was broken, so it is not blamed.
    const [a, b] = recover({ ...planted, faults: [{}, { injectedUs: injectedUs + 5 * secondUs }] });
    expect(a?.slos.availability).toMatchObject({ fate: 'lost', regained: notWithin(3 * secondUs) });
    expect(b?.slos.availability).toEqual({ fate: 'not held before' });
  });

  it('is neither kept nor lost where only calls that are still under way could tell', () => {
    // Struck again 2.2 s after the first crash; calls due from 0.5 s on are under way then.
    const faults = [{}, { injectedUs: injectedUs + 2_200_000 }];
    const undecided = recover({ ...timesOut(500_000, 2_200_000), faults });
    expect(undecided[0]?.slos.availability).toEqual({ fate: 'undecided' });
    // One call of a hundred decides nothing, whatever becomes of it.
    const single = recover({ ...timesOut(500_000, 510_000), faults });
    expect(single[0]?.slos.availability).toEqual({ fate: 'kept' });
  });

  it('is regained as before by a plane whose last calls are under way when the watch ends', () => {
    // Of the hundred calls of second 4 the last four end after the watch, and are not late by then.
    const latencyUs = (i: number) => (during(0, 4 * secondUs, null)(i) === null ? null : 40_001);
    const [a] = recover({ latencyUs, faults: [{}, { injectedUs: injectedUs + 5 * secondUs }] });
    expect(a?.slos.availability).toMatchObject({ fate: 'lost', regained: timeOf(4 * secondUs) });
    expect(a?.slos.latency).toMatchObject({ fate: 'lost', regained: timeOf(4 * secondUs) });
  });

  it('is not judged where nothing was asked', () => {
    const { operations } = plantRun();
    const none = { ...operations, rows: 0 };
    const { slos } = recoverOnce({ facts: { operations: none } });
    expect(slos.availability).toEqual({ fate: 'not asked' });
    expect(slos.latency).toEqual({ fate: 'not asked' });
    expect(slos.freshness).toEqual({ fate: 'kept' });
  });
});

describe('latency', () => {
  it('is kept while 5 % of predictions take longer than 50 ms, and lost while 10 % do', () => {
    expect(recoverOnce({ latencyUs: during(0, 3 * secondUs, 50_001, 1 / 20) }).slos.latency.fate).toBe('kept');
    const { slos, clocks } = recoverOnce({ latencyUs: during(0, 3 * secondUs, 50_001, 1 / 10) });
    expect(slos.latency).toMatchObject({ fate: 'lost', regained: timeOf(3 * secondUs) });
    expect(slos.availability).toEqual({ fate: 'kept' });
    // No call failed: the loss is the first failure, known when its second is over.
    expect(clocks.first_failure).toEqual(timeOf(secondUs));
  });

  it('is kept at the bound itself', () => {
    expect(recoverOnce({ latencyUs: during(0, 3 * secondUs, 50_000) }).slos.latency.fate).toBe('kept');
  });

  it('is lost with availability: a prediction that failed was not answered in time', () => {
    const { slos } = recoverOnce({ latencyUs: during(0, secondUs / 2, null) });
    expect(slos.latency).toMatchObject({ fate: 'lost', regained: timeOf(secondUs) });
  });

  it('is missed by calls that are still under way when the watch ends, and late already', () => {
    // A call that takes 2 s is late 50 ms after it was due: no whole second is left in which that does not show.
    const { slos } = recoverOnce(timesOut(0, 10 * secondUs));
    expect(slos.latency).toMatchObject({ fate: 'lost', regained: notWithin(loadEndUs - probeUs - injectedUs) });
  });
});

describe('a reader that is itself late', () => {
  /** Stands still from one time to the other, counted from the crash. */
  const stalls = (...spans: readonly (readonly [number, number])[]): Pick<Planted, 'readerStalls'> => ({
    readerStalls: spans.map(([fromUs, untilUs]) => [injectedUs + fromUs, injectedUs + untilUs] as const),
  });
  const fails = (fromUs: number, untilUs: number) => ({ latencyUs: during(fromUs, untilUs, null) });

  it('does not lengthen a recovery: the second is neither good nor bad', () => {
    // Calls of the first 1.5 s fail; in second 3 the reader sends 60 of 100 calls up to 600 ms late.
    const planted = { ...fails(0, 1_500_000), ...stalls([3_000_000, 3_600_000]) };
    const { slos, clocks, watched } = recoverOnce(planted);
    expect(slos.availability).toMatchObject({ fate: 'lost', regained: timeOf(2 * secondUs) });
    expect(slos.latency).toMatchObject({ fate: 'lost', regained: timeOf(2 * secondUs) });
    expect(clocks.mttr).toEqual(timeOf(2 * secondUs));
    expect(watched).toEqual({ seconds: 8, unjudged: 1 });
    expect(measuresOf(planted)['faults.unjudged']).toMatchObject({ numerator: 1, denominator: 8 });
  });

  it('leaves the recovery to the next second that can be judged', () => {
    const { slos } = recoverOnce({ ...fails(0, 1_500_000), ...stalls([2_100_000, 2_200_000]) });
    expect(slos.availability).toMatchObject({ fate: 'lost', regained: timeOf(3 * secondUs) });
    expect(slos.latency).toMatchObject({ fate: 'lost', regained: timeOf(3 * secondUs) });
  });

  it('holds no SLO: the hold time is made up of seconds that can be judged', () => {
    const planted = { ...fails(0, 1_500_000), ...stalls([3_000_000, 3_600_000]) };
    const holdingAgain = (seconds: number) =>
      recoverHolding({ ...planted, faults: [{}, again(seconds)] }, 4 * secondUs);
    // Seconds 2, 4, 5 and 6: the seventh is the last.
    expect(holdingAgain(6).slos.availability).toMatchObject({ fate: 'lost', regained: notWithin(2 * secondUs) });
    expect(holdingAgain(7).slos.availability).toMatchObject({ fate: 'lost', regained: timeOf(2 * secondUs) });
  });

  it('is late when more than 5 % of the calls of a second start more than 5 ms late', () => {
    const unjudged = (planted: Planted) => recoverOnce(planted).watched.unjudged;
    // Of a stall of 50 ms the five calls that were due in it are 50, 40, 30, 20 and 10 ms late, of 60 ms six.
    expect(unjudged(stalls([5_000_000, 5_050_000]))).toBe(0);
    expect(unjudged(stalls([5_000_000, 5_060_000]))).toBe(1);
    expect(unjudged({ startErrorUs: 5_000 })).toBe(0);
    expect(unjudged({ startErrorUs: 5_001 })).toBe(8);
  });

  it('hides no loss that shows in a second that can be judged', () => {
    const { slos, clocks } = recoverOnce({ ...fails(0, 2_500_000), ...stalls([0, 600_000]) });
    expect(slos.availability).toMatchObject({ fate: 'lost', regained: timeOf(3 * secondUs) });
    expect(clocks.mttr).toEqual(timeOf(3 * secondUs));
  });

  it('lets no SLO pass for kept where it alone could have been lost', () => {
    // Blamed are seconds that begin until 2 s after the crash. The reader hides all that failed.
    const { slos, clocks } = recoverOnce({ ...fails(1_000_000, 1_400_000), ...stalls([1_000_000, 1_500_000]) });
    expect(slos.availability).toEqual({ fate: 'not judged' });
    expect(slos.latency).toEqual({ fate: 'not judged' });
    expect(slos.freshness).toEqual({ fate: 'kept' });
    expect(clocks.mttr).toBeNull();
    // Later than that a loss would be no fault of the crash.
    expect(recoverOnce(stalls([3_000_000, 3_500_000])).slos.availability).toEqual({ fate: 'kept' });
  });

  it('that is late in more than a fifth of the watch leaves no figure, and says so', () => {
    // Of 8 s one may be left out.
    const planted = { ...fails(0, 1_500_000), ...stalls([4_000_000, 4_500_000], [6_000_000, 6_500_000]) };
    const { slos, clocks } = recoverOnce(planted);
    expect(slos.availability).toEqual({ fate: 'not judged' });
    expect(clocks.slo_regained).toBeNull();
    expect(clocks.mttr).toBeNull();
    const { measures, invalid, missing } = measureRun(plantRun(planted), standardPrices);
    const note = 'the load generator itself was late, so that an SLO could not be judged';
    expect(measures['faults.mttr']).toEqual({ kind: 'absent', why: 'not_measured', note });
    expect(measures['faults.latency_regained']).toEqual({ kind: 'absent', why: 'not_measured', note });
    expect(measures['faults.availability_lost']).toMatchObject({ trials: 0, undecided: 1, unjudged: 1 });
    expect(measures['faults.slo_lost']).toMatchObject({ trials: 0, undecided: 1, unjudged: 1 });
    expect(measures['faults.unjudged']).toMatchObject({ numerator: 2, denominator: 8 });
    expect(invalid).toEqual([]);
    expect(missing).toEqual([
      {
        code: 'NOT_JUDGED',
        message:
          'role-crash of stream at +13.000 s: the load generator started 5 % of its calls more than 5.0 ms late in 2 of the ' +
          '8 seconds watched after it, so that availability and latency could not be judged, nor the MTTR. The machine was ' +
          'too busy for this load: lower the rates or close other programs',
      },
    ]);
  });

  it('leaves out of a run the injury that it spoiled, and judges the other', () => {
    const planted = {
      ...fails(0, 1_500_000),
      ...stalls([5_100_000, 5_600_000], [6_100_000, 6_600_000]),
      faults: [{}, again(5)],
    };
    const [a, b] = recover(planted);
    expect(a?.clocks.mttr).toEqual(timeOf(2 * secondUs));
    expect(b?.clocks.mttr).toBeNull();
    expect(measuresOf(planted)['faults.mttr']).toMatchObject({
      samples: { observed: Float64Array.of(2 * secondUs) },
      note:
        'time to the SLO regained and held; without one injury: the load generator itself was late, so that an SLO could ' +
        'not be judged',
    });
  });

  it('hides no trouble that calls sent in time have seen', () => {
    // All calls of the first 600 ms are answered then, together; to take in the answers keeps the reader busy for 100 ms.
    const held = (i: number) => {
      const since = startUs + i * callEveryUs - injectedUs;
      return since >= 0 && since < 600_000 ? 600_000 - since : 5_000;
    };
    const busy = stalls([600_000, 700_000]);
    expect(recoverOnce({ latencyUs: held, ...busy }).slos.latency).toMatchObject({ regained: timeOf(secondUs) });
    // Failed is failed, and has waited for nobody.
    expect(recoverOnce({ ...fails(0, 600_000), ...busy }).slos.availability).toMatchObject({
      regained: timeOf(secondUs),
    });
    // What stands still for so long may itself have kept them waiting.
    const stopped = stalls([100_000, 700_000]);
    expect(recoverOnce({ latencyUs: held, ...stopped }).slos.latency).toEqual({ fate: 'not judged' });
  });

  it('does not make a time-out of what was answered while it stood still', () => {
    // Two of the hundred calls of second 5 are given up, at the time-out of a second or when the reader goes on again.
    const given = (afterUs: number) => {
      const latencyUs = (i: number) => ([500, 501].includes(i - callsBefore) ? afterUs : 5_000);
      const { operations } = plantRun({ latencyUs, ...stalls([5_100_000, 5_200_000]) });
      const outcome = operations.outcome.map((_, i) => (latencyUs(i) === afterUs ? 2 : 0));
      const fault = { readyUs: injectedUs + 5 * secondUs };
      return recoverOnce({ fault, facts: { operations: { ...operations, outcome } } }).slos.availability;
    };
    expect(given(1_001_000)).toMatchObject({ fate: 'lost' });
    expect(given(1_300_000)).toEqual({ fate: 'not judged' });
  });

  it('is none that waits for a plane: what takes long has been sent', () => {
    const { slos, watched } = recoverOnce({ latencyUs: during(0, 3 * secondUs, 900_000) });
    expect(slos.latency).toMatchObject({ fate: 'lost', regained: timeOf(3 * secondUs) });
    expect(watched.unjudged).toBe(0);
  });

  it('before the crash says nothing of how it was then', () => {
    const late = { startErrorUs: 6_000, latencyUs: () => 100_000, readerStalls: [] };
    expect(recoverOnce(late).slos.availability).toEqual({ fate: 'not judged' });
    // Ten seconds are watched before the crash; one in which calls were late through the reader does not count against it.
    const once = stalls([-1_000_000, -400_000]);
    expect(recoverOnce({ ...fails(0, 500_000), ...once }).slos.latency).toMatchObject({ fate: 'lost' });
  });

  const callsBefore = (injectedUs - startUs) / callEveryUs;
  const again = (afterSeconds: number) => ({ injectedUs: injectedUs + afterSeconds * secondUs });
  function recoverHolding(planted: Planted, holdUs: number) {
    const run = plantRun(planted);
    const { scenario } = run.plan;
    const plan = { ...run.plan, scenario: { ...scenario, slo: { ...scenario.slo, holdUs } } };
    return measureRun({ ...run, plan }, standardPrices).recoveries[0] as ReturnType<typeof recoverOnce>;
  }
});

describe('freshness', () => {
  it('is regained by the first probe that stands, 4 s after the crash and the 1 ms that it takes', () => {
    const { slos, clocks } = recoverOnce({ shownAtUs: standsStill(0, 4 * secondUs) });
    expect(slos.freshness).toMatchObject({ fate: 'lost', regained: timeOf(4_001_000) });
    expect(slos.availability).toEqual({ fate: 'kept' });
    expect(clocks.mttr).toEqual(timeOf(4_001_000));
  });

  it('is lost by a plane that is back in service and falls behind, however late that shows', () => {
    // From the crash on it needs 1.2 s for the changes of a second: 3 s late is what comes 6 s after the crash, long after it was ready.
    const slows = (emitUs: number) => {
      const usualUs = emitUs + 2 * secondUs;
      return usualUs < injectedUs ? usualUs : injectedUs + 1.2 * (usualUs - injectedUs);
    };
    const { slos } = recoverOnce({ shownAtUs: slows });
    expect(slos.freshness).toMatchObject({ fate: 'lost', regained: { kind: 'not within' } });
  });

  it('is not lost by a stop of half a second: the MTTR is the return to the band, and says so', () => {
    const planted: Planted = { shownAtUs: standsStill(0, secondUs / 2) };
    expect(recoverOnce(planted).slos.freshness).toEqual({ fate: 'kept' });
    // Shown again at 0.5 s; the probe that is sent then is answered 1 ms later.
    expect(recoverOnce(planted).clocks.mttr).toEqual(timeOf(501_000));
    expect(measuresOf(planted)['faults.mttr']).toMatchObject({
      note: 'the SLO was not lost: time to the return to the staleness of before',
    });
  });
});

describe('all SLOs that were lost', () => {
  it('are regained when the last is', () => {
    const planted: Planted = { shownAtUs: standsStill(0, 4 * secondUs), latencyUs: during(0, 1_500_000, null) };
    const { clocks } = recoverOnce(planted);
    expect(clocks.slo_regained).toEqual(timeOf(4_001_000));
    const measures = measuresOf(planted);
    expect(measures['faults.slo_lost']).toMatchObject({ successes: 1, trials: 1 });
    expect(measures['faults.latency_lost']).toMatchObject({ successes: 1, trials: 1 });
    expect(measures['faults.availability_regained']).toMatchObject({
      samples: { observed: Float64Array.of(2 * secondUs) },
    });
    expect(measures['faults.freshness_regained']).toMatchObject({ samples: { observed: Float64Array.of(4_001_000) } });
  });

  it('are not regained while one is not', () => {
    const never = (emitUs: number) =>
      emitUs + 2 * secondUs < injectedUs ? emitUs + 2 * secondUs : Number.POSITIVE_INFINITY;
    const { clocks } = recoverOnce({ shownAtUs: never, latencyUs: during(0, 1_500_000, null) });
    expect(clocks.mttr).toEqual(notWithin(loadEndUs - probeUs - injectedUs));
  });
});

describe('the band', () => {
  it('of a plane without noise is one probe period wide: seen at another point of its cycle it is back', () => {
    // Staleness is exactly 2 s, 2.05 s or 2.1 s from the crash on; 50 ms are what the moment of looking can explain.
    const slower = (byUs: number) => (emitUs: number) =>
      emitUs + 2 * secondUs < injectedUs ? emitUs + 2 * secondUs : emitUs + 2 * secondUs + byUs;
    expect(recoverOnce({ shownAtUs: slower(probeUs) }).clocks.back_in_band).toEqual(timeOf(0));
    expect(recoverOnce({ shownAtUs: slower(4 * probeUs) }).clocks.back_in_band).toMatchObject({ kind: 'not within' });
  });

  it('is left for as long as nobody answers, by however few probes that was asked', () => {
    // One probe, sent with the crash, times out after 2 s; none is sent meanwhile.
    const { probes } = plantRun();
    const isUnsent = (us: number) => us > injectedUs + probeUs && us < injectedUs + probeUs + 2 * secondUs;
    const kept = [...probes.sentUs.keys()].filter((row) => !isUnsent(probes.sentUs[row] as number));
    const last = Math.max(
      ...kept.map((row) => probes.sentUs[row] as number).filter((us) => us <= injectedUs + probeUs),
    );
    const column = <C extends Float64Array | Uint32Array>(values: C) =>
      values.filter((_, row) => kept.includes(row)) as C;
    const sentUs = column(probes.sentUs);
    const timedOut = (row: number) => sentUs[row] === last;
    const few = {
      rows: kept.length,
      probe: column(probes.probe),
      sentUs,
      doneUs: column(probes.doneUs).map((us, row) => (timedOut(row) ? last + 2 * secondUs : us)),
      member: column(probes.member),
      lastSeq: column(probes.lastSeq).map((seq, row) => (timedOut(row) ? -1 : seq)),
      asOfUs: column(probes.asOfUs),
    };
    const { clocks } = recoverOnce({ facts: { probes: few } });
    expect(clocks.back_in_band?.kind).toBe('after');
    expect(clocks.back_in_band?.us).toBeGreaterThan(2 * secondUs);
    expect(clocks.back_in_band?.us).toBeLessThan(2.2 * secondUs);
  });

  describe('at the end of a watch', () => {
    // In service again after 1 s, blamed until 4 s, watched for 3.13 s: of the last second nothing is seen for the hold time.
    const short = [{}, { injectedUs: injectedUs + 3_130_000 }];
    const silentProbes = (probes: number) => (sentUs: number) =>
      sentUs >= injectedUs + 2_900_000 && sentUs < injectedUs + 2_900_000 + probes * probeUs;

    it('is held by a plane that never left it', () => {
      const [a] = recover({ faults: short });
      expect(a?.clocks.back_in_band).toEqual(timeOf(0));
      expect(a?.slos.freshness).toEqual({ fate: 'kept' });
    });

    it('is left by a plane that stays outside, though the hold time was not over', () => {
      const [a] = recover({ faults: short, shownAtUs: standsStill(2_150_000, 9 * secondUs) });
      expect(a?.clocks.back_in_band).toEqual(notWithin(3_130_000));
      expect(a?.clocks.mttr).toEqual(notWithin(3_130_000));
      // It would have been missed at 5.15 s, if ever.
      expect(a?.slos.freshness).toEqual({ fate: 'undecided' });
    });

    it('holds up the end of a recovery of which another SLO is regained already', () => {
      const latencyUs = during(0, 800_000, null);
      const [a] = recover({ faults: short, latencyUs, shownAtUs: standsStill(2_150_000, 9 * secondUs) });
      expect(a?.slos.freshness).toEqual({ fate: 'undecided' });
      expect(a?.clocks.slo_regained).toEqual(timeOf(secondUs));
      expect(a?.clocks.mttr).toEqual(notWithin(3_130_000));
    });

    it('is not seen to be held again by a plane that came back too late for the hold time', () => {
      const [a] = recover({ faults: short, shownAtUs: standsStill(2_150_000, 2_600_000) });
      expect(a?.clocks.back_in_band).toEqual(notWithin(2_601_000));
    });

    it('is not left by two probes in a hold time of 21, but by three', () => {
      expect(recover({ faults: short, silent: silentProbes(1) })[0]?.clocks.back_in_band).toEqual(timeOf(0));
      expect(recover({ faults: short, silent: silentProbes(2) })[0]?.clocks.back_in_band).toEqual(timeOf(0));
      // Inside again with the probe sent at 3.05 s.
      const [a] = recover({ faults: short, silent: silentProbes(3) });
      expect(a?.clocks.back_in_band).toEqual(notWithin(3_051_000));
    });

    it('is left for other reasons later than what the fault held up was due', () => {
      const longer = [{}, { injectedUs: injectedUs + 5 * secondUs }];
      const stops = (fromUs: number) => recover({ faults: longer, shownAtUs: standsStill(fromUs, 9 * secondUs) })[0];
      expect(stops(4_200_000)?.clocks.back_in_band).toEqual(timeOf(0));
      expect(stops(3_800_000)?.clocks.back_in_band).toEqual(notWithin(5 * secondUs));
    });
  });

  it('does not exist where no probe was answered before', () => {
    const silent = (sentUs: number) => sentUs < injectedUs;
    const { clocks } = recoverOnce({ silent });
    expect(clocks.back_in_band).toBeNull();
    expect(clocks.backlog_drained).toBeNull();
    expect(clocks.mttr).toBeNull();
  });
});

describe('two injuries', () => {
  const secondAtUs = injectedUs + 5 * secondUs;
  const twice = [{}, { injectedUs: secondAtUs }] as const;

  it('are two, each on its own clocks from its own injection', () => {
    const first = during(0, 500_000, null);
    const second = during(5 * secondUs, 7 * secondUs, null);
    const [a, b] = recover({ faults: twice, latencyUs: (i) => (second(i) === null ? null : first(i)) });
    expect(a?.slos.availability).toMatchObject({ fate: 'lost', regained: timeOf(secondUs) });
    expect(b?.slos.availability).toMatchObject({ fate: 'lost', regained: timeOf(2 * secondUs) });
    expect(b?.clocks.role_ready).toEqual(timeOf(secondUs));
    const measures = measuresOf({ faults: twice, latencyUs: (i) => (second(i) === null ? null : first(i)) });
    expect(measures['faults.availability_lost']).toEqual({ kind: 'trials', successes: 2, trials: 2 });
    expect(measures['faults.availability_regained']).toMatchObject({
      samples: { observed: Float64Array.of(secondUs, 2 * secondUs) },
    });
  });

  it('have the band of before the first in common', () => {
    const [, b] = recover({ faults: twice, shownAtUs: standsStill(0, secondUs / 2, secondAtUs) });
    expect(b?.clocks.back_in_band).toEqual(timeOf(501_000));
  });

  it('are not confused: one that was not over is right-censored at the next', () => {
    const [a, b] = recover({
      faults: twice,
      shownAtUs: standsStill(0, 6 * secondUs),
      latencyUs: during(0, 6_500_000, null),
    });
    expect(a?.slos.availability).toMatchObject({ fate: 'lost', regained: notWithin(5 * secondUs) });
    expect(a?.clocks.mttr).toEqual(notWithin(5 * secondUs));
    // What is late after the second may be late because of the first.
    expect(b?.slos).toMatchObject({
      availability: { fate: 'not held before' },
      freshness: { fate: 'not held before' },
    });
    expect(b?.clocks.back_in_band).toEqual(timeOf(1_001_000));
  });

  it('does not hold calls against a plane that were under way when it was struck', () => {
    // The last prediction before the second crash takes 20 ms and fails.
    const last = (secondAtUs - startUs) / callEveryUs - 1;
    const { operations } = plantRun();
    const doneUs = operations.doneUs.slice();
    const outcome = operations.outcome.slice();
    for (const i of [last, last - 1]) {
      doneUs[i] = secondAtUs + 1_000;
      outcome[i] = 1;
    }
    const [a, b] = recover({ faults: twice, facts: { operations: { ...operations, doneUs, outcome } } });
    expect(a?.slos.availability).toEqual({ fate: 'kept' });
    expect(a?.clocks.first_failure).toBeNull();
    expect(b?.slos.availability).toEqual({ fate: 'kept' });
    expect(b?.clocks.first_failure).toEqual(timeOf(1_000));
  });
});

describe('faults that overlap', () => {
  const pause: Partial<FaultFact> = { fault: 1, kind: 'slow-port', target: 'tables' };
  it('are one injury from the first injection until the last is in service, in the order of the scenario', () => {
    const overlapping = [{ ...pause, injectedUs: injectedUs - 100_000 }, {}];
    expect(injuriesOf(plantRun({ faults: overlapping }))).toMatchObject([
      { fault: 'role-crash + slow-port', target: 'stream + tables', injectedUs: injectedUs - 100_000 },
    ]);
    const { clocks } = recoverOnce({ faults: overlapping });
    expect(clocks.role_ready).toEqual(timeOf(1_100_000));
  });

  it('are two where the first was over', () => {
    const apart = [{}, { ...pause, injectedUs: injectedUs + secondUs + 1 }];
    expect(injuriesOf(plantRun({ faults: apart })).map(({ fault }) => fault)).toEqual(['role-crash', 'slow-port']);
  });

  it('swallow all that follows where one is never over', () => {
    const endless = [{ readyUs: null }, { ...pause, injectedUs: injectedUs + 4 * secondUs }];
    expect(injuriesOf(plantRun({ faults: endless }))).toMatchObject([{ injections: { length: 2 }, readyUs: null }]);
  });

  it('partition what was injected, whatever it is: in order, each at one place, and none while another lasts', () => {
    const random = seededRandom(4, '/injuries');
    for (let trial = 0; trial < 200; trial++) {
      const faults = Array.from({ length: 1 + random.below(6) }, () => {
        const atUs = injectedUs + random.below(8 * secondUs);
        return { injectedUs: atUs, readyUs: random.below(10) === 0 ? null : atUs + random.below(2 * secondUs) };
      });
      const injuries = injuriesOf(plantRun({ faults }));
      expect(injuries.flatMap(({ injections }) => injections).length).toBe(faults.length);
      for (const [i, { nextUs, readyUs }] of injuries.entries()) {
        expect(nextUs).toBe(injuries[i + 1]?.injectedUs ?? null);
        if (nextUs !== null) expect(readyUs).toBeLessThan(nextUs);
      }
    }
  });
});

describe('every clock', () => {
  it('is never negative, never later than the watch, and MTTR never before the first failure of a lost SLO', () => {
    const random = seededRandom(5, '/clocks');
    for (let trial = 0; trial < 40; trial++) {
      const [fromUs, forUs] = [random.below(2 * secondUs), random.below(6 * secondUs)];
      const [failUs, failForUs] = [random.below(2 * secondUs), random.below(4 * secondUs)];
      const planted: Planted = {
        shownAtUs: standsStill(fromUs, fromUs + forUs),
        latencyUs: during(failUs, failUs + failForUs, null),
        faults: [{}, { injectedUs: injectedUs + 4 * secondUs + random.below(3 * secondUs) }],
      };
      for (const { injury, clocks, slos } of recover(planted)) {
        const watchedUs = (injury.nextUs ?? loadEndUs) - injury.injectedUs;
        for (const [clock, time] of Object.entries(clocks) as [Clock, (typeof clocks)[Clock]][]) {
          expect(time?.us ?? 0, clock).toBeGreaterThanOrEqual(0);
          expect(time?.us ?? 0, clock).toBeLessThanOrEqual(watchedUs);
        }
        const lost = (Object.keys(slos) as SloName[]).filter((name) => slos[name].fate === 'lost');
        expect(clocks.slo_regained === null).toBe(lost.length === 0);
        if (lost.length > 0) {
          expect(clocks.first_failure).not.toBeNull();
          expect(clocks.mttr).toEqual(clocks.slo_regained);
        }
      }
    }
  });
});

describe('what an injury cost', () => {
  const secondAtUs = injectedUs + 5 * secondUs;
  const tablesOf = (lostEmitUs: readonly number[], duplicatedEmitUs: readonly number[], lost = lostEmitUs.length) => {
    const { ledger } = plantRun();
    if (!ledger?.tables) throw new Error('expected a ledger');
    const tables: LedgerFacts['tables'] = {
      ...ledger.tables,
      lost,
      duplicated: duplicatedEmitUs.length,
      lostEmitUs,
      duplicatedEmitUs,
    };
    return { ...ledger, tables };
  };
  const lossesIn = (facts: Partial<RunFacts>, planted: Planted = {}) =>
    measureRun(plantRun({ ...planted, facts }), standardPrices).losses;

  it('was emitted from one SLO before it on, until one SLO before the next', () => {
    const times = [
      injectedUs - 3 * secondUs - 1,
      injectedUs - 3 * secondUs,
      injectedUs + 1_900_000,
      secondAtUs - 3 * secondUs,
      secondAtUs + secondUs,
    ];
    const losses = lossesIn({ ledger: tablesOf(times, times.slice(2)) }, { faults: [{}, { injectedUs: secondAtUs }] });
    expect(losses).toMatchObject([
      { injury: { injectedUs }, lost: 2, duplicated: 1, rpoUs: 4_900_000 },
      { injury: { injectedUs: secondAtUs }, lost: 2, duplicated: 2, rpoUs: 4 * secondUs },
    ]);
  });

  it('belongs to the earlier one while what it struck is out of service', () => {
    const faults = [{ readyUs: injectedUs + 4 * secondUs }, { injectedUs: secondAtUs }];
    const losses = lossesIn({ ledger: tablesOf([secondAtUs - 2 * secondUs, secondAtUs - secondUs], []) }, { faults });
    expect(losses?.map(({ lost }) => lost)).toEqual([1, 1]);
  });

  it('is scaled where only some of the times are known', () => {
    const times = [injectedUs - 9 * secondUs, injectedUs, injectedUs + 1, injectedUs + 2];
    expect(lossesIn({ ledger: tablesOf(times, [], 4_000) })).toMatchObject([{ lost: 3_000 }]);
  });

  it('is not known of a plane without tables', () => {
    const { ledger } = plantRun();
    expect(lossesIn({ ledger: ledger && { ...ledger, tables: null } })).toBeNull();
    expect(lossesIn({ ledger: null })).toBeNull();
  });
});
