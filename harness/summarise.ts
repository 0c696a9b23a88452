/** From the facts of a suite's runs to its summary: a pure function, the same bytes for the same facts in any order. */
import type { PriceBook, RunFinding, RunSeries, ScenarioSummary, Summary } from '../reports/summary.js';
import type { NotApplicable } from './applicability.js';
import { measureRun } from './measures/metrics.js';
import { readPanel } from './measures/panel.js';
import type { RunFacts } from './record/facts.js';
import type { RunPlan, Scenario } from './scenario.js';
import { floor } from './suites/floor.js';
import { checkClaims } from './summary/claims.js';
import { comparePlanes } from './summary/comparisons.js';
import { describeCost } from './summary/costs.js';
import {
  type BoundedEstimate,
  type Chance,
  chanceOf,
  confidenceLevel,
  estimatePlane,
  type PlannedRun,
  withoutBound,
} from './summary/estimates.js';
import { describeFaultOutcomes } from './summary/fault-outcomes.js';
import { drawSeries } from './summary/series.js';
import { reachVerdict } from './summary/verdict.js';

export interface SuiteFacts {
  readonly suite: string;
  readonly seed: number;
  /** The command that does it again. */
  readonly command: string;
  /** As planned. */
  readonly repetitions: number;
  /** Whether every planned run was done. */
  readonly finished: boolean;
  readonly runs: readonly MeasuredFacts[];
  /** Scenarios that a plane was spared. */
  readonly notApplicable: readonly NotApplicable[];
  readonly prices: PriceBook;
}

/** What a summary needs of a run that the other runs do not change. */
export interface MeasuredFacts {
  readonly facts: RunFacts;
  readonly measured: PlannedRun;
  readonly series: RunSeries;
}

/** Most of the work of a summary: of each run it can be done as soon as that run is over. */
export function measureFacts(facts: RunFacts, prices: PriceBook): MeasuredFacts {
  const panel = readPanel(facts);
  const measured = { plan: facts.plan, ...measureRun(facts, prices, panel) };
  return { facts, measured, series: drawSeries(facts, panel, measured) };
}

/** Estimates of a suite's planes, each made once. */
export interface Estimates {
  readonly chance: Chance;
  of(runs: readonly PlannedRun[]): BoundedEstimate[];
}

export function createEstimates(seed: number): Estimates {
  const chance = chanceOf(seed);
  const known = new Map<string, BoundedEstimate[]>();
  return {
    chance,
    of(runs) {
      const key = runs.map(({ plan }) => plan.id).join(' ');
      const estimates = known.get(key) ?? estimatePlane(runs, chance);
      known.set(key, estimates);
      return estimates;
    },
  };
}

/** Makes those of this run's plane if all its runs are there: they need not wait for the runs of others. */
export function estimateAhead(
  estimates: Estimates,
  { scenario, arm }: RunPlan,
  runs: readonly MeasuredFacts[],
  planned: readonly RunPlan[],
): void {
  const isOfPlane = (plan: RunPlan) =>
    plan.scenario.name === scenario.name && plan.arm.architecture === arm.architecture;
  const ofPlane = runs.filter(({ facts }) => isOfPlane(facts.plan));
  if (ofPlane.length === planned.filter(isOfPlane).length) estimates.of(inOrder(ofPlane).map((run) => run.measured));
}

/** All `runs` measured with the same `prices`. */
export function summarise(options: SuiteFacts, known = createEstimates(options.seed)): Summary {
  const { suite, seed, command, repetitions, finished, notApplicable, prices } = options;
  const runs = inOrder(options.runs);
  const facts = runs.map((run) => run.facts);
  const measured = runs.map((run) => run.measured);
  const { chance } = known;
  const scenarios = [...new Map(facts.map(({ plan }) => [plan.scenario.name, plan.scenario])).values()];
  const estimates = scenarios.flatMap((scenario) => [...planesOf(measured, scenario).values()].flatMap(known.of));
  const comparisons = scenarios.flatMap((scenario) => comparePlanes(planesOf(measured, scenario), chance));
  const described = scenarios.map(describeScenario);
  // The paper speaks of systems that ran: virtual time with assumed service times neither confirms nor refutes it.
  const ran = described.filter(({ stack }) => stack !== 'simulated');
  const inOneThatRan = ({ scenario }: { readonly scenario: string }) => ran.some(({ name }) => name === scenario);
  const claims = checkClaims({
    scenarios: ran,
    estimates: estimates.filter(inOneThatRan),
    comparisons: comparisons.filter(inOneThatRan),
  });
  const findings = measured.flatMap(findingsOf);
  return {
    schema: 'planebench.summary/1',
    run: {
      suite,
      seed,
      repetitions,
      confidenceLevel,
      scenarios: described,
      architectures: architecturesOf(facts),
      command,
    },
    validity: { valid: measured.length > 0 && measured.every(({ invalid }) => invalid.length === 0), findings },
    estimates: estimates.map(withoutBound),
    comparisons,
    claims,
    series: runs.map(({ series }) => series),
    faultOutcomes: scenarios.flatMap((scenario) =>
      describeFaultOutcomes(
        runs.filter((run) => run.facts.plan.scenario.name === scenario.name),
        notApplicable.filter((spared) => spared.scenario === scenario.name),
        chance,
      ),
    ),
    costs: {
      prices,
      planes: scenarios
        .filter(({ name }) => name !== floor.name)
        .flatMap((scenario) => [...planesOf(measured, scenario).values()].flatMap(describeCost)),
    },
    verdict: reachVerdict({ finished, runs: measured, findings, estimates, comparisons, claims }),
    soak: null,
  };
}

/** The order in which runs were done, or read back, tells nothing. The harness's own figures come after all others. */
function inOrder(runs: readonly MeasuredFacts[]): MeasuredFacts[] {
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...runs].sort(
    ({ facts: { plan: a } }, { facts: { plan: b } }) =>
      Number(a.scenario.name === floor.name) - Number(b.scenario.name === floor.name) ||
      compare(a.scenario.name, b.scenario.name) ||
      compare(a.arm.architecture, b.arm.architecture) ||
      a.repetition - b.repetition ||
      compare(a.id, b.id),
  );
}

function planesOf(runs: readonly PlannedRun[], scenario: Scenario): Map<string, PlannedRun[]> {
  const planes = new Map<string, PlannedRun[]>();
  for (const run of runs) {
    if (run.plan.scenario.name !== scenario.name) continue;
    const plane = planes.get(run.plan.arm.architecture);
    if (plane) plane.push(run);
    else planes.set(run.plan.arm.architecture, [run]);
  }
  return planes;
}

function architecturesOf(runs: readonly RunFacts[]): Summary['run']['architectures'] {
  const params = new Map(runs.map((run) => [run.plan.arm.architecture, run.params]));
  return [...params].map(([name, value]) => ({ name, params: value }));
}

function describeScenario({ name, about, stack, timeScale, workload, phases, slo, faults }: Scenario): ScenarioSummary {
  return {
    name,
    about: about ?? null,
    stack,
    timeScale,
    changesPerSecond: workload.changes.perSecond,
    historyFacts: workload.history.facts,
    customers: workload.contract.customers,
    predictionsPerSecond: workload.reads.predict.perSecond,
    lookupsPerSecond: workload.reads.lookup.perSecond,
    measuredUs: phases.measureUs,
    freshnessSloUs: slo.freshnessUs,
    fault: faults.length === 0 ? null : faults.map(({ kind }) => kind).join(', '),
  };
}

function findingsOf({ plan, invalid, missing }: PlannedRun): RunFinding[] {
  return [...invalid, ...missing].map(({ code, message }) => ({
    run: plan.id,
    architecture: plan.arm.architecture,
    repetition: plan.repetition,
    code,
    message,
  }));
}
