/** Small simulated runs for the planes' own tests: the whole plane under load, and a crash wherever one is wanted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descriptionOf, loadArchitecture } from '../harness/processes/load-architecture.js';
import type { RunFacts } from '../harness/record/facts.js';
import type { FaultPlan, Scenario } from '../harness/scenario.js';
import { type Costs, defaultCosts } from '../harness/simulation/costs.js';
import { readHistory, type SimulatedTrace, simulateRun } from '../harness/simulation/simulate.js';
import { measuredScenario } from '../harness/suites/measured.js';
import { loadTrace } from '../harness/traces.js';
import { secondUs } from '../workloads/durations.js';

const base = measuredScenario({
  name: 'small',
  customers: 40,
  historyFacts: 400,
  changesPerSecond: 100,
  predictionsPerSecond: 5,
  lookupsPerSecond: 15,
  warmUpUs: secondUs / 2,
  measureUs: 2 * secondUs,
  faultUs: secondUs / 2,
  drainUs: 10 * secondUs,
});
export const smallScenario: Scenario = { ...base, stack: 'simulated', faults: [] };

/** The same, and batch work of every kind. */
export const batchScenario: Scenario = {
  ...smallScenario,
  batch: {
    labels: { rows: 400, positivePpm: 120_000, latePpm: 100_000 },
    besideLoad: [
      { kind: 'snapshot', name: 'beside the load' },
      { kind: 'score', snapshot: 'beside the load', times: 1 },
    ],
    afterLoad: [
      { kind: 'snapshot', name: 'after the load' },
      { kind: 'score', snapshot: 'after the load', slicePpm: 200_000, times: 2 },
      { kind: 'score', snapshot: 'beside the load', times: 1 },
      { kind: 'training-set', late: true, times: 2 },
    ],
  },
};

/** What a source sent of three neighbours turns out to be poisoned. */
export const poisonedScenario: Scenario = {
  ...smallScenario,
  batch: {
    labels: { rows: 400, positivePpm: 120_000, latePpm: 100_000 },
    besideLoad: [],
    afterLoad: [
      { kind: 'snapshot', name: 'whole' },
      { kind: 'score', snapshot: 'whole', times: 1 },
      { kind: 'training-set', late: true, times: 1 },
      { kind: 'reprocess', customers: 3 },
    ],
  },
};

/** What is served is rolled back after the measured window, and forward again. */
export const rollbackScenario: Scenario = {
  ...smallScenario,
  phases: { ...smallScenario.phases, faultUs: 9 * secondUs },
  batch: {
    labels: { rows: 20, positivePpm: 120_000, latePpm: 100_000 },
    besideLoad: [
      { kind: 'snapshot', name: 'before' },
      { kind: 'score', snapshot: 'before', times: 1 },
    ],
    afterWindow: [
      { kind: 'publish-model', version: 2 },
      { kind: 'rollback', snapshot: 'before', heldUs: 3 * secondUs },
    ],
    afterLoad: [],
  },
};
/** What serves is killed while it is rolled back. */
export const rolledBackCrash: FaultPlan = {
  kind: 'role-crash',
  role: 'serving',
  schedule: { kind: 'once', afterUs: 6 * secondUs, jitterUs: 1 },
};

/** Where to strike: at which wait for a port, counted from the start of the load, and on which side of it. */
export interface CrashPoint {
  readonly role: string;
  readonly wait: number;
  /** The port has done its work, the role does not hear of it. */
  readonly answered: boolean;
}

export interface Simulations {
  readonly scenario: Scenario;
  run(
    seed: number,
    crash: CrashPoint | null,
    options?: { readonly costs?: Costs; readonly faults?: Scenario['faults'] },
  ): Promise<{ readonly facts: RunFacts; readonly waits: number }>;
  close(): Promise<void>;
}

/** Runs of one plane; each seed has a trace of its own. Crashes strike `role`. */
export async function openSimulations(plane: string, role: string, scenario = smallScenario): Promise<Simulations> {
  const parent = await mkdtemp(join(tmpdir(), 'planebench-simulations-'));
  const architecture = descriptionOf(await loadArchitecture(plane, undefined));
  const arm = { architecture: plane, specifier: plane, params: null };
  const traces = new Map<number, { trace: SimulatedTrace; close(): Promise<void> }>();
  const traceOf = async (seed: number) => {
    const known = traces.get(seed);
    if (known) return known.trace;
    const owned = await loadTrace(scenario, seed, parent);
    const trace = await readHistory(owned);
    traces.set(seed, { trace, close: () => owned.close() });
    return trace;
  };
  return {
    scenario,
    async run(seed, crash, { costs = defaultCosts, faults = [] } = {}) {
      let waits = 0;
      const facts = await simulateRun(
        { id: `${plane}-${seed}`, scenario: { ...scenario, faults }, arm, repetition: 1, seed },
        {
          trace: await traceOf(seed),
          architecture,
          costs,
          parent,
          signal: new AbortController().signal,
          prepare(world, supervisor) {
            let isFirst = true;
            world.onBegin = (process) => {
              if (process.name !== role || !isFirst) return;
              isFirst = false;
              let before = 0;
              process.onWait = (number, answered) => {
                // While history is loaded there is no load to keep a promise to.
                if (process.clock.nowUs() < scenario.epochUs) before = number;
                waits = number - before;
                if (crash && waits === crash.wait && answered === crash.answered) void supervisor.kill(role);
              };
            };
          },
        },
      );
      return { facts, waits };
    },
    async close() {
      for (const { close } of traces.values()) await close();
      await rm(parent, { recursive: true, force: true });
    },
  };
}
