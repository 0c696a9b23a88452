/** Runs in virtual time: processes of their own, as many at a time as there are processors, since nothing is timed. */
import { availableParallelism } from 'node:os';
import type { Manifest } from '../reports/summary.js';
import type { RunsOptions } from './arms.js';
import { HarnessError } from './errors.js';
import type { Inspected } from './plane-contract.js';
import { describeExit, startChild } from './processes/child-process.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import type { Finding, RunFacts } from './record/facts.js';
import { unstartedRun } from './run-facts.js';
import type { RunPlan } from './scenario.js';
import type { Costs } from './simulation/costs.js';
import type { SimulatedGroup, SimulationInit } from './simulation/simulation-process.js';

const simulation = new URL('./simulation/simulation-process.js', import.meta.url);
/**
 * Most of what a simulation allocates lives for one call: with room for more of them less is copied. Every processor has a
 * simulation of its own, so that threads that collect or compile for it take from another one more than they give it. Code
 * lives for a run, a seventh of whose time it takes to compile it: two steps of the compiler take longer than they save.
 */
const execArgv = [
  '--min-semi-space-size=64',
  '--max-semi-space-size=128',
  '--initial-old-space-size=1024',
  '--single-threaded',
  '--no-turbo-loop-peeling',
  '--no-turbo-cf-optimization',
];

type SimulationOptions = RunsOptions & { readonly costs: Costs };

/** `groups`: the runs that share a trace. Each process takes the next group when it has simulated one. */
export async function runInSimulation(groups: Iterable<readonly RunPlan[]>, options: SimulationOptions): Promise<void> {
  const left = groups[Symbol.iterator]();
  const lane = async () => {
    let simulator: Simulator | null = null;
    try {
      for (let next = left.next(); !next.done && !options.signal.aborted; next = left.next()) {
        const group = await simulable(next.value, options);
        if (group.length === 0) continue;
        simulator ??= startSimulator(options);
        await simulator.simulate(group);
      }
    } finally {
      await simulator?.stop();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
}

/** Those of a plane that could be described; of the others it is kept why not. */
async function simulable(group: readonly RunPlan[], { described, keep }: SimulationOptions): Promise<SimulatedGroup> {
  const plans: SimulatedGroup[number][] = [];
  for (const plan of group) {
    const architecture = described.get(plan.arm) as ArchitectureDescription | Finding;
    if ('code' in architecture) await keep(unstartedRun(plan, architecture));
    else plans.push({ plan, architecture });
  }
  return plans;
}

interface Simulator {
  /** Resolves when the facts of every run are kept, or the runs were aborted. */
  simulate(group: SimulatedGroup): Promise<void>;
  stop(): Promise<void>;
}

function startSimulator(options: SimulationOptions): Simulator {
  const { scratch, progress, signal, costs } = options;
  const init: SimulationInit = { costs, parent: scratch.directory, inspects: options.onInspected !== undefined };
  const child = startChild({
    name: 'simulation',
    module: simulation,
    init,
    origin: { epochUs: 0, zeroNs: null },
    execArgv,
  });
  scratch.watch(child.pid);
  const abort = () => child.signal('SIGKILL');
  signal.addEventListener('abort', abort);
  let keeping: Promise<void> = Promise.resolve();
  let done: () => void = () => {};
  child.onReport((kind, body) => {
    if (kind === 'trace') options.onTrace(body as Manifest['traces'][number]);
    if (kind === 'inspected') options.onInspected?.(body as Inspected);
    if (kind === 'begun') progress.phase(body as string, 'simulating');
    if (kind === 'run') keeping = keeping.then(() => options.keep(body as RunFacts));
    if (kind === 'done') done();
    keeping.catch(() => {});
  });
  return {
    async simulate(group) {
      const finished = new Promise<null>((resolve) => {
        done = () => resolve(null);
      });
      child.tell('simulate', group);
      const exit = await Promise.race([finished, child.exited]);
      await keeping;
      if (exit === null || signal.aborted) return;
      throw new HarnessError(`a simulation failed: ${exit.failure ?? (child.stderr().trim() || describeExit(exit))}`);
    },
    async stop() {
      await child.stop();
      signal.removeEventListener('abort', abort);
      scratch.forget(child.pid);
    },
  };
}
