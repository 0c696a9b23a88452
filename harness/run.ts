/**
 * One run: one plane under one scenario. A straight line from opening the stack to the facts; whatever fails on the
 * way, every process is gone at the end and what was recorded until then is kept.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beginBatchWork } from './batch/work.js';
import { withDeadline } from './clock.js';
import { CallError, HarnessError, HealError, messageOf } from './errors.js';
import { type Exported, exportTables, hasCaughtUp, readFinalRows, readSettledRows } from './final-reads.js';
import { beginInjections, type Injections } from './injection.js';
import { foldLedger } from './ledger/ledger.js';
import { readLiveSample } from './ledger/live-sample.js';
import { readLineage } from './lineage/walk.js';
import type { EmitterInit } from './load/emitter.js';
import type { PostgresConnection } from './load/postgres/connection.js';
import { type ReaderInit, readPlane } from './load/reader.js';
import { type LoadErrors, type Recorded, type RecordingPaths, readRecorded, recordingPaths } from './load/recorded.js';
import { type StartedSource, startSource } from './load/start.js';
import { loadHistory } from './load-history.js';
import type { LoadedTrace } from './loaded-trace.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import type { PlaneClient } from './processes/endpoint.js';
import { type StartedPlane, startPlane } from './processes/plane.js';
import type { Supervisor } from './processes/supervisor.js';
import type {
  AppendColumns,
  BackfillFact,
  BatchFacts,
  FaultFact,
  Finding,
  LedgerFacts,
  LineageFacts,
  RunFacts,
  Timeline,
} from './record/facts.js';
import { measuredWindow, type RunPlan, type Scenario } from './scenario.js';
import type { Site } from './site.js';
import { sourceRecord } from './source-record.js';
import { connectionOf, openPorts, type Stack } from './stacks/stack.js';
import type { Wires } from './stacks/wires.js';

export interface RunOptions {
  readonly trace: LoadedTrace;
  readonly architecture: ArchitectureDescription;
  readonly site: Site;
  /** Where the run may keep its recordings and its stored data. */
  readonly parent: string;
  /** Processes may start before; whatever is timed begins when nothing else computes. */
  readonly quiet: Promise<unknown>;
  /** Called when the run has nothing to do but to wait. */
  readonly idle: () => void;
  /** Told what the run is doing, for the progress display. */
  readonly progress: (phase: string) => void;
  /** Looks at the plane beside the run: before its history, and when it has drained. */
  readonly inspect?: Inspect | undefined;
  /** Aborts the run: its processes are stopped, what it recorded is dropped. */
  readonly signal: AbortSignal;
}

export type Inspect = (
  moment: 'started' | 'drained',
  subject: { readonly plane: PlaneClient; readonly trace: LoadedTrace },
) => Promise<void>;

/** What is known of a run when its last process has gone; run-facts.ts makes facts of it. */
export interface Observed {
  readonly plan: RunPlan;
  readonly architecture: ArchitectureDescription;
  /** Recordings and what the plane stored. */
  readonly directory: string;
  readonly timeline: Timeline;
  readonly invalid: readonly Finding[];
  readonly seen: Readonly<Seen>;
  readonly faults: readonly FaultFact[];
  readonly processes: RunFacts['processes'];
  readonly usage: RunFacts['usage'];
  readonly ports: RunFacts['ports'];
}

/** Kept when a later step fails. */
export interface Seen {
  backfill: BackfillFact | null;
  errors: LoadErrors['errors'];
  exported: Exported | null;
  batch: BatchFacts | null;
  lineage: LineageFacts | null;
  /** Null: its load did not come to its end. */
  recorded: Recorded | null;
  /** Closes when the last process has gone; rejects if the run broke off before. */
  ledger: Promise<LedgerFacts> | null;
}

/** From here to the start of event time: every process has heard of the start before it happens. */
const startLeadUs = 300_000;
/** For the load processes to end after the load has. */
const patientUs = 60_000_000;
/** For a role to be ready again after the load. */
const healWithinUs = 30_000_000;

export async function observeRun(plan: RunPlan, options: RunOptions): Promise<Observed> {
  const { scenario } = plan;
  const { trace, architecture, site, progress, signal } = options;
  const { supervisor, host } = site;
  const directory = join(options.parent, plan.id);
  const timeline = timelineOf(scenario);
  const { clock } = supervisor;
  const sloUs = scenario.slo.freshnessUs;
  const seen: Seen = {
    backfill: null,
    errors: [],
    exported: null,
    batch: null,
    lineage: null,
    recorded: null,
    ledger: null,
  };
  const invalid: Finding[] = [];
  let started: StartedPlane | null = null;
  let injections: Injections | null = null;
  let starting: Promise<Stack> | null = null;
  let making: Promise<void> | null = null;
  let isOver = false;
  let { drainEndUs } = timeline;
  let haveStopped: () => void = () => {};
  const stopped = new Promise<void>((resolve) => {
    haveStopped = resolve;
  });

  // A plane that takes no changes in has nothing to show, however long one waits.
  const drainUs = architecture.roles.some((role) => role.ingests) ? scenario.phases.drainUs : 0;

  const steps = async () => {
    progress('starting');
    await host(() => mkdir(directory, { recursive: true }));
    if (isOver) return;
    starting = site.startStack({
      directory,
      uses: architecture.uses,
      clients: [...architecture.roles.map(({ name }) => name), sourceName],
    });
    const stack = await starting;
    if (isOver) return;
    making = createTopic(stack, plan, site);
    await making;
    const postgres = scenario.source === 'postgres' ? await databaseOf(site, directory) : null;
    started = await startPlane({ supervisor, plan, architecture, stack, build: site.build });
    const plane = started.client;
    await options.quiet;
    await options.inspect?.('started', { plane, trace });
    progress('loading history');
    seen.backfill = await loadHistory({ plane, trace, plan, clock });
    const paths = recordingPaths(directory);
    const source = await startLoad({ plan, trace, supervisor, stack, plane: started, postgres, paths, seen });
    const batch = beginBatchWork({
      plan,
      plane,
      trace,
      clock,
      signal,
      openPorts: () => host(() => openPorts(stack.connection, clock)),
    });
    progress('load');
    supervisor.startLoad(scenario.epochUs, startLeadUs);
    const { servers } = stack;
    injections = beginInjections(scenario, plan.seed, {
      supervisor,
      architecture,
      servers,
      topic: scenario.workload.contract.topic,
      brokers: () => stack.brokers ?? failWithout('brokers of ours'),
      wires: () => wiresOfRoles(stack.wires ?? failWithout('proxies')),
      plane: started,
    });
    await Promise.all([loadEnded(supervisor, timeline, source, signal), injections.healed, batch?.besideLoad()]);
    progress('draining');
    await rolesHealed(supervisor, architecture);
    const recorded = await host(() => readRecorded(recordingPaths(directory), trace));
    const live = await host(() => readLiveSample(recordingPaths(directory).live));
    seen.recorded = recorded;
    await injections.witness(sourceRecord({ trace, timeline, appends: recorded.appends, site }));
    const finalRows = readFinalRows({ plane, trace, drainUs, clock, sloUs });
    const readStored = () => host(async () => (await stack.storedBytes?.()) ?? null);
    const exported = finalRows.then(() => exportTables({ plane, trace, drainUs, clock, sloUs, readStored }));
    const settledRows = exported.then(async () =>
      architecture.settlesWithinUs === null
        ? null
        : readSettledRows({
            plane,
            trace,
            final: await finalRows,
            clock,
            sloUs,
            untilUs: offeredUntilUs(timeline, recorded.appends) + architecture.settlesWithinUs,
          }),
    );
    // The ledger is not told before its turn, the steps below are told one after the other.
    for (const late of [exported, settledRows]) late.catch(() => {});
    if (batch !== null) {
      // Before the ledger begins: it would compute beside what is timed.
      await settledRows;
      progress('batch work');
      await batch.afterLoad(hasCaughtUp(await finalRows, trace));
      seen.batch = await batch.judge();
    }
    seen.ledger = site.aside(() =>
      foldLedger({
        trace: trace.directory,
        oracle: trace.oracle,
        emissions: trace.emissions,
        ...recorded,
        panel: trace.info.panel,
        live,
        rolledBack: rolledBackSpans(seen.batch),
        finalRows,
        exported,
        settledRows,
        storedPaths: stopped.then(() => stack.storedPaths),
        storesElsewhere: architecture.outside,
      }),
    );
    seen.ledger.catch(() => {});
    await finalRows;
    drainEndUs = supervisor.clock.nowUs();
    seen.exported = await exported;
    if (architecture.settlesWithinUs !== null) {
      progress('waiting for its own correction');
      options.idle();
    }
    await settledRows;
    seen.lineage = await readLineage({ plan, architecture, site, stack, plane });
    await options.inspect?.('drained', { plane, trace });
  };

  /** What a step made that the run did not wait for any more is taken away too. */
  const closeStack = async () => {
    const stack = await starting?.catch(() => null);
    await making?.catch(() => {});
    await stack?.close?.();
  };

  try {
    await unlessGivenUp(supervisor, signal, steps());
  } catch (error) {
    if (signal.aborted) throw error;
    invalid.push({
      code: codeOf(error),
      message: withLastWords(error, supervisor.lastWords('role')),
    });
  } finally {
    isOver = true;
    (injections as Injections | null)?.end();
    await supervisor.stopAll();
    await closeStack().catch((error: unknown) => {
      invalid.push({ code: codeOf(error), message: messageOf(error) });
      // The facts of a run that was interrupted go nowhere, and what it has left on servers that are not ours stays there.
      if (signal.aborted) process.emitWarning(messageOf(error));
    });
    haveStopped();
  }
  return {
    plan,
    architecture,
    directory,
    timeline: { ...timeline, drainEndUs },
    invalid,
    seen,
    faults: (injections as Injections | null)?.facts() ?? [],
    processes: supervisor.processes(),
    usage: supervisor.usage(),
    ports: (started as StartedPlane | null)?.portCounters() ?? [],
  };
}

/** A fault that needs proxies is not scheduled where there are none. */
function failWithout(what: string): never {
  throw new HarnessError(`this stack has no ${what}`);
}

/** Whose doing it was that the run broke off. */
function codeOf(error: unknown): 'HEAL_FAILED' | 'HARNESS' | 'PLANE' {
  if (error instanceof HealError) return 'HEAL_FAILED';
  return error instanceof HarnessError ? 'HARNESS' : 'PLANE';
}

/** A call that found nobody says nothing of why: what the roles said last does. */
function withLastWords(error: unknown, words: string): string {
  const message = messageOf(error);
  return words !== '' && error instanceof CallError ? `${message}\n${words}` : message;
}

/** The source's own topic is there before anybody reads it. */
async function createTopic({ connection }: Stack, { scenario }: RunPlan, { supervisor, host }: Site): Promise<void> {
  const { ports, close } = await host(() => openPorts(connection, supervisor.clock));
  const { topic, partitions } = scenario.workload.contract;
  try {
    await ports.changeLog.createTopic(topic, partitions);
  } finally {
    await close();
  }
}

/** As planned: nothing is left to drain until there is. */
export function timelineOf(scenario: Scenario): Timeline {
  const { epochUs, phases } = scenario;
  const { startUs: measureStartUs, endUs: measureEndUs } = measuredWindow(scenario);
  const loadEndUs = measureEndUs + phases.faultUs;
  return { loadStartUs: epochUs, measureStartUs, measureEndUs, loadEndUs, drainEndUs: loadEndUs };
}

/** As a client of the change log. */
const sourceName = 'source';

/** A fault on the wire is one of the plane: were its source cut off too, that would be told as what the plane did. */
export function wiresOfRoles(wires: Wires): Wires {
  return { ...wires, inject: (fault, on) => wires.inject(fault, { ...on, except: sourceName }) };
}

const readerModule = new URL('./load/reader-process.js', import.meta.url);

function databaseOf({ startPostgres }: Site, directory: string): Promise<PostgresConnection> {
  if (startPostgres) return startPostgres(directory);
  throw new HarnessError('a database is not simulated; leave out --source postgres, or name another stack');
}

async function startLoad(options: {
  plan: RunPlan;
  trace: LoadedTrace;
  supervisor: Supervisor;
  stack: Stack;
  plane: StartedPlane;
  postgres: PostgresConnection | null;
  paths: RecordingPaths;
  seen: Seen;
}): Promise<StartedSource> {
  const { plan, trace, supervisor, stack, plane, postgres, paths, seen } = options;
  const { scenario } = plan;
  const emitter: EmitterInit = {
    trace: trace.directory,
    contract: scenario.workload.contract,
    connection: connectionOf(stack, sourceName),
    seed: plan.seed,
    loadEndUs: timelineOf(scenario).loadEndUs,
    recording: paths.appends,
  };
  const reader: ReaderInit = {
    connection: stack.connection,
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
    if (kind === 'errors') seen.errors = [...seen.errors, ...(body as LoadErrors).errors];
  };
  const [source] = await Promise.all([
    startSource({ supervisor, emitter, postgres, paths, onReport }),
    supervisor.start({
      name: 'reader',
      kind: 'load',
      module: readerModule,
      main: readPlane,
      init: () => reader,
      restart: false,
      onReport,
    }),
  ]);
  return source;
}

/** The load processes end by themselves when their last answer has come, or was given up. */
async function loadEnded(
  supervisor: Supervisor,
  timeline: { loadEndUs: number },
  { drained }: StartedSource,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = supervisor;
  await clock.sleepUntil(timeline.loadEndUs, signal);
  for (const name of ['emitter', 'reader']) {
    const exited = await supervisor.waitFor(name, 'exited', 0, patientUs);
    if (!exited?.exit) throw new HarnessError(`${name} did not end within ${patientUs / 1e6} s of the end of the load`);
    if (exited.exit.code !== 0)
      throw new HarnessError(`${name} failed: ${exited.exit.failure ?? `exit code ${exited.exit.code}`}`);
  }
  await withDeadline(
    clock,
    patientUs,
    drained,
    () => new HarnessError(`the connector had not read all of the source ${patientUs / 1e6} s after its last commit`),
  );
}

function rolledBackSpans(batch: BatchFacts | null) {
  return (batch?.rollbacks ?? []).map(({ back, forward }) => ({
    fromUs: back.requestedUs,
    untilUs: forward?.seenUs ?? (forward ?? back).watchedUntilUs,
  }));
}

/** A source that had to try again comes to its end later than planned. */
function offeredUntilUs({ loadEndUs }: Timeline, { doneUs }: AppendColumns): number {
  return doneUs.reduce((latestUs, us) => Math.max(latestUs, us), loadEndUs);
}

/** A role that died late is started again before anybody asks what the plane holds in the end. */
async function rolesHealed(supervisor: Supervisor, { roles }: ArchitectureDescription): Promise<void> {
  const since = supervisor.eventCount();
  await Promise.all(
    roles.map(async ({ name }) => {
      if (supervisor.lastEvent(name)?.kind !== 'ready') await supervisor.waitFor(name, 'ready', since, healWithinUs);
    }),
  );
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
