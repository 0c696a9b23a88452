/** A suite from its plans to its report. */

import { isFinished, type Manifest, type PriceBook, type Summary } from '../reports/summary.js';
import { leaveOutUnstruck, type NotApplicable } from './applicability.js';
import { type DescribedArms, labelOf } from './arms.js';
import { calendarTime } from './clock.js';
import { messageOf, UsageError } from './errors.js';
import { refuseFaultPlans } from './fault-plans.js';
import type { Build } from './lineage/origin.js';
import { runOnMachine } from './machine-runs.js';
import type { Inspected } from './plane-contract.js';
import type { PortName } from './ports/ports.js';
import { askChild } from './processes/child-process.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import { openScratch, type Scratch } from './processes/scratch.js';
import type { Progress } from './progress.js';
import type { Finding, RunFacts } from './record/facts.js';
import { createResults, type Results, saveManifest, savePrices, saveReports, saveRun } from './results.js';
import type { Arm, RunPlan } from './scenario.js';
import { runInSimulation } from './simulated-runs.js';
import { type Costs, identifyCosts } from './simulation/costs.js';
import { groupByTrace, planRuns, type Shard, type Suite, takeShard } from './suite.js';
import { createEstimates, estimateAhead, type MeasuredFacts, measureFacts, summarise } from './summarise.js';
import { describeGit, describeMachine, hashLockFile, readSteal, readVersions } from './testbed.js';
import { tryServers, type Versions } from './trial-start.js';

export interface BenchOptions {
  readonly suite: Suite;
  readonly seed: number;
  /** Absent: all of it. */
  readonly shard?: Shard | undefined;
  readonly out: string;
  readonly command: string;
  readonly prices: PriceBook;
  readonly progress: Progress;
  /** Of a simulation. */
  readonly costs: Costs;
  /** Ctrl-C: what is finished is saved and reported. */
  readonly signal: AbortSignal;
  /** Told what a look at each plane, beside its run, has found; without it nobody looks. */
  readonly onInspected?: (inspected: Inspected) => void;
}

export interface BenchOutcome {
  readonly results: Results;
  readonly summary: Summary;
  readonly manifest: Manifest;
}

export async function bench(options: BenchOptions): Promise<BenchOutcome> {
  const { suite, seed, command, prices, progress, signal } = options;
  const scratch = await openScratch();
  try {
    const planned = planRuns({ ...suite, seed });
    const described = await describeArms([...new Set(planned.map(({ arm }) => arm))], scratch);
    refuseFaultPlans(planned, described);
    const here = options.shard ? takeShard(groupByTrace(planned), options.shard).flat() : planned;
    const { plans, notApplicable } =
      suite.asks === 'recovery' ? leaveOutUnstruck(here, described) : { plans: here, notApplicable: [] };
    const servers = await tryServers(
      plans.map(({ scenario }) => scenario),
      usedPorts(described),
      scratch,
    );
    const results = await createResults(options.out, suite.name);
    const begun = await beginManifest({
      ...{ results, suite, seed, command, servers, notApplicable },
      plannedRuns: plans.map(({ id }) => id),
      costs: plans.some(({ scenario }) => scenario.stack === 'simulated') ? options.costs : null,
    });
    const stealBefore = await readSteal();
    await saveManifest(results, begun);
    await savePrices(results, prices);
    const runs: MeasuredFacts[] = [];
    const estimates = createEstimates(seed);
    const traces: Manifest['traces'][number][] = [];
    const groups = groupByTrace(plans);
    const common = {
      described,
      build: buildOf(begun),
      scratch,
      progress,
      signal,
      onInspected: options.onInspected,
      onTrace: (trace: Manifest['traces'][number]) => void traces.push(trace),
      async keep(run: RunFacts) {
        await saveRun(results, run);
        runs.push(measureFacts(run, prices));
        progress.finish(labelOf(run.plan), run.invalid[0]?.message.split('\n')[0] ?? 'done');
        if (run.plan.scenario.stack !== 'simulated') return;
        estimateAhead(estimates, run.plan, runs, plans);
        // There is a processor that the last run leaves idle, and what draws a report takes a third of a second to load; whoever
        // needs it hears of a failure.
        if (runs.length === plans.length - 1) import('../reports/html.js').catch(() => {});
      },
    };
    const isSimulated = (group: readonly RunPlan[]) => group[0]?.scenario.stack === 'simulated';
    const measured = groups.filter((group) => !isSimulated(group));
    const simulated = groups.filter(isSimulated);
    progress.begin([...measured, ...simulated].flat().map(expectedUs));
    await runOnMachine(measured, common);
    await runInSimulation(simulated, { ...common, costs: options.costs });
    const manifest: Manifest = {
      ...begun,
      endedAt: calendarTime(),
      traces,
      machine: { ...begun.machine, stealBp: stolenBp(stealBefore, await readSteal()) },
      interrupted: signal.aborted,
    };
    await saveManifest(results, manifest);
    const { repetitions } = suite;
    const finished = isFinished(manifest);
    const facts = { suite: suite.name, seed, command, repetitions, finished, runs, notApplicable, prices };
    const summary = summarise(facts, estimates);
    await saveReports(results, summary, manifest);
    return { results, summary, manifest };
  } finally {
    progress.end();
    await scratch.close();
  }
}

/** About what starting, loading and checking take beside the load; a simulation takes what it computes. */
function expectedUs({ scenario: { phases, workload, stack } }: RunPlan): number {
  const { warmUpUs, measureUs, faultUs } = phases;
  const loadUs = warmUpUs + measureUs + faultUs;
  return stack === 'simulated' ? loadUs : loadUs + 2_000_000 + 8 * workload.history.facts;
}

const describer = new URL('./processes/describe-architecture.js', import.meta.url);

export async function describeArms(arms: readonly Arm[], scratch: Scratch): Promise<DescribedArms> {
  const described = await Promise.all(
    arms.map(async (arm): Promise<[Arm, ArchitectureDescription | Finding]> => [arm, await describeArm(arm, scratch)]),
  );
  return new Map(described);
}

/** Of any of these planes. */
export function usedPorts(described: DescribedArms): readonly PortName[] {
  return [...new Set([...described.values()].flatMap((one) => ('code' in one ? [] : one.uses)))];
}

export async function describeArm(arm: Arm, scratch: Scratch): Promise<ArchitectureDescription | Finding> {
  const name = `architecture ${arm.architecture}`;
  const init = { specifier: arm.specifier, params: arm.params ?? undefined };
  try {
    return await askChild<ArchitectureDescription>({ name, module: describer, init }, scratch);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return { code: 'ARCHITECTURE_DOES_NOT_LOAD', message: messageOf(error) };
  }
}

export async function beginManifest(options: {
  results: Results;
  suite: Pick<Suite, 'name' | 'repetitions' | 'scenarios'>;
  seed: number;
  command: string;
  servers: Versions;
  notApplicable: readonly NotApplicable[];
  /** Null: they are drawn as it goes. */
  plannedRuns: readonly string[] | null;
  /** Null: nothing is simulated. */
  costs: Costs | null;
}): Promise<Manifest> {
  const [git, lockFileSha256, versions, machine] = await Promise.all([
    describeGit(),
    hashLockFile(),
    readVersions(),
    describeMachine(),
  ]);
  return {
    schema: 'planebench.manifest/1',
    id: options.results.id,
    startedAt: calendarTime(),
    endedAt: null,
    command: options.command,
    suite: options.suite.name,
    seed: options.seed,
    repetitions: options.suite.repetitions,
    traces: [],
    git,
    lockFileSha256,
    versions,
    servers: options.servers,
    machine: { ...machine, stealBp: null },
    scenarios: options.suite.scenarios,
    ...(options.costs && { serviceTimes: identifyCosts(options.costs) }),
    notApplicable: options.notApplicable,
    ...(options.plannedRuns && { plannedRuns: options.plannedRuns }),
    interrupted: false,
  };
}

export function buildOf({ git, lockFileSha256, versions }: Manifest): Build {
  return { ...git, node: versions.node as string, lockFileSha256 };
}

type Steal = Awaited<ReturnType<typeof readSteal>>;

function stolenBp(before: Steal, after: Steal): number | null {
  if (!before || !after || after.total === before.total) return null;
  return Math.round(((after.stolen - before.stolen) / (after.total - before.total)) * 10_000);
}
