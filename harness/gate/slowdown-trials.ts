/**
 * Does the gate catch what it should, on a machine with noise? Trials of ten interleaved pairs on the embedded stack: the
 * lakehouse against itself, and against itself with every lookup held back by a fifth of the p95 that was measured
 * before, since a shared machine is faster in one hour than in the next. A trial needs a quiet machine for nine minutes, so it is run by hand: `node dist/harness/gate/slowdown-trials.js TRIALS [SEED]`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Baseline } from '../../reports/baseline.js';
import { secondUs } from '../../workloads/durations.js';
import { bench } from '../bench.js';
import { standardPrices } from '../prices/prices.js';
import { showProgress } from '../progress.js';
import type { RunFacts } from '../record/facts.js';
import { loadResults } from '../results.js';
import type { Arm, Scenario } from '../scenario.js';
import { defaultCosts } from '../simulation/costs.js';
import { measuredScenario } from '../suites/measured.js';
import { chanceOf } from '../summary/estimates.js';
import { judgeGate } from './gate.js';
import { valuesOf as runValuesOf } from './run-values.js';
import { demandsOf, type Threshold } from './thresholds.js';

const pairs = 10;
const firstSeed = Number(process.argv[3] ?? 1);
const plane = 'lakehouse';
const thresholds: readonly Threshold[] = [
  // As the measured headline judges latencies.
  { metric: 'lookup', statistic: 'p95', kind: 'relative', margin: 0.15 },
  { metric: 'ledger.lost', statistic: 'total', kind: 'absolute', atMost: 0 },
];
const load = measuredScenario({
  name: 'trial',
  customers: 1_000,
  historyFacts: 5_000,
  // Few of these and many of those: the p95 of a run varied by 2.9 % over eight runs, and by 7 to 9 % at 200 and 300.
  changesPerSecond: 20,
  predictionsPerSecond: 20,
  lookupsPerSecond: 1_000,
  // Until compilers have settled a p95 says most of them.
  warmUpUs: 6 * secondUs,
  measureUs: 6 * secondUs,
  // Time to watch the last changes.
  faultUs: 2 * secondUs,
  drainUs: 10 * secondUs,
});
const scenario: Scenario = {
  ...load,
  // A burst of half a second would be a twelfth of such a window: whether a p95 falls into it would be chance.
  workload: { ...load.workload, changes: { ...load.workload.changes, bursts: [] } },
  // Nothing is asked of freshness, and a change is watched for as long as this.
  slo: { ...load.slo, freshnessUs: 1.5 * secondUs },
  faults: [],
};

const armOf = (architecture: string, delayUs: number): Arm => ({
  architecture,
  specifier: fileURLToPath(new URL('./fixture-slowed.js', import.meta.url)),
  params: { delayUs },
});

const out = await mkdtemp(join(tmpdir(), 'planebench-trials-'));
try {
  const trials = Number(process.argv[2] ?? 10);
  const calm = await runAll([armOf('baseline', 0)], 3, firstSeed);
  let p95s = lookupP95s(calm.valuesOf(calm.runs));
  console.log(`lookup p95 ${inMs(p95s)} ms`);
  let caught = 0;
  let passed = 0;
  for (let trial = 1; trial <= trials; trial++) {
    const delayUs = Math.round((0.2 * p95s.reduce((sum, us) => sum + us, 0)) / p95s.length);
    const arms = [armOf('baseline', 0), armOf('unchanged', 0), armOf('slowed', delayUs)];
    const { runs, valuesOf } = await runAll(arms, pairs, firstSeed + trial);
    const [baseline, unchanged, slowed] = arms.map(({ architecture }) => valuesOf(asOnePlane(architecture, runs))) as [
      Baseline,
      Baseline,
      Baseline,
    ];
    const found = { slowed: decide(slowed, baseline), unchanged: decide(unchanged, baseline) };
    if (found.slowed.outcome === 'fail') caught++;
    if (found.unchanged.outcome === 'pass') passed++;
    p95s = lookupP95s(baseline);
    console.log(`trial ${trial}: held back by ${delayUs} us; baseline ${inMs(p95s)} ms`);
    for (const [name, { outcome, thresholds }] of Object.entries(found))
      console.log(`  ${name}: ${outcome}; ${thresholds[0]?.found}`);
  }
  console.log(`caught ${caught} of ${trials}, unchanged passed ${passed} of ${trials}`);
} finally {
  await rm(out, { recursive: true, force: true });
}

async function runAll(suiteArms: readonly Arm[], repetitions: number, seed: number) {
  const suite = { name: 'trial', about: '', scenarios: [scenario], arms: suiteArms, repetitions, thresholds };
  const { results } = await bench({
    suite: { ...suite, floor: false },
    seed,
    out,
    command: 'slowdown-trials',
    prices: standardPrices,
    progress: showProgress(process.stderr),
    costs: defaultCosts,
    signal: new AbortController().signal,
  });
  const { manifest, runs } = await loadResults(results.directory);
  return { runs, valuesOf: (some: readonly RunFacts[]) => runValuesOf(manifest, some, standardPrices) };
}

/** The gate compares runs of one plane: whatever its arm was called. */
function asOnePlane(name: string, runs: readonly RunFacts[]): RunFacts[] {
  return runs
    .filter(({ plan }) => plan.arm.architecture === name)
    .map(({ plan, ...run }) => ({ ...run, plan: { ...plan, arm: { ...plan.arm, architecture: plane } } }));
}

function decide(candidate: Baseline, baseline: Baseline) {
  const demands = demandsOf({ suite: 'trial', scenarios: [scenario], architectures: [plane], thresholds }, baseline);
  return judgeGate({ candidate, baseline, demands, chance: chanceOf(firstSeed), run: 'candidate', file: 'baseline' });
}

function lookupP95s({ planes }: Baseline): number[] {
  const figure = planes[0]?.figures.find(({ metric, statistic }) => metric === 'lookup' && statistic === 'p95');
  return (figure?.values ?? []).filter((value): value is number => typeof value === 'number');
}

function inMs(us: readonly number[]): string {
  return us.map((value) => (value / 1000).toFixed(2)).join(', ');
}
