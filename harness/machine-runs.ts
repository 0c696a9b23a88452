/** Runs on this machine, one after the other: nothing else may compute while one is timed. */
import { labelOf, type RunsOptions } from './arms.js';
import type { LoadedTrace } from './loaded-trace.js';
import { inspectPlane } from './plane-contract.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import type { Finding, RunFacts } from './record/facts.js';
import { observeRun } from './run.js';
import { gatherFacts, unstartedRun } from './run-facts.js';
import type { RunPlan } from './scenario.js';
import { machineSite } from './site.js';
import { generateApart, loadTrace, type OwnedTrace } from './traces.js';

/** `groups`: the runs that share a trace. */
export async function runOnMachine(groups: readonly (readonly RunPlan[])[], options: RunsOptions): Promise<void> {
  const { scratch, progress, signal } = options;
  // While the facts of one run are gathered, what follows makes itself ready; it measures nothing until they are.
  let gathered: Promise<void> = Promise.resolve();
  // The next trace is generated while a run only waits, if one does.
  const upcoming: { trace: Promise<OwnedTrace> | null } = { trace: null };
  const generate = (group: readonly RunPlan[]) => {
    const { scenario, seed, repetition } = group[0] as RunPlan;
    progress.phase(`${scenario.name} ${repetition}`, 'generating the trace');
    return loadTrace(scenario, seed, scratch.directory, (trace) => generateApart(trace, scratch, signal));
  };
  try {
    for (const [index, group] of groups.entries()) {
      if (signal.aborted) break;
      const trace = await (upcoming.trace ?? generate(group)).catch((error: unknown) => {
        if (signal.aborted) return null;
        throw error;
      });
      upcoming.trace = null;
      if (trace === null) break;
      const { seed, sha256, changes } = trace.info;
      options.onTrace({ seed, scenario: (group[0] as RunPlan).scenario.name, sha256, changes });
      const idle = () => {
        const next = groups[index + 1];
        if (next) upcoming.trace ??= generate(next);
        upcoming.trace?.catch(() => {});
      };
      for (const plan of group) {
        const quiet = Promise.all([gathered, upcoming.trace]);
        quiet.catch(() => {});
        const ran = await oneRun(plan, { ...options, trace, quiet, idle });
        await gathered;
        if (!ran) break;
        gathered = ran.gather().then(options.keep);
        gathered.catch(() => {});
      }
      const closed = gathered.finally(() => trace.close());
      closed.catch(() => {});
      gathered = closed;
    }
    await gathered;
  } finally {
    await Promise.allSettled([gathered, upcoming.trace?.then((trace) => trace.close())]);
  }
}

/** Null when it was interrupted: what it had recorded is dropped. */
async function oneRun(
  plan: RunPlan,
  options: RunsOptions & { readonly trace: LoadedTrace; readonly quiet: Promise<unknown>; readonly idle: () => void },
): Promise<{ gather(): Promise<RunFacts> } | null> {
  const { described, trace, scratch, signal } = options;
  const architecture = described.get(plan.arm) as ArchitectureDescription | Finding;
  if ('code' in architecture) return { gather: async () => unstartedRun(plan, architecture) };
  if (signal.aborted) return null;
  const progress = (phase: string) => options.progress.phase(labelOf(plan), phase);
  try {
    const site = machineSite(plan.scenario, scratch, options.build);
    const inspection = options.onInspected && inspectPlane();
    const observed = await observeRun(plan, {
      ...options,
      site,
      parent: scratch.directory,
      architecture,
      progress,
      inspect: inspection?.inspect,
    });
    if (inspection) options.onInspected?.(inspection.seen());
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
