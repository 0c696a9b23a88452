/**
 * The supervisor of coroutines: the same as that of processes (processes/supervisor.ts), in virtual time. To kill one is
 * never to resume it, and what it had not yet handed to a port is gone; its successor starts after the restart delay.
 */
import { type Cancel, type ClockOrigin, clockOf, type SystemClock } from '../clock.js';
import { HarnessError, messageOf } from '../errors.js';
import { type Child, type ChildMain, createStop, createTold } from '../processes/child.js';
import { describeExit, type Exit } from '../processes/child-process.js';
import { createProcessEvents, type ProcessEvent } from '../processes/process-events.js';
import {
  blame,
  deathsUntilGivenUp,
  describeDeath,
  notReadyAgain,
  notThere,
  type ProcessSpec,
  readyWithinUs,
  type Supervisor,
  steadyUs,
} from '../processes/supervisor.js';
import type { ProcessFact } from '../record/facts.js';
import { asHarness, asRole } from './guard.js';
import type { VirtualTime } from './virtual-time.js';
import type { SimulatedProcess, World } from './world.js';

export interface SimulatedSupervisor extends Supervisor {
  /** The run cannot go on: `givenUp` rejects. */
  giveUp(error: Error): void;
}

interface Simulated {
  readonly spec: ProcessSpec;
  readonly index: number;
  process: SimulatedProcess;
  stop: AbortController;
  clockSet: () => void;
  /** Ends the wait for it to be ready. */
  cancelLate: Cancel;
  told: ReturnType<typeof createTold>;
  /** Close the files of the process. */
  closes: (() => Promise<unknown>)[];
  held: boolean;
  paused: boolean;
  clockByUs: number;
  stopping: boolean;
  exited: boolean;
  exit: string;
  restarts: number;
  deathsInARow: number;
  startedUs: number;
  readyAfterUs: number | null;
  /** Its latest death by itself, if any. */
  death: string | null;
  cpuBeforeUs: number;
  becomeReady: (info: unknown) => void;
  failToStart: (error: Error) => void;
}

/** Event time of a simulation: as the clock of processes, over virtual time. */
export function createEventClock(time: VirtualTime, lullStartUs: number) {
  let origin = { epochUs: lullStartUs, zeroUs: 0 };
  return {
    nowUs: () => origin.epochUs + Math.max(0, time.nowUs() - origin.zeroUs),
    startLoad(epochUs: number, leadUs: number) {
      origin = { epochUs, zeroUs: time.nowUs() + leadUs };
    },
  };
}
export type EventClock = ReturnType<typeof createEventClock>;

export function superviseSimulated(options: {
  readonly world: World;
  readonly eventClock: EventClock;
  readonly restartDelayUs: number;
  /** From one sample of use to the next. */
  readonly sampleEveryUs: number;
}): SimulatedSupervisor {
  const { world, eventClock, restartDelayUs, sampleEveryUs } = options;
  const { time } = world;
  const harness = world.begin('harness', eventClock.nowUs);
  const clock: SystemClock = Object.assign(harness.clock, {
    set: (_: ClockOrigin) => {
      throw new HarnessError('virtual time is set by startLoad only');
    },
    trueTime: harness.clock,
  });
  const simulated = new Map<string, Simulated>();
  const { tell, end, ...told } = createProcessEvents(time.after);
  const samples: { atUs: number; process: number; cpuUs: number }[] = [];
  const closing: Promise<unknown>[] = [];
  let isOver = false;
  let isLoading = false;
  let giveUp: (error: Error) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  givenUp.catch(() => {});

  const find = (name: string): Simulated => {
    const found = simulated.get(name);
    if (!found) throw new HarnessError(`there is no process ${name}`);
    return found;
  };

  function launch(entry: Simulated): void {
    const { spec } = entry;
    const process = world.begin(spec.name, () => eventClock.nowUs() + entry.clockByUs);
    const stop = createStop();
    entry.process = process;
    entry.stop = stop;
    entry.exited = false;
    entry.paused = false;
    entry.told = createTold();
    entry.closes = [];
    entry.startedUs = time.nowUs();
    const clockSet = isLoading
      ? Promise.resolve()
      : new Promise<void>((resolve) => {
          entry.clockSet = resolve;
        });
    tell({ atUs: eventClock.nowUs(), process: spec.name, kind: 'started' });
    const lateWithinUs = spec.readyWithinUs ?? readyWithinUs;
    entry.cancelLate = time.after(lateWithinUs, () => {
      entry.failToStart(blame(spec.kind, `${spec.name} was not ready within ${lateWithinUs / 1e6} s`));
      // It hangs; so it is ended, and that is its own death.
      die(entry, process, { code: null, signal: 'SIGKILL', atUs: time.nowUs() });
    });
    // What a process tells is heard by the supervisor, not by another role; of one that was killed nothing is heard.
    const heard = (work: () => void) => {
      if (entry.process === process && (!entry.exited || entry.stopping)) asHarness(work);
    };
    const child: Child = {
      clock: Object.assign(process.clock, {
        set: clock.set,
        trueTime: clockOf(eventClock.nowUs, process.clock.after),
      }),
      signal: stop.signal,
      stopped: new Promise((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true })),
      clockSet: process.task.wait('the start of the load', () => clockSet),
      ready: (info) =>
        heard(() => {
          entry.cancelLate();
          entry.readyAfterUs = time.nowUs() - entry.startedUs;
          tell({ atUs: eventClock.nowUs(), process: spec.name, kind: 'ready' });
          entry.becomeReady(info);
        }),
      report: (kind, body) => heard(() => spec.onReport?.(kind, body)),
      onTold: entry.told.listen,
      host: (work) => process.task.wait('files of the harness', () => time.host(work)),
      onGone: (close) => {
        if (entry.process === process) entry.closes.push(close);
      },
    };
    const main = spec.main as ChildMain<unknown> | undefined;
    if (!main) throw new HarnessError(`${spec.name} can only run as a process of its own, not in a simulation`);
    const run = () => main(spec.init(), child);
    (spec.kind === 'role' ? asRole(spec.name, run) : run()).then(
      () => die(entry, process, { code: 0, signal: null, atUs: time.nowUs() }),
      (error: unknown) => {
        if (stop.signal.aborted) return die(entry, process, { code: 0, signal: null, atUs: time.nowUs() });
        const failure = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
        die(entry, process, { code: 1, signal: null, atUs: time.nowUs(), failure });
      },
    );
  }

  /** `killed`: on purpose, by the supervisor. */
  function die(entry: Simulated, process: SimulatedProcess, exit: Exit, killed = false): void {
    if (entry.process !== process || entry.exited) return; // its predecessor, killed before
    const { spec } = entry;
    const isOwnDeath = !entry.stopping && !killed;
    entry.exited = true;
    entry.cancelLate();
    entry.paused = false;
    if (isOwnDeath) entry.death = describeExit(exit);
    entry.exit = describeExit(exit);
    entry.cpuBeforeUs += process.processor.busyUs();
    process.task.kill();
    // Whoever wrote there has said what failed, if it lived to.
    closing.push(...entry.closes.splice(0).map((close) => time.host(close).catch(() => {})));
    asHarness(() => {
      world.door.forget(process);
      tell({ atUs: eventClock.nowUs(), process: spec.name, kind: 'exited', exit });
    });
    if (entry.stopping || (!spec.restart && exit.code === 0)) return;
    if (time.nowUs() - entry.startedUs > steadyUs) entry.deathsInARow = 0;
    if (isOwnDeath) entry.deathsInARow++;
    if (!spec.restart || entry.deathsInARow > deathsUntilGivenUp) {
      const error = describeDeath(spec, exit, entry.deathsInARow, '');
      entry.failToStart(error);
      giveUp(error);
      return;
    }
    entry.restarts++;
    if (entry.held) return;
    time.after(restartDelayUs, () => {
      if (!entry.held && entry.exited) startAgain(entry);
    });
  }

  function startAgain(entry: Simulated): void {
    if (!entry.stopping) asHarness(() => launch(entry));
  }

  async function kill(name: string): Promise<ProcessEvent> {
    const entry = find(name);
    if (entry.exited) {
      const withinUs = entry.stopping || entry.held ? 0 : restartDelayUs;
      if (!(await told.waitFor(name, 'started', told.eventCount(), withinUs))) throw notThere(name);
    }
    die(entry, entry.process, { code: null, signal: 'SIGKILL', atUs: time.nowUs() }, true);
    return told.lastEvent(name) as ProcessEvent;
  }

  const cpuOf = ({ exited, process, cpuBeforeUs }: Simulated) =>
    cpuBeforeUs + (exited ? 0 : process.processor.busyUs());

  function sample(): void {
    const atUs = eventClock.nowUs();
    for (const entry of simulated.values()) samples.push({ atUs, process: entry.index, cpuUs: cpuOf(entry) });
    world.servers().forEach(({ busyUs }, i) => {
      samples.push({ atUs, process: simulated.size + i, cpuUs: busyUs });
    });
    if (!isOver) time.after(sampleEveryUs, sample);
  }

  async function stop(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const entry = find(name);
      entry.stopping = true;
      entry.stop.abort(new Error('stopped by the supervisor'));
      if (!entry.exited) die(entry, entry.process, { code: 0, signal: null, atUs: time.nowUs() });
    }
  }

  return {
    clock,
    async start(spec) {
      if (isOver) throw new HarnessError(`${spec.name} is not started: the run is over`);
      if (simulated.has(spec.name)) throw new HarnessError(`two processes are named ${spec.name}`);
      let becomeReady: (info: unknown) => void = () => {};
      let failToStart: (error: Error) => void = () => {};
      const ready = new Promise<unknown>((resolve, reject) => {
        becomeReady = resolve;
        failToStart = reject;
      });
      ready.catch(() => {});
      const entry: Simulated = {
        spec,
        index: simulated.size,
        process: harness,
        stop: new AbortController(),
        clockSet: () => {},
        cancelLate: () => {},
        told: createTold(),
        closes: [],
        held: false,
        paused: false,
        clockByUs: 0,
        stopping: false,
        exited: true,
        exit: '',
        restarts: 0,
        deathsInARow: 0,
        startedUs: 0,
        readyAfterUs: null,
        death: null,
        cpuBeforeUs: 0,
        becomeReady,
        failToStart,
      };
      simulated.set(spec.name, entry);
      launch(entry);
      return harness.task.wait(`${spec.name} to be ready`, () => ready);
    },
    startLoad(epochUs, leadUs) {
      if (eventClock.nowUs() > epochUs)
        throw new HarnessError('loading history took longer than the lull before the load');
      eventClock.startLoad(epochUs, leadUs);
      isLoading = true;
      for (const { clockSet } of simulated.values()) clockSet();
      sample();
    },
    kill,
    async hold(name) {
      find(name).held = true;
      const last = told.lastEvent(name);
      return last?.kind === 'exited' ? last : kill(name);
    },
    async release(name) {
      const entry = find(name);
      if (entry.stopping) return;
      if (entry.held && entry.exited) startAgain(entry);
      entry.held = false;
      if (told.lastEvent(name)?.kind === 'ready') return;
      if (!(await told.waitFor(name, 'ready', told.eventCount(), readyWithinUs)))
        throw notReadyAgain(name, readyWithinUs);
    },
    pause(name) {
      const entry = find(name);
      if (entry.exited) return;
      entry.paused = true;
      entry.process.task.pause();
    },
    resume(name) {
      const entry = find(name);
      entry.paused = false;
      entry.process.task.resume();
    },
    isPaused: async (name) => find(name).paused,
    shiftClock(name, byUs) {
      find(name).clockByUs = byUs;
    },
    send(name, kind, body) {
      const { told: hears, process } = find(name);
      time.after(0, () => hears.tell(kind, body), process.task);
    },
    ...told,
    givenUp,
    giveUp: (error) => giveUp(error),
    stop,
    async stopAll() {
      isOver = true;
      await stop([...simulated.keys()]);
      await Promise.all(closing);
      end();
    },
    lastWords: (kind) =>
      [...simulated.values()]
        .filter(({ spec, death }) => spec.kind === kind && death !== null)
        .map(({ spec, death }) => `${spec.name} ended by itself (${death})`)
        .join('\n'),
    processes: (): ProcessFact[] => [
      ...[...simulated.values()].map(({ spec, startedUs, readyAfterUs, exit, restarts }) => ({
        name: spec.name,
        kind: spec.kind,
        pid: 0,
        startedHostUs: startedUs,
        readyAfterUs,
        exit,
        restarts,
      })),
      ...world.servers().map(({ name }) => ({
        name,
        kind: 'server' as const,
        pid: 0,
        startedHostUs: 0,
        readyAfterUs: 0,
        exit: 'exit code 0',
        restarts: 0,
      })),
    ],
    usage: () => ({
      rows: samples.length,
      atUs: Float64Array.from(samples, ({ atUs }) => atUs),
      process: Uint32Array.from(samples, ({ process }) => process),
      cpuUs: Float64Array.from(samples, ({ cpuUs }) => cpuUs),
      // Memory and disks are not simulated: no figure is better than a guess.
      rssBytes: new Float64Array(samples.length).fill(Number.NaN),
      readBytes: new Float64Array(samples.length).fill(Number.NaN),
      writeBytes: new Float64Array(samples.length).fill(Number.NaN),
    }),
  };
}
