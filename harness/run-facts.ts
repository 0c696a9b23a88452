/** What a run left behind becomes its facts: its ledger is closed, its folder removed. */
import { rm } from 'node:fs/promises';
import { messageOf } from './errors.js';
import { noRecordings, readRecorded, recordingPaths } from './load/recorded.js';
import type { LoadedTrace } from './loaded-trace.js';
import { allocateColumns } from './record/column-files.js';
import { columnSets } from './record/column-sets.js';
import type { Finding, RunFacts } from './record/facts.js';
import { type Observed, timelineOf } from './run.js';
import type { RunPlan } from './scenario.js';

/** Only a run that came to its end has a ledger. */
export async function gatherFacts(observed: Observed, trace: LoadedTrace): Promise<RunFacts> {
  const { plan, architecture, directory, timeline, seen, faults, processes, usage, ports } = observed;
  const invalid = [...observed.invalid];
  const ledger = await (seen.ledger ?? Promise.resolve(null)).catch((error: unknown) => {
    // A run that broke off has said why; its ledger could not be closed for the same reason.
    if (invalid.length === 0) invalid.push({ code: 'HARNESS', message: messageOf(error) });
    return null;
  });
  const recorded = seen.recorded ?? (await readRecorded(recordingPaths(directory), trace));
  await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  return {
    plan,
    params: architecture.params,
    ingests: architecture.roles.some((role) => role.ingests),
    outside: architecture.outside,
    timeline,
    invalid,
    ...recorded,
    faults,
    processes,
    usage,
    ports,
    backfill: seen.backfill,
    inventories: { afterLoad: seen.exported?.inventory ?? null },
    stored: seen.exported?.stored ?? null,
    batch: seen.batch,
    lineage: seen.lineage,
    ledger,
    errors: seen.errors,
  };
}

/** The facts of a run that could not be started, which say why. */
export function unstartedRun(plan: RunPlan, reason: Finding): RunFacts {
  return {
    plan,
    params: plan.arm.params,
    ingests: true,
    outside: false,
    timeline: timelineOf(plan.scenario),
    invalid: [reason],
    ...noRecordings(),
    faults: [],
    processes: [],
    usage: allocateColumns(columnSets.usage, 0),
    ports: [],
    backfill: null,
    inventories: { afterLoad: null },
    stored: null,
    batch: null,
    lineage: null,
    ledger: null,
    errors: [],
  };
}
