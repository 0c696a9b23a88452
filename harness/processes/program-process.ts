/**
 * A program that others wrote as a process of a run, with the face of one of our own. It knows neither our messages nor
 * our clock: it is ready when its protocol says so, ends by signals, and is the leader of a group, so that what it
 * started itself ends with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { type ClockOrigin, hostClock, monotonicUs } from '../clock.js';
import { type Exit, type StartedChild, stderrBytes } from './child-process.js';
import { goBeforeFair, nicenessOf, type Precedence } from './precedence.js';
import { enterService } from './service.js';
import { isStopped, readUsage } from './usage.js';

/** What is spawned: a program and its arguments, as they are; there is no shell. */
export interface Spawn {
  readonly command: string;
  readonly args: readonly string[];
  /** Beside what it inherits. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Absent: the user of the harness. Only root may name another. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** A server that others wrote, wherever it runs. */
export interface ServerOptions {
  readonly name: string;
  readonly spawn: Spawn;
  /** Asks the protocol, not the socket; false while nobody answers. */
  isReady(): Promise<boolean>;
  /** Tells a server that keeps event time where it stands: when it is ready, and whenever that changes. */
  readonly setClock?: (origin: ClockOrigin) => Promise<void>;
  readonly origin: ClockOrigin;
  readonly readyWithinUs?: number;
}

export interface ProgramOptions extends ServerOptions {
  /** Absent: the harness's own. */
  readonly precedence?: Precedence;
}

export function startProgramProcess(options: ProgramOptions): StartedChild {
  const { name, precedence = 'load' } = options;
  const { command, args, env, cwd, user } = options.spawn;
  // nice(1) becomes the program, under the same number, before that has any thread that would keep the niceness of ours.
  const child = spawn('nice', ['-n', String(nicenessOf[precedence]), command, ...args], {
    cwd,
    env: { ...process.env, ...env },
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
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, atUs: monotonicUs(), failure: error.message }));
    child.once('exit', (code, signal) => resolve({ code, signal, atUs: monotonicUs() }));
  });
  const service = enterService(options, exited, () => words);
  // The thread that answers: by then the others are there, and keep their niceness.
  if (precedence === 'high') service.ready.then(() => goBeforeFair(child.pid ?? -1, 'main thread')).catch(() => {});
  return {
    name,
    pid: child.pid ?? -1,
    exited,
    ...service,
    signal: (signal) => signalGroup(child, signal),
    isPaused: () => isStopped(child.pid ?? -1),
    usage: () => readUsage(child.pid ?? -1),
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
