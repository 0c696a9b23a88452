/**
 * One run: one plane under one scenario. A straight line from opening the stack to the facts; whatever fails on the
 * way, every process is gone at the end and what was recorded until then is kept.
 */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FeatureRow } from '../workloads/feature-view.js';
import type { ChangeKey, Inventory, Quarantined } from './architecture.js';
import { hostClock, monotonicUs } from './clock.js';
import { CallError, HarnessError, messageOf } from './errors.js';
import { readFinalRows, readSettledRows } from './final-reads.js';
import { injectFaults } from './injection.js';
import { foldLedger } from './ledger/ledger.js';
import { readLiveSample } from './ledger/live-sample.js';
import type { EmitterInit } from './load/emitter.js';
import type { LoadErrors, ReaderInit } from './load/reader.js';
import { noRecordings, type Recorded, type RecordingPaths, readRecorded, recordingPaths } from './load/recorded.js';
import { loadHistory } from './load-history.js';
import type { LoadedTrace } from './loaded-trace.js';
import { changesOf, inventoryOf } from './processes/answers.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import type { PlaneClient } from './processes/endpoint.js';
import { type StartedPlane, startPlane } from './processes/plane.js';
import type { Scratch } from './processes/scratch.js';
import { type Supervisor, supervise } from './processes/supervisor.js';
import { allocateColumns } from './record/column-files.js';
import { columnSets } from './record/column-sets.js';
import type { BackfillFact, FaultFact, Finding, RunFacts, Timeline } from './record/facts.js';
import type { RunPlan, Scenario } from './scenario.js';
import { openPorts, type Stack, startStack } from './stacks/stack.js';

export interface RunOptions {
  readonly trace: LoadedTrace;
  readonly architecture: ArchitectureDescription;
  readonly scratch: Scratch;
  /** Told what the run is doing, for the progress display. */
  readonly progress: (phase: string) => void;
  /** Aborts the run: its processes are stopped, what it recorded is dropped. */
  readonly signal: AbortSignal;
}

/** From here to the start of event time: every process has heard of the start before it happens. */
const startLeadUs = 300_000;
/** For calls that are no part of a measure: exports, final reads. */
const patientUs = 60_000_000;
const exportEveryUs = 250_000;

/** What a run has seen beside its recordings; kept when a later step fails. */
interface Seen {
  plane?: StartedPlane;
  backfill?: BackfillFact | null;
  faults: readonly FaultFact[];
  errors: LoadErrors['errors'];
  drainEndUs: number;
  final?: readonly FeatureRow[];
  settled?: readonly FeatureRow[];
  exported?: (readonly ChangeKey[])[];
  quarantined?: (readonly Quarantined[])[];
  inventory?: Inventory;
  recorded?: Recorded;
  ledger?: RunFacts['ledger'];
}

export async function executeRun(plan: RunPlan, options: RunOptions): Promise<RunFacts> {
  const { scenario } = plan;
  const { trace, scratch, progress, signal } = options;
  const directory = join(scratch.directory, plan.id);
  const paths = recordingPaths(directory);
  const timeline = timelineOf(scenario);
  const supervisor = supervise({
    lullStartUs: scenario.epochUs - scenario.workload.history.lullUs,
    restartDelayUs: scenario.restartDelayUs,
    scratch,
  });
  const seen: Seen = { faults: [], errors: [], drainEndUs: timeline.loadEndUs };
  const invalid: Finding[] = [];

  const ingests = options.architecture.roles.some((role) => role.ingests);
  // A plane that takes no changes in has nothing to show, however long one waits.
  const drainUs = ingests ? scenario.phases.drainUs : 0;

  const steps = async () => {
    progress('starting');
    await mkdir(directory, { recursive: true });
    const stack = await startStack(scenario.stack, { supervisor, directory, uses: options.architecture.uses });
    await createTopic(stack, plan, supervisor);
    seen.plane = await startPlane({ supervisor, plan, architecture: options.architecture, stack });
    progress('loading history');
    seen.backfill = await loadHistory({ plane: seen.plane.client, trace, plan });
    await startLoad({ plan, trace, supervisor, stack, plane: seen.plane, paths, seen });
    progress('load');
    supervisor.startLoad(scenario.epochUs, startLeadUs);
    seen.faults = await injectFaults({ plan, timeline, supervisor, architecture: options.architecture });
    await loadEnded(supervisor, timeline, signal);
    progress('draining');
    seen.final = await readFinalRows({ plane: seen.plane.client, trace, drainUs });
    seen.drainEndUs = supervisor.clock.nowUs();
    await exportTables(seen.plane, trace, drainUs, seen);
    const settlesUs = options.architecture.settlesWithinUs;
    if (settlesUs !== null) {
      progress('waiting for its own correction');
      seen.settled = await readSettledRows({
        plane: seen.plane.client,
        trace,
        final: seen.final,
        clock: supervisor.clock,
        untilUs: timeline.loadEndUs + settlesUs,
      });
    }
    await supervisor.stopAll();
    progress('checking the ledger');
    seen.recorded = await readRecorded(paths, trace);
    seen.ledger = await accountFor({ trace, stack, paths, recorded: seen.recorded, seen });
  };

  try {
    await unlessGivenUp(supervisor, signal, steps());
  } catch (error) {
    if (signal.aborted) throw error;
    invalid.push({
      code: error instanceof HarnessError ? 'HARNESS' : 'PLANE',
      message: withLastWords(error, supervisor.lastWords('role')),
    });
  } finally {
    await supervisor.stopAll();
  }
  const recorded = seen.recorded ?? (await readRecorded(paths, trace));
  await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  return {
    plan,
    params: options.architecture.params,
    ingests,
    timeline: { ...timeline, drainEndUs: seen.drainEndUs },
    invalid,
    ...recorded,
    faults: seen.faults,
    processes: supervisor.processes(),
    usage: supervisor.usage(),
    ports: seen.plane?.portCounters() ?? [],
    backfill: seen.backfill ?? null,
    inventories: { afterLoad: seen.inventory ?? null },
    ledger: seen.ledger ?? null,
    errors: seen.errors,
  };
}

/** The facts of a run that could not be started, which say why. */
export async function unstartedRun(plan: RunPlan, trace: LoadedTrace, reason: Finding): Promise<RunFacts> {
  const timeline = timelineOf(plan.scenario);
  return {
    plan,
    params: plan.arm.params,
    ingests: true,
    timeline: { ...timeline, drainEndUs: timeline.loadEndUs },
    invalid: [reason],
    ...(await noRecordings(trace)),
    faults: [],
    processes: [],
    usage: allocateColumns(columnSets.usage, 0),
    ports: [],
    backfill: null,
    inventories: { afterLoad: null },
    ledger: null,
    errors: [],
  };
}

/** A call that found nobody says nothing of why: what the roles said last does. */
function withLastWords(error: unknown, words: string): string {
  const message = messageOf(error);
  return words !== '' && error instanceof CallError ? `${message}\n${words}` : message;
}

/** The source's own topic is there before anybody reads it. */
async function createTopic({ connection }: Stack, { scenario }: RunPlan, { clock }: Supervisor): Promise<void> {
  const { ports, close } = openPorts(connection, clock);
  const { topic, partitions } = scenario.workload.contract;
  await ports.changeLog.createTopic(topic, partitions);
  await close();
}

function timelineOf({ epochUs, phases }: Scenario): Omit<Timeline, 'drainEndUs'> {
  const measureStartUs = epochUs + phases.warmUpUs;
  const measureEndUs = measureStartUs + phases.measureUs;
  return { loadStartUs: epochUs, measureStartUs, measureEndUs, loadEndUs: measureEndUs + phases.faultUs };
}

const loadModules = {
  emitter: new URL('./load/emitter.js', import.meta.url),
  reader: new URL('./load/reader.js', import.meta.url),
};

async function startLoad(options: {
  plan: RunPlan;
  trace: LoadedTrace;
  supervisor: Supervisor;
  stack: Stack;
  plane: StartedPlane;
  paths: RecordingPaths;
  seen: Seen;
}): Promise<void> {
  const { plan, trace, supervisor, stack, plane, paths, seen } = options;
  const { scenario } = plan;
  const emitter: EmitterInit = {
    trace: trace.directory,
    contract: scenario.workload.contract,
    connection: stack.connection,
    recording: paths.appends,
  };
  const reader: ReaderInit = {
    routes: plane.routes(),
    trace: trace.directory,
    workload: scenario.workload,
    panel: trace.info.panel,
    seed: plan.seed,
    epochUs: scenario.epochUs,
    loadUs: scenario.phases.warmUpUs + scenario.phases.measureUs + scenario.phases.faultUs,
    recordings: paths,
  };
  const onReport = (kind: string, body: unknown) => {
    if (kind === 'errors') seen.errors = (body as LoadErrors).errors;
  };
  await Promise.all([
    supervisor.start({
      name: 'emitter',
      kind: 'load',
      module: loadModules.emitter,
      init: () => emitter,
      restart: false,
    }),
    supervisor.start({
      name: 'reader',
      kind: 'load',
      module: loadModules.reader,
      init: () => reader,
      restart: false,
      onReport,
    }),
  ]);
}

/** The load processes end by themselves when their last answer has come, or was given up. */
async function loadEnded(supervisor: Supervisor, timeline: { loadEndUs: number }, signal: AbortSignal): Promise<void> {
  const { clock } = supervisor;
  await clock.sleepUntil(timeline.loadEndUs, signal);
  for (const name of ['emitter', 'reader']) {
    const exited = await supervisor.waitFor(name, 'exited', 0, patientUs);
    if (!exited?.exit) throw new HarnessError(`${name} did not end within ${patientUs / 1e6} s of the end of the load`);
    if (exited.exit.code !== 0)
      throw new HarnessError(`${name} failed: ${exited.exit.failure ?? `exit code ${exited.exit.code}`}`);
  }
}

/** What the tables hold once they hold everything, or when the plane's time to drain is over. */
async function exportTables({ client }: StartedPlane, trace: LoadedTrace, drainUs: number, seen: Seen): Promise<void> {
  const deadlineUs = monotonicUs() + drainUs;
  if (client.offers('exportChanges')) {
    for (;;) {
      seen.exported = await collect<ChangeKey>(client, 'exportChanges');
      const held = seen.exported.reduce((sum, page) => sum + page.length, 0);
      if (held >= trace.emissions.soundChanges || monotonicUs() > deadlineUs) break;
      await hostClock.sleep(exportEveryUs);
    }
  }
  if (client.offers('quarantine')) seen.quarantined = await collect<Quarantined>(client, 'quarantine');
  if (client.offers('inventory')) {
    seen.inventory = inventoryOf(await client.call<unknown>('inventory', undefined, { timeoutUs: patientUs }));
  }
}

async function collect<Key extends ChangeKey>(
  client: PlaneClient,
  operation: 'exportChanges' | 'quarantine',
): Promise<(readonly Key[])[]> {
  const collected: (readonly Key[])[] = [];
  const pages = client.pages<unknown>(operation, { timeoutUs: patientUs });
  for await (const page of pages) collected.push(changesOf<Key>(operation, page));
  return collected;
}

/** Stops a run as soon as a process is given up: nothing that follows could be judged. */
async function unlessGivenUp<T>(supervisor: Supervisor, signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => {});
  let abort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted, supervisor.givenUp]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function accountFor(options: {
  trace: LoadedTrace;
  stack: Stack;
  paths: RecordingPaths;
  recorded: Recorded;
  seen: Seen;
}): Promise<RunFacts['ledger']> {
  const { trace, stack, paths, recorded, seen } = options;
  return foldLedger({
    trace: trace.directory,
    oracle: trace.oracle,
    emissions: trace.emissions,
    appends: recorded.appends,
    probes: recorded.probes,
    operations: recorded.operations,
    reads: recorded.reads,
    panel: trace.info.panel,
    exported: seen.exported ?? null,
    quarantined: seen.quarantined ?? null,
    finalRows: seen.final ?? [],
    settledRows: seen.settled ?? null,
    liveRows: existsSync(paths.live) ? await readLiveSample(paths.live) : [],
    storedPaths: stack.storedPaths,
  });
}
