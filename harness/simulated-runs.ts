/** Runs in virtual time: processes of their own, as many at a time as there are processors, since nothing is timed. */
import { availableParallelism } from 'node:os';
import type { Manifest } from '../reports/summary.js';
import type { RunsOptions } from './arms.js';
import { HarnessError } from './errors.js';
import type { Inspected } from './plane-contract.js';
import { startChild } from './processes/child-process.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import type { Finding, RunFacts } from './record/facts.js';
import { unstartedRun } from './run-facts.js';
import type { RunPlan } from './scenario.js';
import type { Costs } from './simulation/costs.js';
import type { SimulationInit } from './simulation/simulation-process.js';

const simulation = new URL('./simulation/simulation-process.js', import.meta.url);
const readyWithinUs = 300_000_000;
/** Most of what a simulation allocates lives for one call: with room for more of them less is copied. */
const execArgv = ['--max-semi-space-size=64'];

/** `groups`: the runs that share a trace, which one process simulates. */
export async function runInSimulation(
  groups: readonly (readonly RunPlan[])[],
  options: RunsOptions & { readonly costs: Costs },
): Promise<void> {
  const left = [...groups];
  const lane = async () => {
    for (let group = left.shift(); group && !options.signal.aborted; group = left.shift()) {
      await simulateGroup(group, options);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
}

async function simulateGroup(
  group: readonly RunPlan[],
  options: RunsOptions & { readonly costs: Costs },
): Promise<void> {
  const { described, scratch, progress, signal, costs } = options;
  const plans: SimulationInit['plans'][number][] = [];
  for (const plan of group) {
    const architecture = described.get(plan.arm) as ArchitectureDescription | Finding;
    if ('code' in architecture) await options.keep(unstartedRun(plan, architecture));
    else plans.push({ plan, architecture });
  }
  if (plans.length === 0) return;
  const init: SimulationInit = { plans, costs, parent: scratch.directory, inspects: options.onInspected !== undefined };
  const child = startChild({
    name: `simulation of repetition ${group[0]?.repetition}`,
    module: simulation,
    init,
    origin: { epochUs: 0, zeroNs: null },
    readyWithinUs,
    execArgv,
  });
  scratch.watch(child.pid);
  const abort = () => child.signal('SIGKILL');
  signal.addEventListener('abort', abort);
  let keeping: Promise<void> = Promise.resolve();
  child.onReport((kind, body) => {
    if (kind === 'trace') options.onTrace(body as Manifest['traces'][number]);
    if (kind === 'inspected') options.onInspected?.(body as Inspected);
    if (kind === 'begun') progress.phase(body as string, 'simulating');
    if (kind === 'run') keeping = keeping.then(() => options.keep(body as RunFacts));
    keeping.catch(() => {});
  });
  const exit = await child.exited;
  signal.removeEventListener('abort', abort);
  scratch.forget(child.pid);
  await keeping;
  if (!signal.aborted && exit.code !== 0)
    throw new HarnessError(`a simulation failed: ${exit.failure ?? child.stderr().trim() ?? `exit code ${exit.code}`}`);
}
