/** A suite from its plans to its report. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest, Summary } from '../reports/summary.js';
import { loadEmissions } from '../workloads/emissions.js';
import { generateTrace } from '../workloads/trace-generation.js';
import { calendarTime } from './clock.js';
import { messageOf, UsageError } from './errors.js';
import { openOracle } from './ledger/oracle.js';
import type { LoadedTrace } from './loaded-trace.js';
import { startChild } from './processes/child-process.js';
import type { ArchitectureDescription, Described } from './processes/describe-architecture.js';
import { openScratch, type Scratch } from './processes/scratch.js';
import type { Progress } from './progress.js';
import type { Finding, RunFacts } from './record/facts.js';
import { createResults, type Results, saveManifest, saveReports, saveRun } from './results.js';
import { type Inspect, observeRun } from './run.js';
import { gatherFacts, unstartedRun } from './run-facts.js';
import type { Arm, RunPlan, Scenario } from './scenario.js';
import { planRuns, type Suite } from './suite.js';
import { summarise } from './summarise.js';
import { describeGit, describeMachine, hashLockFile, readSteal, readVersions } from './testbed.js';

export interface BenchOptions {
  readonly suite: Suite;
  readonly seed: number;
  readonly out: string;
  readonly command: string;
  readonly progress: Progress;
  /** Ctrl-C: what is finished is saved and reported. */
  readonly signal: AbortSignal;
  readonly inspect?: Inspect;
}

export interface BenchOutcome {
  readonly results: Results;
  readonly summary: Summary;
  readonly manifest: Manifest;
}

export async function bench(options: BenchOptions): Promise<BenchOutcome> {
  const { suite, seed, command, progress, signal } = options;
  const scratch = await openScratch();
  // While the facts of one run are gathered, what follows makes itself ready; it measures nothing until they are.
  let gathered: Promise<void> = Promise.resolve();
  // The next trace is generated while a run only waits, if one does.
  const upcoming: { trace: Promise<OwnedTrace> | null } = { trace: null };
  try {
    const plans = planRuns({ ...suite, seed });
    const described = await describeArms([...new Set(plans.map(({ arm }) => arm))], scratch);
    const results = await createResults(options.out, suite.name);
    const begun = await beginManifest({ results, suite, seed, command });
    const stealBefore = await readSteal();
    await saveManifest(results, begun);
    progress.begin(plans.map(expectedUs));
    const runs: RunFacts[] = [];
    const traces: Manifest['traces'][number][] = [];
    const groups = groupByTrace(plans);
    const generate = (group: readonly RunPlan[]) => {
      const { scenario, seed: traceSeed, repetition } = group[0] as RunPlan;
      progress.phase(`repetition ${repetition}`, 'generating the trace');
      return loadTrace(scenario, traceSeed, scratch);
    };
    for (const [index, group] of groups.entries()) {
      if (signal.aborted) break;
      const trace = await (upcoming.trace ?? generate(group));
      upcoming.trace = null;
      const { info } = trace;
      traces.push({ seed: info.seed, scenario: nameOf(group), sha256: info.sha256, changes: info.changes });
      const idle = () => {
        const next = groups[index + 1];
        if (next) upcoming.trace ??= generate(next);
        upcoming.trace?.catch(() => {});
      };
      for (const plan of group) {
        const quiet = Promise.all([gathered, upcoming.trace]);
        quiet.catch(() => {});
        const ran = await oneRun(plan, described, {
          trace,
          scratch,
          quiet,
          idle,
          progress,
          signal,
          inspect: options.inspect,
        });
        await gathered;
        if (!ran) break;
        gathered = ran.gather().then(async (run) => {
          await saveRun(results, run);
          runs.push(run);
          progress.finish(labelOf(plan), run.invalid[0]?.message.split('\n')[0] ?? 'done');
        });
        gathered.catch(() => {});
      }
      const closed = gathered.finally(() => trace.close());
      closed.catch(() => {});
      gathered = closed;
    }
    await gathered;
    const manifest: Manifest = {
      ...begun,
      endedAt: calendarTime(),
      traces,
      machine: { ...begun.machine, stealBp: stolenBp(stealBefore, await readSteal()) },
      interrupted: signal.aborted,
    };
    await saveManifest(results, manifest);
    const summary = summarise({ suite: suite.name, seed, command, repetitions: suite.repetitions, runs });
    await saveReports(results, summary, manifest);
    return { results, summary, manifest };
  } finally {
    progress.end();
    await Promise.allSettled([gathered, upcoming.trace?.then((trace) => trace.close())]);
    await scratch.close();
  }
}

/** The load, and about as much as starting, loading and checking take. */
function expectedUs({ scenario: { phases, workload } }: RunPlan): number {
  const { warmUpUs, measureUs, faultUs } = phases;
  return warmUpUs + measureUs + faultUs + 2_000_000 + 8 * workload.history.facts;
}

/** A plane that cannot even be described still has its runs: invalid ones, which say why. */
type DescribedArms = ReadonlyMap<Arm, ArchitectureDescription | Finding>;

const describer = new URL('./processes/describe-architecture.js', import.meta.url);

async function describeArms(arms: readonly Arm[], scratch: Scratch): Promise<DescribedArms> {
  const described = await Promise.all(
    arms.map(async (arm): Promise<[Arm, ArchitectureDescription | Finding]> => [arm, await describeArm(arm, scratch)]),
  );
  return new Map(described);
}

export async function describeArm(arm: Arm, scratch: Scratch): Promise<ArchitectureDescription | Finding> {
  const child = startChild({
    name: `architecture ${arm.architecture}`,
    module: describer,
    init: { specifier: arm.specifier, params: arm.params ?? undefined },
    origin: { epochUs: 0, zeroNs: null },
  });
  scratch.watch(child.pid);
  try {
    const answer = (await child.ready) as Described;
    if (answer.outcome === 'misused') throw new UsageError(answer.message);
    return answer.description;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return { code: 'ARCHITECTURE_DOES_NOT_LOAD', message: messageOf(error) };
  } finally {
    await child.stop();
    scratch.forget(child.pid);
  }
}

const nameOf = ([plan]: readonly RunPlan[]) => (plan as RunPlan).scenario.name;
const labelOf = ({ arm, repetition }: RunPlan) => `${arm.architecture} ${repetition}`;

/** Null when it was interrupted: what it had recorded is dropped. */
async function oneRun(
  plan: RunPlan,
  described: DescribedArms,
  options: {
    trace: LoadedTrace;
    scratch: Scratch;
    quiet: Promise<unknown>;
    idle: () => void;
    progress: Progress;
    signal: AbortSignal;
    inspect: Inspect | undefined;
  },
): Promise<{ gather(): Promise<RunFacts> } | null> {
  const { trace, signal } = options;
  const architecture = described.get(plan.arm) as ArchitectureDescription | Finding;
  if ('code' in architecture) return { gather: () => unstartedRun(plan, trace, architecture) };
  if (signal.aborted) return null;
  const progress = (phase: string) => options.progress.phase(labelOf(plan), phase);
  try {
    const observed = await observeRun(plan, { ...options, architecture, progress });
    return {
      gather() {
        progress('checking the ledger');
        return gatherFacts(observed, trace);
      },
    };
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

function groupByTrace(plans: readonly RunPlan[]): RunPlan[][] {
  const groups = new Map<string, RunPlan[]>();
  for (const plan of plans) {
    const key = `${plan.scenario.name} ${plan.seed}`;
    groups.set(key, [...(groups.get(key) ?? []), plan]);
  }
  return [...groups.values()];
}

interface OwnedTrace extends LoadedTrace {
  close(): Promise<void>;
}

async function loadTrace(scenario: Scenario, seed: number, scratch: Scratch): Promise<OwnedTrace> {
  const directory = join(scratch.directory, `trace-${scenario.name}-${seed}`);
  const { warmUpUs, measureUs, faultUs } = scenario.phases;
  const info = await generateTrace({
    workload: scenario.workload,
    seed,
    epochUs: scenario.epochUs,
    durationUs: warmUpUs + measureUs + faultUs,
    directory,
  });
  const emissions = await loadEmissions(directory);
  const oracle = await openOracle(directory);
  return {
    directory,
    info,
    emissions,
    oracle,
    async close() {
      await oracle.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function beginManifest(options: {
  results: Results;
  suite: Suite;
  seed: number;
  command: string;
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
    machine: { ...machine, stealBp: null },
    scenarios: options.suite.scenarios,
    interrupted: false,
  };
}

type Steal = Awaited<ReturnType<typeof readSteal>>;

function stolenBp(before: Steal, after: Steal): number | null {
  if (!before || !after || after.total === before.total) return null;
  return Math.round(((after.stolen - before.stolen) / (after.total - before.total)) * 10_000);
}
