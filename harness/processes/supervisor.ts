/**
 * Owns every process of a run: starts them, waits for ready, starts a dead role again after a delay as an orchestrator
 * would, samples what they use, and leaves none behind.
 */
import type { Priority } from '../architecture.js';
import { type ClockOrigin, hostClock, monotonicNs, monotonicUs, type SystemClock, systemClock } from '../clock.js';
import { HarnessError, PlaneError } from '../errors.js';
import type { ProcessFact, UsageColumns } from '../record/facts.js';
import type { ChildMain } from './child.js';
import { describeExit, type Exit, lastWordsOf, type StartedChild, startChild } from './child-process.js';
import { type ContainerOptions, containerLauncher } from './container-process.js';
import type { Precedence } from './precedence.js';
import { createProcessEvents, type ProcessEvent, type ToldEvents } from './process-events.js';
import { type ProgramOptions, startProgramProcess } from './program-process.js';
import type { Scratch } from './scratch.js';
import { serviceWithinUs } from './service.js';

export interface ProcessSpec {
  readonly name: string;
  readonly kind: ProcessFact['kind'];
  /** What is forked: a built module that calls `runChild` with `main`. */
  readonly module: URL;
  /** The same as a function, where it can also run without a process of its own. */
  readonly main?: ChildMain<never>;
  /** Called at every start: a restarted role may be told other things (its old port). */
  readonly init: () => unknown;
  /** Within the plane; absent: `normal`. A load goes before all of it. */
  readonly priority?: Priority;
  /** Start it again when it dies. */
  readonly restart: boolean;
  readonly readyWithinUs?: number;
  readonly onReport?: (kind: string, body: unknown) => void;
}

export interface Supervisor extends ToldEvents {
  /** The event clock of the run. */
  readonly clock: SystemClock;
  /** Resolves with what the process, or the one that was started in its place, passed to `ready`. */
  start(spec: ProcessSpec): Promise<unknown>;
  /** Sets event time to `epochUs`, in every process; it goes on from there `leadUs` from now. */
  startLoad(epochUs: number, leadUs: number): void;
  /**
   * SIGKILL; resolves when the process is gone. It is started again after the restart delay. Where it is just being
   * started again, its successor is killed as soon as there is one; rejects if there is none to come.
   */
  kill(name: string): Promise<ProcessEvent>;
  /** It is gone when this resolves, and started again only by `release`, which resolves when it is ready. Safe to repeat. */
  hold(name: string): Promise<ProcessEvent>;
  release(name: string): Promise<void>;
  /** SIGSTOP and SIGCONT, of the process that runs now; its successor, should it die, runs. */
  pause(name: string): void;
  resume(name: string): void;
  /** Whether it stands still, as the operating system tells it. */
  isPaused(name: string): Promise<boolean>;
  /** From now on the process, and whichever takes its place, reads this much more than the time; 0: the time. */
  shiftClock(name: string, byUs: number): void;
  /** Says something to the process that runs now, for its `onTold`. */
  send(name: string, kind: string, body: unknown): void;
  /** Rejects when a process dies again and again, or dies without being one that is restarted. Never resolves. */
  readonly givenUp: Promise<never>;
  /** Stops these processes and no longer restarts them. */
  stop(names: readonly string[]): Promise<void>;
  /** For good: nothing is started after it. */
  stopAll(): Promise<void>;
  /** How the processes of this kind ended by themselves, and the last lines of each one's stderr; empty: nothing to say. */
  lastWords(kind: ProcessFact['kind']): string;
  processes(): ProcessFact[];
  usage(): UsageColumns;
}

/** A load is of the harness, and what it costs is not the plane's. */
interface OfServer {
  readonly kind: 'server' | 'load';
  readonly priority?: Priority;
  readonly restart: boolean;
}
/** A server that others wrote; `origin` and precedence are the supervisor's to say. */
export type ProgramSpec = Omit<ProgramOptions, 'origin' | 'precedence'> & OfServer;
/** The same in a container, which has its files and its port over restarts; `label` is the supervisor's to say. */
export type ContainerSpec = Omit<ContainerOptions, 'origin' | 'label' | 'network'> & {
  /** `peers`: on a network on which servers find each other by name. `host`: on that of this machine, loopback included. */
  readonly on?: 'peers' | 'host';
} & OfServer;

/** Of processes that are the operating system's, where servers that others wrote can be run too. */
export interface MachineSupervisor extends Supervisor {
  /** Resolves when it, or the one that was started in its place, answers. */
  startProgram(spec: ProgramSpec): Promise<void>;
  startContainer(spec: ContainerSpec): Promise<void>;
  /** The container is on no network when it resolves, and runs. Safe to repeat. */
  cutOff(name: string): Promise<void>;
  /** It is on those that it was on, and reached at the same ports. Safe to repeat. */
  rejoin(name: string): Promise<void>;
  /** Somebody who is no process of ours keeps event time, too: told where it stands now, and whenever that is set. */
  tellTime(tell: (origin: ClockOrigin) => Promise<void>): Promise<void>;
}

type Launch = (clockByUs: number) => StartedChild;

interface Supervised {
  readonly spec: Pick<ProcessSpec, 'name' | 'kind' | 'restart' | 'readyWithinUs'>;
  readonly launch: Launch;
  readonly index: number;
  child: StartedChild;
  /** The last one that ended: `child` until the next is started. */
  gone: StartedChild | null;
  stopping: boolean;
  /** It is killed on purpose: that is no death of its own. */
  killing: boolean;
  /** It is not started again for now. */
  held: boolean;
  clockByUs: number;
  /** Its latest death by itself, if any, and what it had written to stderr until then. */
  death: string | null;
  words: string;
  deathsInARow: number;
  restarts: number;
  startedHostUs: number;
  readyAfterUs: number | null;
  exit: string;
  becomeReady: (info: unknown) => void;
  failToStart: (error: Error) => void;
  /** Use of the incarnations before this one. */
  cpuBeforeUs: number;
  lastCpuUs: number;
}

/** A process that died for good, with its last words: a role is the plane's own, any other the harness's. */
export function describeDeath(
  { name, kind }: Pick<ProcessSpec, 'name' | 'kind'>,
  exit: Exit,
  deaths: number,
  stderr: string,
): Error {
  const often = deaths > 1 ? `, for the ${deaths}th time in a row` : '';
  return blame(kind, `${name} died (${describeExit(exit)})${often}${lastWordsOf(stderr)}`);
}

export function blame(kind: ProcessFact['kind'], message: string): Error {
  return kind === 'role' ? new PlaneError(message) : new HarnessError(message);
}

export const notThere = (name: string): Error =>
  new HarnessError(`${name} was to be killed, but it is not running and nobody starts it again`);
export const notReadyAgain = (name: string, withinUs: number): Error =>
  new HarnessError(`${name} was started again and not ready within ${withinUs / 1e6} s`);

/** The load before all of the plane, and who of the plane goes first. */
const precedenceOf = ({ kind, priority = 'normal' }: Pick<ProcessSpec, 'kind' | 'priority'>): Precedence =>
  kind === 'load' ? 'load' : priority;

/** A role that dies this often without ever staying up this long is given up. */
export const deathsUntilGivenUp = 5;
export const steadyUs = 10_000_000;
export const readyWithinUs = 30_000_000;
/** Beyond the restart delay, on a busy machine. */
const startsWithinUs = 5_000_000;
const lastLines = 10;
const sampleEveryUs = 250_000;

export function supervise(options: {
  lullStartUs: number;
  restartDelayUs: number;
  scratch: Scratch;
}): MachineSupervisor {
  const { restartDelayUs, scratch } = options;
  let origin: ClockOrigin = { epochUs: options.lullStartUs, zeroNs: monotonicNs() };
  const clock = systemClock(origin);
  const supervised = new Map<string, Supervised>();
  const keepers: ((origin: ClockOrigin) => Promise<void>)[] = [];
  const { tell, end, ...told } = createProcessEvents(hostClock.after);
  const samples: number[][] = [[], [], [], [], [], []];
  let sampling: 'not yet' | 'going' | 'over' = 'not yet';

  let giveUp: (error: Error) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  givenUp.catch(() => {});

  const shifted = (byUs: number): ClockOrigin => ({ ...origin, offUs: byUs });

  function launchOwn(spec: ProcessSpec, clockByUs: number): StartedChild {
    const child = startChild({
      name: spec.name,
      module: spec.module,
      init: spec.init(),
      origin: shifted(clockByUs),
      precedence: precedenceOf(spec),
      ...(spec.readyWithinUs === undefined ? {} : { readyWithinUs: spec.readyWithinUs }),
    });
    scratch.watch(child.pid);
    if (spec.onReport) child.onReport(spec.onReport);
    return child;
  }

  function launchProgram(spec: ProgramSpec, clockByUs: number): StartedChild {
    const child = startProgramProcess({
      ...spec,
      origin: shifted(clockByUs),
      precedence: precedenceOf(spec),
    });
    scratch.watchGroup(child.pid);
    return child;
  }

  function launch(name: string, start: Launch, clockByUs: number): StartedChild {
    const child = start(clockByUs);
    tell({ atUs: clock.nowUs(), process: name, kind: 'started' });
    return child;
  }

  function watch(process: Supervised): void {
    const { child, spec } = process;
    const startedUs = monotonicUs();
    process.startedHostUs = startedUs;
    let gone = false;
    let isReady = false;
    child.ready.then(
      (info) => {
        isReady = true;
        process.readyAfterUs = monotonicUs() - startedUs;
        tell({ atUs: clock.nowUs(), process: spec.name, kind: 'ready' });
        process.becomeReady(info);
      },
      (error: Error) => {
        // One that died is started again; one that hangs would only hang again.
        if (gone && spec.restart) return;
        process.failToStart(blame(spec.kind, error.message));
        child.signal('SIGKILL');
      },
    );
    child.exited.then(async (exit) => {
      gone = true;
      process.gone = child;
      scratch.forget(child.pid);
      process.exit = describeExit(exit);
      process.cpuBeforeUs += process.lastCpuUs;
      process.lastCpuUs = 0;
      tell({ atUs: clock.nowUs(), process: spec.name, kind: 'exited', exit });
      process.words = child.stderr().trim() || process.words;
      const isOwnDeath = !process.stopping && !(process.killing && exit.signal === 'SIGKILL');
      if (isOwnDeath) process.death = describeExit(exit);
      process.killing = false;
      if (process.stopping) {
        process.failToStart(blame(spec.kind, `${spec.name} was stopped before it was ready`));
        return;
      }
      if (!spec.restart && exit.code === 0) return;
      // One that hangs until it is given up is as bad as one that dies at once.
      if (isReady && monotonicUs() - startedUs > steadyUs) process.deathsInARow = 0;
      if (isOwnDeath) process.deathsInARow++;
      if (!spec.restart || process.deathsInARow > deathsUntilGivenUp) {
        const error = describeDeath(spec, exit, process.deathsInARow, child.stderr());
        process.failToStart(error);
        giveUp(error);
        return;
      }
      process.restarts++;
      if (process.held) return;
      await hostClock.sleep(restartDelayUs);
      // Held meanwhile, or even held and released.
      if (!process.held && !told.isRunning(spec.name)) startAgain(process);
    });
  }

  function startAgain(process: Supervised): void {
    if (process.stopping) return;
    process.child = launch(process.spec.name, process.launch, process.clockByUs);
    watch(process);
  }

  async function sample(): Promise<void> {
    const atUs = clock.nowUs();
    for (const process of supervised.values()) {
      const { child } = process;
      const usage = await child.usage();
      // One that ended meanwhile has its use among that of those before.
      if (!usage || process.gone === child) continue;
      process.lastCpuUs = usage.cpuUs;
      const row = [
        atUs,
        process.index,
        process.cpuBeforeUs + usage.cpuUs,
        usage.rssBytes,
        usage.readBytes,
        usage.writeBytes,
      ];
      row.forEach((value, column) => {
        samples[column]?.push(value);
      });
    }
    if (sampling === 'going') hostClock.after(sampleEveryUs, () => void sample());
  }

  const processOf = (name: string): Supervised => {
    const process = supervised.get(name);
    if (!process) throw new HarnessError(`there is no process ${name}`);
    return process;
  };

  function networksOf(name: string): NonNullable<StartedChild['networks']> {
    const { networks } = processOf(name).child;
    if (!networks) throw new HarnessError(`${name} is no container, and has no network of its own`);
    return networks;
  }

  async function kill(name: string): Promise<ProcessEvent> {
    const process = processOf(name);
    if (!told.isRunning(name)) await untilStartedAgain(process);
    const since = told.eventCount();
    process.killing = true;
    process.child.signal('SIGKILL');
    const exited = await told.waitFor(name, 'exited', since, 5_000_000);
    if (!exited) throw new HarnessError(`${name} survived SIGKILL for 5 s`);
    return exited;
  }

  async function untilStartedAgain({ spec, stopping, held }: Supervised): Promise<void> {
    const withinUs = stopping || held ? 0 : restartDelayUs + startsWithinUs;
    if (!(await told.waitFor(spec.name, 'started', told.eventCount(), withinUs))) throw notThere(spec.name);
  }

  function startProcess(spec: Supervised['spec'], start: Launch): Promise<unknown> {
    // A step of a run that was given up goes on until its next wait: what it started now, nobody would stop.
    if (sampling === 'over') throw new HarnessError(`${spec.name} is not started: the run is over`);
    if (supervised.has(spec.name)) throw new HarnessError(`two processes are named ${spec.name}`);
    const process: Supervised = {
      spec,
      index: supervised.size,
      launch: start,
      child: launch(spec.name, start, 0),
      stopping: false,
      killing: false,
      held: false,
      clockByUs: 0,
      death: null,
      words: '',
      deathsInARow: 0,
      restarts: 0,
      startedHostUs: 0,
      readyAfterUs: null,
      exit: '',
      becomeReady: () => {},
      failToStart: () => {},
      cpuBeforeUs: 0,
      lastCpuUs: 0,
      gone: null,
    };
    const ready = new Promise<unknown>((resolve, reject) => {
      process.becomeReady = resolve;
      process.failToStart = reject;
    });
    ready.catch(() => {});
    supervised.set(spec.name, process);
    watch(process);
    if (sampling === 'not yet') {
      sampling = 'going';
      void sample();
    }
    return ready;
  }

  async function stop(names: readonly string[]): Promise<void> {
    const stopping = names.map(processOf);
    for (const process of stopping) {
      process.stopping = true;
      // One that stands still would not hear that it is to end.
      process.child.signal('SIGCONT');
    }
    await Promise.all(stopping.map((process) => process.child.stop()));
  }

  return {
    clock,
    start: (spec) => startProcess(spec, (clockByUs) => launchOwn(spec, clockByUs)),
    async startProgram(spec) {
      await startProcess({ readyWithinUs: serviceWithinUs, ...spec }, (clockByUs) => launchProgram(spec, clockByUs));
    },
    async startContainer(spec) {
      const { on, ...options } = spec;
      const network = on === 'peers' ? await scratch.network() : on;
      const start = containerLauncher({ ...options, label: scratch.watchContainers(), ...(network && { network }) });
      await startProcess({ readyWithinUs: serviceWithinUs, ...spec }, (clockByUs) => start(shifted(clockByUs)));
    },
    cutOff: (name) => networksOf(name).leave(),
    rejoin: (name) => networksOf(name).join(),
    async tellTime(tell) {
      keepers.push(tell);
      await tell(origin);
    },
    startLoad(epochUs, leadUs) {
      if (clock.nowUs() > epochUs) {
        throw new HarnessError(
          `loading history took longer than the lull before the load, ${(epochUs - options.lullStartUs) / 1e6} s`,
        );
      }
      origin = { epochUs, zeroNs: monotonicNs() + BigInt(leadUs) * 1000n };
      clock.set(origin);
      for (const { child, clockByUs } of supervised.values()) child.setClock(shifted(clockByUs));
      for (const tell of keepers) tell(origin).catch(giveUp);
    },
    kill,
    async hold(name) {
      processOf(name).held = true;
      const last = told.lastEvent(name);
      return last?.kind === 'exited' ? last : kill(name);
    },
    async release(name) {
      const process = processOf(name);
      if (process.stopping) return;
      if (process.held && !told.isRunning(name)) startAgain(process);
      process.held = false;
      if (told.lastEvent(name)?.kind === 'ready') return;
      const withinUs = process.spec.readyWithinUs ?? readyWithinUs;
      if (!(await told.waitFor(name, 'ready', told.eventCount(), withinUs))) throw notReadyAgain(name, withinUs);
    },
    pause(name) {
      // Who stands still would not hear that it is to end.
      if (!processOf(name).stopping) processOf(name).child.signal('SIGSTOP');
    },
    resume: (name) => processOf(name).child.signal('SIGCONT'),
    isPaused: (name) => processOf(name).child.isPaused(),
    shiftClock(name, byUs) {
      const process = processOf(name);
      process.clockByUs = byUs;
      process.child.setClock(shifted(byUs));
    },
    send: (name, kind, body) => processOf(name).child.tell(kind, body),
    ...told,
    givenUp,
    stop,
    async stopAll() {
      sampling = 'over';
      // Last in, first out: clients end before the servers they talk to.
      for (const kind of ['load', 'role', 'server'] as const) {
        await stop([...supervised.values()].filter(({ spec }) => spec.kind === kind).map(({ spec }) => spec.name));
      }
      end();
    },
    lastWords: (kind) =>
      [...supervised.values()]
        .filter(({ spec }) => spec.kind === kind)
        .map(({ spec, death, words, child }) => {
          const said = (child.stderr().trim() || words).split('\n').slice(-lastLines).join('\n');
          const how = death === null ? '' : ` ended by itself (${death})`;
          if (!how && !said) return '';
          return `${spec.name}${how}${said ? `${how ? '; its' : ': its'} last words:\n${said}` : ''}`;
        })
        .filter((text) => text !== '')
        .join('\n'),
    processes: () =>
      [...supervised.values()].map(({ spec, child, startedHostUs, readyAfterUs, exit, restarts }) => ({
        name: spec.name,
        kind: spec.kind,
        pid: child.pid,
        startedHostUs,
        readyAfterUs,
        exit,
        restarts,
      })),
    usage: () => {
      const [atUs, process, cpuUs, rssBytes, readBytes, writeBytes] = samples as [
        number[],
        number[],
        number[],
        number[],
        number[],
        number[],
      ];
      return {
        rows: atUs.length,
        atUs: Float64Array.from(atUs),
        process: Uint32Array.from(process),
        cpuUs: Float64Array.from(cpuUs),
        rssBytes: Float64Array.from(rssBytes),
        readBytes: Float64Array.from(readBytes),
        writeBytes: Float64Array.from(writeBytes),
      };
    },
  };
}
