/** Small runs under faults, simulated or with real processes, for the tests of the ledger: any plane, fault and seed. */
import { hourUs, secondUs } from '../../workloads/durations.js';
import { disturbedWorkload, supportOf } from '../injection.js';
import { simulatedBuild } from '../lineage/origin.js';
import { descriptionOf, loadArchitecture } from '../processes/load-architecture.js';
import { openScratch } from '../processes/scratch.js';
import { type Random, seededRandom } from '../random.js';
import type { RunFacts } from '../record/facts.js';
import { observeRun, type RunOptions } from '../run.js';
import { gatherFacts } from '../run-facts.js';
import type { FaultKind, FaultPlan, RunPlan, Scenario, SpecOf } from '../scenario.js';
import { defaultCosts } from '../simulation/costs.js';
import { readHistory, type SimulatedTrace, simulateRun } from '../simulation/simulate.js';
import { machineSite } from '../site.js';
import { measuredScenario } from '../suites/measured.js';
import { loadTrace } from '../traces.js';

/** So many customers that some are not touched again after the last fault: what it did to them stays. */
const chaosScenario: Omit<Scenario, 'stack'> = {
  ...measuredScenario({
    name: 'chaos-small',
    customers: 150,
    historyFacts: 600,
    changesPerSecond: 150,
    predictionsPerSecond: 5,
    lookupsPerSecond: 40,
    warmUpUs: secondUs / 2,
    measureUs: secondUs / 2,
    faultUs: 3 * secondUs,
    drainUs: 5 * secondUs,
  }),
  faults: [],
};

export interface ChaosRuns {
  /** Null: this plane cannot be hurt so. */
  run(specifier: string, faults: readonly FaultPlan[], seed: number): Promise<RunFacts | null>;
  close(): Promise<void>;
}

/** Seeds share as many traces, unless a fault changes what the source offers. */
const traceSeeds = 3;

export async function openChaosRuns(stack: 'simulated' | 'embedded'): Promise<ChaosRuns> {
  const scratch = await openScratch();
  const parent = scratch.directory;
  const { signal } = new AbortController();
  const owned = new Map<string, { trace: SimulatedTrace; close(): Promise<void> }>();

  async function traceOf(scenario: Scenario, seed: number): Promise<SimulatedTrace> {
    const { changes } = disturbedWorkload(scenario, seed);
    const isOwn = JSON.stringify(changes) !== JSON.stringify(scenario.workload.changes);
    const shared = isOwn ? seed : seed % traceSeeds;
    const key = `${shared} ${JSON.stringify(changes)}`;
    const known = owned.get(key);
    if (known) return known.trace;
    // The folder of a trace is named by scenario and seed.
    const name = isOwn ? `${scenario.name}-${scenario.faults.map(({ kind }) => kind).join('-')}` : scenario.name;
    const loaded = await loadTrace({ ...scenario, name }, shared, parent);
    const trace = await readHistory(loaded);
    owned.set(key, { trace, close: () => loaded.close() });
    return trace;
  }

  async function onMachine(plan: RunPlan, options: Pick<RunOptions, 'architecture'> & { trace: SimulatedTrace }) {
    const site = machineSite(plan.scenario, scratch, simulatedBuild);
    const ignored = { idle: () => {}, progress: () => {}, quiet: Promise.resolve() };
    return gatherFacts(await observeRun(plan, { ...options, ...ignored, site, parent, signal }), options.trace);
  }

  return {
    async run(specifier, faults, seed) {
      const architecture = descriptionOf(await loadArchitecture(specifier, undefined));
      const scenario = { ...chaosScenario, stack, faults };
      if (faults.some((fault) => 'notApplicable' in supportOf(fault, scenario, architecture))) return null;
      const arm = { architecture: architecture.name, specifier, params: null };
      const plan: RunPlan = { id: `${arm.architecture}-${seed}`, scenario, arm, repetition: 1, seed };
      const options = { trace: await traceOf(scenario, seed), architecture };
      return stack === 'embedded'
        ? onMachine(plan, options)
        : simulateRun(plan, { ...options, costs: defaultCosts, parent, signal });
    },
    async close() {
      for (const { close } of owned.values()) await close();
      await scratch.close();
    },
  };
}

const lastsUs = secondUs;
const ppm = 200_000;
/** Those for which a stack needs no servers of others. */
type Drawn = Exclude<FaultKind, `wire-${string}` | `server-${string}` | 'partition' | 'leader-kill'>;

/** Every kind of fault, as it is drawn for a seed. */
const drawn: { readonly [Kind in Drawn]: (random: Random) => Omit<SpecOf<Kind>, 'kind'> } = {
  'role-crash': () => ({}),
  'role-pause': () => ({ lastsUs }),
  'crash-loop': () => ({ lastsUs: 2 * lastsUs }),
  'clock-jump': (random) => ({ byUs: (random.below(2) === 0 ? 1 : -1) * hourUs, lastsUs }),
  'change-log-outage': () => ({ lastsUs }),
  'online-store-outage': () => ({ lastsUs }),
  'online-store-loss': () => ({ lastsUs }),
  'table-store-outage': () => ({ lastsUs }),
  'full-disk': () => ({ lastsUs }),
  'slow-port': (random) => ({
    port: random.below(2) === 0 ? 'onlineStore' : 'tables',
    latencyUs: 50_000,
    jitterUs: 50_000,
    lastsUs,
  }),
  'failing-port': (random) => ({
    port: random.below(2) === 0 ? 'onlineStore' : 'tables',
    errorPpm: 300_000,
    lastsUs,
  }),
  'duplicate-delivery': () => ({ ppm, lastsUs }),
  reordering: () => ({ ppm, lastsUs }),
  'late-events': () => ({ ppm, lastsUs }),
  'poison-records': () => ({ ppm, lastsUs }),
  'incompatible-schema': () => ({ ppm, lastsUs }),
  'load-burst': () => ({ times: 10, lastsUs }),
};
const drawnKinds = Object.keys(drawn) as (keyof typeof drawn)[];

/** One fault or two, of kinds, details and at moments that are a function of the seed. */
export function drawFaults(seed: number): FaultPlan[] {
  const random = seededRandom(seed, '/chaos');
  const [first, second] = [random.below(drawnKinds.length), random.below(drawnKinds.length)];
  const kinds = random.below(2) === 0 || first === second ? [first] : [first, second];
  return kinds.map((at) => drawFault(drawnKinds[at] as (typeof drawnKinds)[number], random));
}

function drawFault(kind: keyof typeof drawn, random: Random): FaultPlan {
  return { kind, ...drawn[kind](random), schedule: { kind: 'once', afterUs: 0, jitterUs: secondUs } } as FaultPlan;
}
