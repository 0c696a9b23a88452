/** Measures of planted runs, against answers worked out by hand. */
import { describe, expect, it } from 'vitest';
import { standardPrices } from '../prices/prices.js';
import { type BatchFacts, outcomes, type RunFacts } from '../record/facts.js';
import { quantileBound, quantileOf } from '../statistics/samples.js';
import { foldBacklog } from './backlog.js';
import type { Measure } from './measured.js';
import { type MetricName, measureRun as measureAtPrices, metricNames, metricOf } from './metrics.js';
import { readPanel } from './panel.js';
import { allRight, injectedUs, loadEndUs, measureEndUs, plantRun, scenario, startUs } from './planted-run.js';

const secondUs = 1_000_000;
const measureRun = (run: RunFacts) => measureAtPrices(run, standardPrices);

function measure<Name extends MetricName>(run: RunFacts, name: Name) {
  return measureRun(run).measures[name];
}

function quantile(measure: Measure, p: number): number {
  if (measure.kind !== 'samples') throw new Error(`expected samples, found ${JSON.stringify(measure)}`);
  return quantileOf(measure.samples, p);
}

function ratio(measure: Measure): number {
  if (measure.kind !== 'ratio') throw new Error(`expected a ratio, found ${JSON.stringify(measure)}`);
  return measure.numerator / measure.denominator;
}

describe('a plane that shows each change exactly 2 s late', () => {
  const run = plantRun();

  it('has a visibility of 2 s and the 1 ms of the probe, at every quantile', () => {
    const visibility = measure(run, 'freshness.visibility');
    for (const p of [0.01, 0.5, 0.99, 1]) expect(quantile(visibility, p)).toBe(2_001_000);
    // 8 s of 10 changes a second of 5 members: what is emitted less than an SLO before the crash is the fault's.
    expect(visibility).toMatchObject({ samples: { observed: { length: 400 }, censored: { length: 0 } } });
    // While the role was away, for a second.
    expect(measure(run, 'faults.visibility')).toMatchObject({ samples: { observed: { length: 50 } } });
  });

  it('meets an SLO of 3 s in all eight seconds and leaves nothing unseen', () => {
    expect(measure(run, 'freshness.slo_met')).toEqual({ kind: 'ratio', numerator: 8, denominator: 8, samples: 8 });
    expect(measure(run, 'freshness.unseen')).toEqual({ kind: 'count', count: 0 });
  });

  it('misses an SLO of 1.9 s in all nine seconds', () => {
    const strict = { ...scenario, slo: { ...scenario.slo, freshnessUs: 1_900_000 } };
    const missed = plantRun({ facts: { plan: { ...run.plan, scenario: strict } } });
    expect(measure(missed, 'freshness.slo_met')).toMatchObject({ numerator: 0, denominator: 9 });
    expect(measure(missed, 'faults.slo_lost')).toMatchObject({ kind: 'absent', why: 'not_measured' });
  });

  it('has 200 changes of backlog that do not grow: 5 members x 20 changes, half of the stream', () => {
    expect(quantile(measure(run, 'ingest.backlog'), 0)).toBe(200);
    expect(quantile(measure(run, 'ingest.backlog'), 1)).toBe(200);
    expect(ratio(measure(run, 'ingest.backlog_growth'))).toBe(0);
  });

  it('keeps up with the 100 changes/s that it is offered', () => {
    expect(ratio(measure(run, 'ingest.achieved_rate'))).toBeCloseTo(100, 6);
    expect(ratio(measure(run, 'ingest.offered_rate'))).toBe(100);
  });

  it('has a capture lag only where its changes come from a database: from COMMIT to acknowledgement', () => {
    expect(measure(run, 'source.capture_lag')).toMatchObject({ kind: 'absent', why: 'not_measured' });
    const { appends } = run;
    // Entries are acknowledged 1,200 us after their slot, and committed 500 us after it; the last two never arrive.
    const commits = {
      rows: appends.rows,
      slotUs: appends.slotUs,
      changed: new Uint32Array(appends.rows).fill(1),
      askedUs: appends.slotUs.map((slotUs) => slotUs + 500),
      doneUs: appends.slotUs.map((slotUs) => slotUs + 900),
    };
    const lag = measure(plantRun({ facts: { commits } }), 'source.capture_lag');
    expect([quantile(lag, 0.5), quantile(lag, 1)]).toEqual([700, 700]);
    const measured = appends.slotUs.findIndex((slotUs) => slotUs >= run.timeline.measureStartUs);
    const outcome = appends.outcome.map((own, row) => (row === measured ? 1 : own));
    const [never] = appends.slotUs.slice(measured + 1);
    const slotUs = appends.slotUs.map((own) => (own === never ? run.timeline.loadStartUs : own));
    const cut = measure(
      plantRun({ facts: { commits, appends: { ...appends, outcome, slotUs } } }),
      'source.capture_lag',
    );
    if (cut.kind !== 'samples') throw new Error('expected samples');
    expect([...cut.samples.censored]).toEqual([700, run.timeline.loadEndUs - (never! + 500)]);
  });

  it('serves rows half a second old, of which every other lacks a change emitted 1.9 s before', () => {
    expect(quantile(measure(run, 'freshness.as_of_lag'), 0.5)).toBe(500_000);
    expect(quantile(measure(run, 'freshness.staleness'), 0.5)).toBe(0);
    expect(quantile(measure(run, 'freshness.staleness'), 0.51)).toBe(1_900_000);
  });

  it('uses the processors and memory that it was given', () => {
    expect(ratio(measure(run, 'resources.cpu'))).toBeCloseTo(1.5, 9);
    expect(ratio(measure(run, 'resources.load_cpu'))).toBeCloseTo(0.2, 9);
    expect(ratio(measure(run, 'resources.memory'))).toBe(300e6);
    expect(ratio(measure(run, 'resources.memory_whole_run'))).toBe(350e6);
  });

  it('has its memory of the whole run from before and after the load, too', () => {
    const { usage, timeline } = run;
    const rssBytes = usage.rssBytes.map((bytes, row) => (usage.process[row] === 1 && row < 3 ? 900e6 : bytes));
    const loading = { ...timeline, loadStartUs: (usage.atUs[0] as number) + 1 };
    const earlier = { ...run, usage: { ...usage, rssBytes }, timeline: loading };
    expect(ratio(measure(earlier, 'resources.memory'))).toBe(300e6);
    expect(ratio(measure(earlier, 'resources.memory_whole_run'))).toBe(1050e6);
  });

  it('is not taken for two planes where event time stood still from one look to the next', () => {
    const { usage } = run;
    const [first, second] = [...new Set(usage.atUs)] as [number, number];
    const atUs = usage.atUs.map((us) => (us === second ? first : us));
    const stood = { ...run, usage: { ...usage, atUs } };
    expect(ratio(measure(stood, 'resources.memory_whole_run'))).toBe(350e6);
  });

  it('loads a terabyte in the time of 2 MB of Parquet or 8 MB of columns in 4 s', () => {
    expect(ratio(measure(run, 'backfill.time_per_tb'))).toBe(2e12);
    expect(ratio(measure(run, 'backfill.time_per_tb_columns'))).toBe(0.5e12);
    expect(ratio(measure(run, 'backfill.rows_per_s'))).toBe(250);
  });

  it('has 150 small files per million rows, and answers 4 keys in 5 from its cache', () => {
    expect(ratio(measure(run, 'storage.small_files_per_million_rows'))).toBe(150);
    expect(ratio(measure(run, 'serving.cache_hit_ratio'))).toBe(0.8);
    expect(measure(run, 'serving.cache_hit_ratio')).toMatchObject({ note: expect.stringContaining('the panel') });
  });

  it('takes the room that its storage takes, not what it says of it, if somebody can look', () => {
    expect(ratio(measure(run, 'storage.bytes'))).toBe(2_300_000);
    expect(ratio(measure(run, 'storage.bytes_online_store'))).toBe(300_000);
    expect(ratio(measure(run, 'storage.bytes_tables'))).toBe(2_000_000);
    expect(measure(run, 'storage.bytes_warehouse')).toMatchObject({ why: 'not_offered' });
    expect(measure({ ...run, stored: {} }, 'storage.bytes')).toMatchObject({ why: 'not_offered' });
    const unseen = measureRun({ ...run, stored: null }).measures;
    expect(unseen['storage.bytes']).toMatchObject({ why: 'not_measured' });
    expect(unseen['cost.per_slo_point']).toMatchObject({
      note: expect.stringContaining('what is stored is not known'),
    });
  });

  it('accounts for 7 of 8 tables, or tells no lineage, or has no table', () => {
    const sound = {
      assets: 8,
      covered: 7,
      files: 40,
      events: 12,
      runs: 3,
      gaps: ['tables/current: no event names it'],
    };
    const of = (lineage: RunFacts['lineage']) => measure(plantRun({ facts: { lineage } }), 'lineage.coverage');
    expect(of(sound)).toMatchObject({ numerator: 7, denominator: 8, note: `not accounted for: ${sound.gaps[0]}` });
    expect(of(null)).toMatchObject({ kind: 'absent', why: 'not_offered' });
    expect(of({ ...sound, assets: 0, covered: 0 })).toMatchObject({ kind: 'absent', why: 'not_measured' });
  });

  it('is unhurt by a crash that delays nothing', () => {
    const { measures, invalid, missing } = measureRun(run);
    expect(measures['faults.slo_lost']).toEqual({ kind: 'trials', successes: 0, trials: 1 });
    expect(quantile(measures['faults.back_in_band'], 0.5)).toBe(0);
    expect(quantile(measures['faults.mttr'], 0.5)).toBe(0);
    expect(measures['faults.mttr']).toMatchObject({ note: expect.stringContaining('the SLO was not lost') });
    expect(measures['faults.slo_regained']).toMatchObject({ kind: 'absent' });
    expect(measures['faults.first_failure']).toMatchObject({ kind: 'absent', note: 'no failure was seen' });
    expect({ invalid, missing }).toEqual({ invalid: [], missing: [] });
  });
});

describe('a plane that stops for 4 s after a crash', () => {
  /** What would have been shown from the crash on is shown 4 s after it. */
  const stops = (emitUs: number) => {
    const usualUs = emitUs + 2 * secondUs;
    return usualUs < injectedUs ? usualUs : Math.max(usualUs, injectedUs + 4 * secondUs);
  };
  const { measures, invalid } = measureRun(plantRun({ shownAtUs: stops }));

  it('is valid: what a plane does is a finding about the plane', () => expect(invalid).toEqual([]));

  it('leaves the figures of the measured window alone', () => {
    expect(quantile(measures['freshness.visibility'], 1)).toBe(2_001_000);
    expect(measures['freshness.slo_met']).toMatchObject({ numerator: 8, denominator: 8 });
    // What is emitted in the second in which the role is away is shown 4 s after the crash, at the soonest 3.1 s later.
    expect(quantile(measures['faults.visibility'], 0)).toBe(3_101_000);
    expect(quantile(measures['faults.visibility'], 1)).toBe(4_001_000);
    // Emission seconds 13 to 17 were watched for 3 s; those of 13 and 14 hold changes that come 3.001 to 4.001 s late.
    expect(measures['faults.slo_met']).toMatchObject({ numerator: 3, denominator: 5 });
  });

  it('loses the SLO of 3 s when the first change that was held up is due, a second after the crash', () => {
    expect(measures['faults.slo_lost']).toMatchObject({ successes: 1, trials: 1 });
    expect(quantile(measures['faults.first_failure'], 0.5)).toBe(1_001_000);
  });

  it('regains it 4 s after the crash: that is its MTTR', () => {
    expect(quantile(measures['faults.slo_regained'], 0.5)).toBe(4_001_000);
    expect(quantile(measures['faults.mttr'], 0.5)).toBe(4_001_000);
    expect(measures['faults.mttr']).toMatchObject({ note: 'time to the SLO regained and held' });
  });

  it('has its other clocks', () => {
    expect(quantile(measures['faults.role_ready'], 0.5)).toBe(1_000_000);
    expect(quantile(measures['faults.first_success'], 0.5)).toBe(4_001_000);
    expect(quantile(measures['faults.back_in_band'], 0.5)).toBe(4_001_000);
    expect(quantile(measures['faults.backlog_drained'], 0.5)).toBe(4_001_000);
  });
});

describe('a plane that flaps', () => {
  it('has regained the SLO only when it holds', () => {
    // Silent for 1 to 4 s and again for 4.5 to 6 s after the crash: half a second of standing is not held for a second.
    const silent = (sentUs: number) => {
      const after = sentUs - injectedUs;
      return (after >= secondUs && after < 4 * secondUs) || (after >= 4.5 * secondUs && after < 6 * secondUs);
    };
    const { measures } = measureRun(plantRun({ silent, fault: { readyUs: injectedUs + 6 * secondUs } }));
    expect(quantile(measures['faults.first_failure'], 0.5)).toBe(1_001_000);
    expect(quantile(measures['faults.first_success'], 0.5)).toBe(4_001_000);
    expect(quantile(measures['faults.mttr'], 0.5)).toBe(6_001_000);
  });
});

describe('a plane that never recovers', () => {
  const dies = (emitUs: number) =>
    emitUs + 2 * secondUs < injectedUs ? emitUs + 2 * secondUs : Number.POSITIVE_INFINITY;
  const run = plantRun({ shownAtUs: dies, fault: { readyUs: null } });
  const { measures } = measureRun(run);
  /** The last probe is sent 50 ms before the end of the load. */
  const watchedUs = loadEndUs - 50_000 - injectedUs;

  it.each([
    'faults.mttr',
    'faults.slo_regained',
    'faults.back_in_band',
    'faults.first_success',
    'faults.role_ready',
  ] as const)('has no %s, only that it took longer than the watch', (name) => {
    const found = measures[name];
    expect(quantile(found, 0.5)).toBe(Number.POSITIVE_INFINITY);
    expect(found.kind === 'samples' && quantileBound([found.samples], 0.5)).toBe(watchedUs);
  });

  it('lost the SLO', () => expect(measures['faults.slo_lost']).toMatchObject({ successes: 1, trials: 1 }));
});

describe('a plane that never answers a probe', () => {
  it('is not within its band: there is none, and nothing is known of its repair', () => {
    const { measures } = measureRun(plantRun({ silent: () => true }));
    for (const name of ['faults.mttr', 'faults.back_in_band', 'faults.backlog_drained'] as const)
      expect(measures[name]).toMatchObject({ note: 'nothing was seen before the fault to compare with' });
  });
});

describe('a plane that stops by itself', () => {
  it('has unseen changes, which stand above all others', () => {
    // From one second after the measured window on it shows nothing new, so 10 changes of each member never come.
    const shownAtUs = (emitUs: number) =>
      emitUs + 2 * secondUs < injectedUs ? emitUs + 2 * secondUs : Number.POSITIVE_INFINITY;
    const { plan } = plantRun();
    const calm = { ...plan, scenario: { ...scenario, faults: [] } };
    const { measures, invalid } = measureRun(plantRun({ shownAtUs, facts: { plan: calm, faults: [] } }));
    expect(invalid).toEqual([]);
    expect(measures['freshness.unseen']).toEqual({ kind: 'count', count: 50 });
    expect(quantile(measures['freshness.visibility'], 0.9)).toBe(2_001_000);
    expect(quantile(measures['freshness.visibility'], 0.91)).toBe(Number.POSITIVE_INFINITY);
    expect(measures['freshness.slo_met']).toMatchObject({ numerator: 9, denominator: 10 });
    expect(measures['faults.mttr']).toMatchObject({ kind: 'absent', note: 'the scenario injects no fault' });
  });
});

describe('a plane whose SLO could not be seen to be lost', () => {
  it('is undecided, not recovered, if the watch ends too early', () => {
    const stops = (emitUs: number) =>
      emitUs + 2 * secondUs < injectedUs ? emitUs + 2 * secondUs : Number.POSITIVE_INFINITY;
    const whole = plantRun({ shownAtUs: stops });
    // No probe later than 0.5 s after the crash: nothing that was held up is due by then.
    const rows = whole.probes.sentUs.findIndex((sentUs) => sentUs > injectedUs + secondUs / 2);
    const { measures } = measureRun({ ...whole, probes: { ...whole.probes, rows } });
    expect(measures['faults.slo_lost']).toEqual({ kind: 'trials', successes: 0, trials: 0, undecided: 1 });
    expect(quantile(measures['faults.mttr'], 0.5)).toBe(Number.POSITIVE_INFINITY);
    expect(measures['faults.mttr']).toMatchObject({ note: expect.stringContaining('not seen to be lost') });
  });

  it('has no seconds that met the SLO either, if none was watched for long enough to miss it', () => {
    const whole = plantRun();
    const rows = whole.probes.sentUs.findIndex((sentUs) => sentUs > injectedUs + 2.9 * secondUs);
    const { measures } = measureRun({ ...whole, probes: { ...whole.probes, rows } });
    expect(measures['faults.slo_met']).toMatchObject({ kind: 'absent', why: 'not_measured' });
  });
});

describe('a plane that works in batches of 2 s', () => {
  /** At every even second it shows what was emitted up to a second before. */
  const batches = (emitUs: number) =>
    startUs + Math.ceil((emitUs + secondUs - startUs) / (2 * secondUs)) * 2 * secondUs;
  const run = plantRun({ shownAtUs: batches });

  it('shows changes 1 to 2.9 s late, and is not taken to fall behind', () => {
    const visibility = measure(run, 'freshness.visibility');
    expect(quantile(visibility, 0)).toBe(1_001_000);
    expect(quantile(visibility, 1)).toBe(2_901_000);
    expect(ratio(measure(run, 'ingest.backlog_growth'))).toBe(0);
  });

  it('is not judged to grow or not on fewer than four of its cycles', () => {
    const slow = (emitUs: number) => startUs + Math.ceil((emitUs - startUs) / (4 * secondUs)) * 4 * secondUs;
    expect(measure(plantRun({ shownAtUs: slow }), 'ingest.backlog_growth')).toMatchObject({
      kind: 'absent',
      why: 'not_measured',
    });
  });

  it('takes in what it is offered, wherever in a batch the window begins and ends', () => {
    expect(ratio(measure(run, 'ingest.achieved_rate'))).toBeCloseTo(100, 6);
    const half = (emitUs: number) => startUs + 2 * (emitUs - startUs);
    expect(ratio(measure(plantRun({ shownAtUs: half }), 'ingest.achieved_rate'))).toBeCloseTo(50, 6);
  });

  it('is credited with no more than it was offered where the panel is busier than its share of the whole trace', () => {
    const { panel } = run;
    expect(ratio(measure({ ...run, panel: { ...panel, share: 0.49 } }, 'ingest.achieved_rate'))).toBeCloseTo(100, 6);
  });

  it('takes in nothing while it stands still for longer than a batch takes', () => {
    // From 2.1 s to 7 s it shows 49 changes a member, then none until the last probe of the window at 11.95 s.
    const stops = (emitUs: number) =>
      emitUs <= startUs + 5 * secondUs ? emitUs + 2 * secondUs : Number.POSITIVE_INFINITY;
    const found = measure(plantRun({ shownAtUs: stops }), 'ingest.achieved_rate');
    expect(ratio(found)).toBeCloseTo((49 * 5) / 0.5 / 9.85, 6);
  });

  it('falls behind by 50 changes/s if it handles half of what it is offered', () => {
    const half = (emitUs: number) => startUs + 2 * (emitUs - startUs);
    const found = measure(plantRun({ shownAtUs: half }), 'ingest.backlog_growth');
    expect(ratio(found)).toBeCloseTo(50, 0);
  });
});

describe('calls', () => {
  it('that fail are counted as at least the time-out, however fast they failed', () => {
    // 2 in 100 fail after 3 ms.
    const run = plantRun({ latencyUs: (i) => (i % 50 === 0 ? null : 5_000) });
    const inference = measure(run, 'inference');
    expect(quantile(inference, 0.5)).toBe(5_000);
    expect(quantile(inference, 0.98)).toBe(5_000);
    expect(quantile(inference, 0.99)).toBe(Number.POSITIVE_INFINITY);
    expect(inference.kind === 'samples' && quantileBound([inference.samples], 0.99)).toBe(secondUs);
    expect(measure(run, 'inference.errors')).toMatchObject({ numerator: 20, denominator: 1000 });
    expect(quantile(measure(run, 'inference.service'), 0.5)).toBe(4_900);
    expect(quantile(measure(run, 'inference.start_error'), 0.99)).toBe(100);
    expect(quantile(measure(run, 'faults.first_failure'), 0.5)).toBeLessThan(secondUs);
  });

  it('count from when they were due, in the window in which they were due', () => {
    // Slow are the predictions due at the very end of the window, right after it, and at the crash a second later.
    const last = (measureEndUs - startUs) / 10_000 - 1;
    const struck = (injectedUs - startUs) / 10_000;
    const slow = new Map([
      [last, 900_000],
      [last + 1, 995_000],
      [struck, 990_000],
    ]);
    const run = plantRun({ latencyUs: (i) => slow.get(i) ?? 5_000 });
    expect(quantile(measure(run, 'inference'), 1)).toBe(900_000);
    expect(quantile(measure(run, 'faults.inference'), 1)).toBe(990_000);
    expect(measure(run, 'faults.inference')).toMatchObject({ samples: { observed: { length: 900 } } });
  });

  it('that a plane does not offer are not offered, and those nobody asked for not measured', () => {
    const none = { rows: 0, kind: new Uint8Array(), intendedUs: new Float64Array(), sentUs: new Float64Array() };
    const run = plantRun();
    const without = {
      ...run,
      operations: { ...none, doneUs: new Float64Array(), outcome: new Uint8Array(), keys: new Uint32Array() },
      reads: { ...run.reads, rows: 0 },
    };
    expect(measure(without, 'inference')).toMatchObject({ kind: 'absent', why: 'not_offered' });
    expect(measure(run, 'lookup')).toMatchObject({ kind: 'absent', why: 'not_measured' });
    expect(measure(without, 'freshness.staleness')).toMatchObject({ kind: 'absent', why: 'not_measured' });
    expect(measureRun(without).missing.map(({ code }) => code)).toEqual(['NO_READS']);
  });
});

describe('the cache', () => {
  const counter = { calls: 1, windowCalls: 1, bytes: 1, probe: false } as const;
  it('has hit nothing where calls failed, which no store was asked for', () => {
    const run = plantRun();
    const outcome = run.operations.outcome.map((_, i) => (i % 2 === 0 ? outcomes.indexOf('error') : 0));
    const answered = run.operations.keys.reduce((sum, keys, i) => (outcome[i] === 0 ? sum + keys : sum), 0);
    const ports = [
      { ...counter, role: 'serving', port: 'onlineStore', operation: 'get', rows: answered },
      { ...counter, role: 'serving', port: 'onlineStore', operation: 'get', rows: 1, probe: true },
    ];
    const injured = { ...run, ports, operations: { ...run.operations, outcome } };
    expect(ratio(measure(injured, 'serving.cache_hit_ratio'))).toBe(0);
  });
  it('has hit nothing where a key takes two reads', () => {
    const ports = [
      { ...counter, role: 'serving', port: 'onlineStore', operation: 'get', rows: 4400 },
      { ...counter, role: 'serving', port: 'onlineStore', operation: 'get', rows: 1, probe: true },
    ];
    expect(ratio(measure(plantRun({ facts: { ports } }), 'serving.cache_hit_ratio'))).toBe(0);
  });
  it('does not exist where nothing is read through a port', () => {
    expect(measure(plantRun({ facts: { ports: [] } }), 'serving.cache_hit_ratio')).toMatchObject({
      why: 'not_offered',
    });
  });
  it('counts a warehouse that answers reads itself as a store', () => {
    const ports = [
      { ...counter, role: 'serving', port: 'warehouse', operation: 'read', rows: 2200 },
      { ...counter, role: 'serving', port: 'warehouse', operation: 'read', rows: 9, probe: true },
    ];
    expect(ratio(measure(plantRun({ facts: { ports } }), 'serving.cache_hit_ratio'))).toBe(0);
  });
});

describe('a plane that answers nobody for a while', () => {
  const at = (seconds: number) => startUs + seconds * secondUs;
  const silentWithin = (from: number, until: number) => (sentUs: number) => sentUs >= at(from) && sentUs < at(until);

  /** The probe that is sent after 5 s is answered after 6.9 s, and none is sent meanwhile. */
  function stalled(): RunFacts {
    const run = plantRun();
    const { probes } = run;
    const sent = [...probes.sentUs.keys()].filter((row) => {
      const sentUs = probes.sentUs[row] as number;
      return sentUs <= at(5) || sentUs >= at(6.9);
    });
    const kept = <Column extends Float64Array | Uint32Array>(column: Column) =>
      column.filter((_, i) => sent.includes(i));
    const doneUs = probes.doneUs.map((us, row) => (probes.sentUs[row] === at(5) ? at(6.9) : us));
    return {
      ...run,
      probes: {
        rows: sent.length,
        probe: kept(probes.probe) as Uint32Array,
        sentUs: kept(probes.sentUs) as Float64Array,
        doneUs: kept(doneUs) as Float64Array,
        member: kept(probes.member) as Uint32Array,
        lastSeq: kept(probes.lastSeq) as Float64Array,
        asOfUs: kept(probes.asOfUs) as Float64Array,
      },
    };
  }

  it('has the backlog of every moment at which a probe was due: 38 in 1.9 s, each 100 ms with 10 changes more', () => {
    const backlog = measure(stalled(), 'ingest.backlog');
    if (backlog.kind !== 'samples') throw new Error('expected samples');
    const all = Array.from(backlog.samples.observed);
    expect(all.filter((changes) => changes === 200)).toHaveLength(200 - 38);
    // The 30 changes a member of the first 2.9 s were shown by 4.95 s; by 6.8 s, 69 were emitted.
    expect(all.slice(-38)).toEqual(Array.from({ length: 38 }, (_, i) => 210 + 10 * Math.floor(i / 2)));
    expect(ratio(measure(stalled(), 'ingest.achieved_rate'))).toBeCloseTo(100, 6);
  });

  it('has no rate if it was silent at an end of the window, and its backlog is what was emitted', () => {
    const last = measureRun(plantRun({ silent: silentWithin(5, 12) })).measures;
    expect(last['ingest.achieved_rate']).toEqual({
      kind: 'absent',
      why: 'not_measured',
      note: 'no probe was answered in the last 7.0 s of the window',
    });
    // 120 changes a member were emitted, 30 shown.
    expect(quantile(last['ingest.backlog'], 1)).toBe(900);
    expect(last['ingest.backlog_growth']).toMatchObject({ why: 'not_measured' });
    expect(measure(plantRun({ silent: silentWithin(1, 5) }), 'ingest.achieved_rate')).toMatchObject({
      note: 'no probe was answered in the first 3.0 s of the window',
    });
  });

  it('has one if that was no longer than from one of its steps to the next', () => {
    const rateOf = (planted: Parameters<typeof plantRun>[0]) => measure(plantRun(planted), 'ingest.achieved_rate');
    expect(ratio(rateOf({ silent: silentWithin(11.95, 12) }))).toBeCloseTo(100, 6);
    expect(rateOf({ silent: silentWithin(11.85, 12) })).toMatchObject({ why: 'not_measured' });
    const shownAtUs = (emitUs: number) => at(Math.ceil((emitUs - at(-1)) / (2 * secondUs)) * 2);
    expect(ratio(rateOf({ shownAtUs, silent: silentWithin(10.5, 12) }))).toBeCloseTo(100, 6);
  });
});

describe('what the contract refuses, and what was never acknowledged', () => {
  it('is not awaited', () => {
    const run = plantRun();
    const { changes } = run.panel;
    const refused = changes.refused.map((_, i) => (i % 10 === 0 ? 1 : 0));
    const acknowledged = changes.acknowledged.map((_, i) => (i % 10 === 1 ? 0 : 1));
    const panel = { ...run.panel, changes: { ...changes, refused, acknowledged } };
    const { awaited } = readPanel({ ...run, panel });
    expect(awaited).toMatchObject({ rows: 880, refused: 110, unacknowledged: 110 });
    expect(measure({ ...run, panel }, 'freshness.visibility')).toMatchObject({
      samples: { observed: { length: 320 } },
    });
    // Of the two changes a member that are emitted in the first 100 ms, one never entered the log: it is nobody's backlog.
    expect(foldBacklog({ ...run, panel }, readPanel({ ...run, panel })).changes[2]).toBe(5 / 0.5);
  });
});

describe('a run is invalid', () => {
  const codes = (run: RunFacts) => measureRun(run).invalid.map(({ code }) => code);

  it('if its generator fell behind: 6 ms late on calls of 5 ms, but not on calls of 100 ms', () => {
    expect(codes(plantRun({ startErrorUs: 6_000, latencyUs: () => 11_000 }))).toEqual(['GENERATOR_BEHIND']);
    expect(codes(plantRun({ startErrorUs: 5_000, latencyUs: () => 11_000 }))).toEqual([]);
    expect(codes(plantRun({ startErrorUs: 6_000, latencyUs: () => 100_000 }))).toEqual([]);
  });
  it('if its changes were emitted late', () => {
    const run = plantRun();
    const late = { ...run.appends, sentUs: run.appends.slotUs.map((slot) => slot + 300_000) };
    expect(codes({ ...run, appends: late })).toEqual(['GENERATOR_BEHIND']);
  });
  it('if its changes were emitted late, but not if they waited behind one that the change log had not taken', () => {
    const run = plantRun();
    const { appends } = run;
    // The first entry fails at once and is acknowledged when the load is over; all others are sent then.
    const endUs = run.timeline.loadEndUs;
    const struck = (partition: number): RunFacts => ({
      ...run,
      ledger: null,
      appends: {
        rows: appends.rows + 1,
        slotUs: Float64Array.from([...appends.slotUs, appends.slotUs[0] as number]),
        partition: Uint8Array.from([partition, ...appends.partition.slice(1), partition]),
        changes: Uint32Array.from([...appends.changes, appends.changes[0] as number]),
        bytes: new Uint32Array(appends.rows + 1).fill(1_000),
        sentUs: Float64Array.from([appends.sentUs[0] as number, ...appends.sentUs.slice(1).fill(endUs), endUs]),
        doneUs: Float64Array.from([appends.doneUs[0] as number, ...appends.doneUs.slice(1).fill(endUs), endUs]),
        outcome: Uint8Array.from([1, ...appends.outcome.slice(1), 0]),
      },
    });
    expect(codes(struck(0))).toEqual([]);
    expect(codes(struck(1))).toEqual(['GENERATOR_BEHIND']);
  });
  it('if a fault was not witnessed, or not injected', () => {
    expect(codes(plantRun({ fault: { witnessedUs: null } }))).toEqual(['INVALID_INJECTION']);
    expect(codes(plantRun({ facts: { faults: [] } }))).toEqual(['FAULT_NOT_INJECTED']);
    expect(codes(plantRun({ fault: { injectedUs: null, witnessedUs: null } }))).toEqual(['FAULT_NOT_INJECTED']);
    const second = { injectedUs: injectedUs + 5 * secondUs, witnessedUs: null };
    expect(codes(plantRun({ faults: [{}, second] }))).toEqual(['INVALID_INJECTION']);
  });
  it('if a fault found nothing to bite, as another kept the plane from its work', () => {
    const port = { fault: 1, kind: 'slow-port', target: 'changeLog', witnessedUs: null, saw: null } as const;
    const during = { ...port, injectedUs: injectedUs + 1_000, readyUs: injectedUs + 20_000 };
    expect(codes(plantRun({ faults: [{}, during] }))).toEqual(['NOT_EXPOSED']);
    expect(measureRun(plantRun({ faults: [{}, during] })).invalid[0]?.message).toMatch(
      /^slow-port of changeLog at \+13\.001 s found nothing to bite while role-crash of stream was at work/,
    );
    const outage = { ...during, kind: 'table-store-outage', target: 'tables' } as const;
    expect(codes(plantRun({ faults: [{}, outage] }))).toEqual(['NOT_EXPOSED']);
    const later = { ...port, injectedUs: injectedUs + 5 * secondUs, readyUs: injectedUs + 6 * secondUs };
    expect(codes(plantRun({ faults: [{}, later] }))).toEqual(['INVALID_INJECTION']);
    const unseen = [{ witnessedUs: null }, during];
    expect(codes(plantRun({ faults: unseen }))).toEqual(['INVALID_INJECTION', 'INVALID_INJECTION']);
    // What comes in late or another time keeps nobody from work.
    for (const kind of ['late-events', 'clock-jump'] as const)
      expect(codes(plantRun({ faults: [{ kind }, during] }))).toEqual(['INVALID_INJECTION']);
    const pause = { ...during, kind: 'role-pause', target: 'serving' } as const;
    expect(codes(plantRun({ faults: [{}, pause] }))).toEqual(['INVALID_INJECTION']);
  });
  it('if a fault met no load: nothing was appended and nobody called until it was over', () => {
    // Changes are appended every 100 ms, 0.2 ms after their slot; calls are due every 10 ms.
    const between = { injectedUs: injectedUs + 1_000, readyUs: injectedUs + 9_000 };
    expect(codes(plantRun({ fault: between }))).toEqual(['NOT_EXPOSED']);
    expect(measureRun(plantRun({ fault: between })).invalid[0]?.message).toMatch(
      /role-crash of stream at \+13\.001 s bit, but no change was appended and no call made .* at \+13\.009 s/,
    );
    expect(codes(plantRun({ fault: { ...between, readyUs: injectedUs + 10_000 } }))).toEqual([]);
    const { operations } = plantRun();
    const calls = { ...operations, rows: 0, intendedUs: new Float64Array() };
    const appended = { injectedUs: injectedUs + 100_100, readyUs: injectedUs + 100_300 };
    expect(codes(plantRun({ fault: appended, facts: { operations: calls } }))).toEqual([]);
  });
  it('but not if the fault strikes nothing in this plane', () => {
    const none = { target: '', injectedUs: null, witnessedUs: null, notApplicable: 'the plane uses no tables' };
    expect(codes(plantRun({ fault: none }))).toEqual([]);
  });
  it('if the books do not balance', () => {
    const { ledger } = plantRun();
    if (!ledger) throw new Error('expected a ledger');
    expect(codes(plantRun({ facts: { ledger: { ...ledger, failed: 1 } } }))).toEqual(['BOOKS_DO_NOT_BALANCE']);
    const short = { ...ledger, attempted: ledger.attempted - 1, acknowledged: ledger.acknowledged - 1 };
    expect(codes(plantRun({ facts: { ledger: short } }))).toEqual(['BOOKS_DO_NOT_BALANCE']);
  });
  it('for whatever the harness itself found', () => {
    expect(codes(plantRun({ facts: { invalid: [{ code: 'HARNESS', message: 'disk full' }] } }))).toEqual(['HARNESS']);
  });
  it('but not for what a plane lost', () => {
    const { ledger } = plantRun();
    if (!ledger?.tables) throw new Error('expected a ledger');
    const run = plantRun({ facts: { ledger: { ...ledger, tables: { ...ledger.tables, lost: 7, rpoUs: 300_000 } } } });
    expect(codes(run)).toEqual([]);
    expect(measure(run, 'ledger.lost')).toEqual({ kind: 'count', count: 7 });
    expect(ratio(measure(run, 'ledger.rpo'))).toBe(300_000);
  });
});

describe('what is missing is said to be', () => {
  const codes = (run: RunFacts) => measureRun(run).missing.map(({ code }) => code);
  it('of a plane that takes no changes in nothing about them, and it has no figure of them either', () => {
    const idle = {
      ...plantRun({
        silent: () => true,
        fault: {
          target: '',
          injectedUs: null,
          witnessedUs: null,
          notApplicable: 'no role of the plane takes changes in',
        },
      }),
      ingests: false,
    };
    expect(codes(idle)).toEqual([]);
    const { measures } = measureRun(idle);
    for (const name of ['freshness.visibility', 'faults.mttr', 'ledger.lost'] as const) {
      expect(measures[name]).toMatchObject({ kind: 'absent', why: 'not_offered' });
    }
  });
  it('of a system outside the run: what it uses and what it stores', () => {
    const run = plantRun();
    const ledger = run.ledger && { ...run.ledger, personalDataLeaks: null };
    const { measures, cost, missing } = measureRun({ ...run, outside: true, ledger });
    const note = 'the system behind the roles is none of the processes that are sampled';
    const ofUse = [
      ...(['resources.cpu', 'resources.memory', 'resources.memory_whole_run'] as const),
      ...(['cost.per_1k_predictions', 'cost.per_million_changes', 'cost.per_slo_point'] as const),
    ];
    for (const name of ofUse) expect(measures[name]).toEqual({ kind: 'absent', why: 'not_measured', note });
    expect(cost).toEqual({ kind: 'absent', why: 'not_measured', note });
    expect(measures['ledger.personal_data_leaks']).toMatchObject({ kind: 'absent', why: 'not_offered' });
    expect(measures['storage.bytes']).toMatchObject({ kind: 'absent', why: 'not_measured' });
    expect(missing).toEqual([]);
    expect(ratio(measures['resources.load_cpu'])).toBeCloseTo(0.2, 9);
    expect(measures['ledger.lost']).toEqual({ kind: 'count', count: 0 });
  });
  it('on servers of others: what they use, unless nothing was asked of them', () => {
    const run = plantRun();
    const plan = {
      ...run.plan,
      scenario: { ...run.plan.scenario, stack: 'external', servers: {} },
    } as RunFacts['plan'];
    const lent = measureRun({ ...run, plan }).measures;
    for (const name of ['resources.cpu', 'resources.memory', 'cost.per_slo_point'] as const)
      expect(lent[name]).toMatchObject({ why: 'not_measured', note: expect.stringContaining('your servers') });
    expect(lent['ledger.personal_data_leaks']).toEqual({ kind: 'count', count: 0 });
    expect(ratio(measureRun({ ...run, plan, ports: [] }).measures['resources.cpu'])).toBeCloseTo(1.5, 9);
  });
  it('probes, ledger, usage', () => {
    const run = plantRun();
    expect(codes({ ...run, ledger: null })).toEqual(['NO_LEDGER']);
    const { ledger } = run as { ledger: NonNullable<RunFacts['ledger']> };
    expect(codes({ ...run, ledger: { ...ledger, unacknowledged: 3 } })).toEqual(['NOT_ALL_ACKNOWLEDGED']);
    expect(codes({ ...run, usage: { ...run.usage, rows: 0 } })).toEqual(['NO_USAGE']);
    expect(codes({ ...run, probes: { ...run.probes, rows: 0 } })).toEqual(['NO_PROBES']);
    expect(codes(plantRun({ silent: () => true }))).toEqual(['NO_PROBES']);
  });
  it('batch work of a kind of which nothing was done', () => {
    const [done, failed] = [null, 'no disk'].map((failure) => ({
      kind: 'score' as const,
      besideLoad: false,
      part: 'whole' as const,
      startedUs: 0,
      hostUs: 1,
      rows: 0,
      isRepeat: false,
      scanned: null,
      failure,
    }));
    const withSteps = (steps: BatchFacts['steps']) =>
      codes({ ...plantRun(), batch: { steps } as unknown as BatchFacts });
    expect(withSteps([failed!, failed!])).toEqual(['BATCH_FAILED']);
    expect(withSteps([failed!, done!])).toEqual([]);
  });
  it('never a zero: a run of which nothing is known has no figure at all', () => {
    const empty = plantRun({
      facts: {
        operations: { ...plantRun().operations, rows: 0, kind: new Uint8Array(), keys: new Uint32Array() },
        reads: { ...plantRun().reads, rows: 0 },
        probes: { ...plantRun().probes, rows: 0 },
        appends: { ...plantRun().appends, rows: 0, changes: new Uint32Array(), outcome: new Uint8Array() },
        usage: { ...plantRun().usage, rows: 0 },
        faults: [],
        processes: [],
        ports: [],
        backfill: null,
        inventories: { afterLoad: null },
        stored: null,
        lineage: null,
        ledger: null,
      },
    });
    const { measures } = measureRun(empty);
    for (const name of metricNames) expect(measures[name], name).toMatchObject({ kind: 'absent' });
  });
});

describe('the ledger', () => {
  it('counts rows that are over, under, torn or wrong as wrong, and after a correction those of the correction', () => {
    const { ledger } = plantRun();
    if (!ledger) throw new Error('expected a ledger');
    const final = { checked: 100, right: 90, mistakes: { over: 4, under: 3, torn: 2, wrong: 1 } };
    const run = plantRun({ facts: { ledger: { ...ledger, final, settled: allRight(100) } } });
    expect(measure(run, 'ledger.wrong_rows')).toEqual({ kind: 'count', count: 10 });
    expect(measure(run, 'ledger.settled_wrong_rows')).toEqual({ kind: 'count', count: 0 });
    expect(measure(plantRun(), 'ledger.settled_wrong_rows')).toMatchObject({ why: 'not_offered' });
  });
});

describe('the registry', () => {
  it('has a primary statistic only where the metric has that statistic', () => {
    for (const name of metricNames) {
      const { primary, statistics } = metricOf(name);
      if (primary !== undefined) expect(statistics).toContain(primary);
    }
  });
  it('is answered in full by every run, in the kind it declares', () => {
    const { measures } = measureRun(plantRun());
    expect(Object.keys(measures).sort()).toEqual([...metricNames].sort());
    for (const name of metricNames) expect(['absent', metricOf(name).kind]).toContain(measures[name].kind);
  });
});
