/**
 * A program that others wrote as a process of a run, with the face of one of our own. It knows neither our messages nor
 * our clock: it is ready when its protocol says so, ends by signals, and is the leader of a group, so that what it
 * started itself ends with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { type ClockOrigin, hostClock, monotonicUs } from '../clock.js';
import { HarnessError } from '../errors.js';
import { describeExit, type Exit, lastWordsOf, type StartedChild, stderrBytes } from './child-process.js';

/** What is spawned: a program and its arguments, as they are; there is no shell. */
export interface Spawn {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Absent: the user of the harness. Only root may name another. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export interface ProgramOptions {
  readonly name: string;
  readonly spawn: Spawn;
  /** Asks the protocol, not the socket; false while nobody answers. */
  isReady(): Promise<boolean>;
  /** Tells a server that keeps event time where it stands: when it is ready, and whenever that changes. */
  readonly setClock?: (origin: ClockOrigin) => Promise<void>;
  readonly origin: ClockOrigin;
  readonly niceness?: number;
  readonly readyWithinUs?: number;
}

const askEveryUs = 20_000;

export function startProgramProcess(options: ProgramOptions): StartedChild {
  // A JVM takes its time where others compute, too.
  const { name, niceness = 0, readyWithinUs = 60_000_000 } = options;
  const { command, args, env, cwd, user } = options.spawn;
  // nice(1) becomes the program, under the same number, before that has any thread that would keep the niceness of ours.
  const child = spawn('nice', ['-n', String(niceness), command, ...args], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  });
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-stderrBytes);
    });
  }
  const said = () => lastWordsOf(words);
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, atUs: monotonicUs(), failure: error.message }));
    child.once('exit', (code, signal) => resolve({ code, signal, atUs: monotonicUs() }));
  });
  let isGone = false;
  void exited.then(() => {
    isGone = true;
  });
  let { origin } = options;
  let isServing = false;
  const tellClock = async () => {
    for (let told: ClockOrigin | null = null; told !== origin && !isGone; ) {
      told = origin;
      await options.setClock?.(told);
    }
  };

  const untilReady = async () => {
    const lateUs = monotonicUs() + readyWithinUs;
    while (!isGone && !(await options.isReady())) {
      if (monotonicUs() > lateUs)
        throw new HarnessError(`${name} was not ready within ${readyWithinUs / 1e6} s${said()}`);
      await hostClock.sleep(askEveryUs);
    }
    await tellClock();
    if (isGone) throw new HarnessError(`${name} ended before it was ready (${describeExit(await exited)})${said()}`);
    isServing = true;
    return null;
  };
  const ready = untilReady();
  ready.catch(() => {});

  return {
    name,
    pid: child.pid ?? -1,
    ready,
    exited,
    // What it writes while it serves is its log, and says nothing of a failure.
    stderr: () => (isServing && !isGone ? '' : words),
    onReport() {},
    setClock(next) {
      origin = next;
      // One that cannot be told now is told when it, or its successor, is ready.
      if (isServing) tellClock().catch(() => {});
    },
    tell() {},
    signal: (signal) => signalGroup(child, signal),
    async stop(graceUs = 5_000_000) {
      signalGroup(child, 'SIGTERM');
      const cancel = hostClock.after(graceUs, () => signalGroup(child, 'SIGKILL'));
      const exit = await exited;
      cancel();
      return exit;
    },
  };
}

function signalGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
