/** A process of a run, seen from the supervisor: forked, initialised, watched, stopped or killed. */
import { type ChildProcess, fork } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ClockOrigin, hostClock, monotonicUs, withDeadline } from '../clock.js';
import { HarnessError, UsageError } from '../errors.js';
import type { Answered, FromChild, ToChild } from './child.js';
import type { Precedence } from './precedence.js';
import type { Scratch } from './scratch.js';
import { isStopped, readUsage, type Usage } from './usage.js';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Monotonic host time. */
  readonly atUs: number;
  /** What the process said when it failed by itself. */
  readonly failure?: string;
}

/** What is done to a process on purpose: it is killed, it stands still, it goes on. */
export type FaultSignal = 'SIGKILL' | 'SIGSTOP' | 'SIGCONT';

export interface StartedChild {
  readonly name: string;
  /** -1 where the system has no number for it, or not yet. */
  readonly pid: number;
  /** What the process passed to `ready`; rejects if it died or was not ready in time. */
  readonly ready: Promise<unknown>;
  /** Resolves, never rejects, when the process is gone. */
  readonly exited: Promise<Exit>;
  /** Last lines of its stderr. */
  stderr(): string;
  onReport(listener: (kind: string, body: unknown) => void): void;
  setClock(origin: ClockOrigin): void;
  tell(kind: string, body: unknown): void;
  signal(signal: FaultSignal): void;
  /** Whether it stands still, by what the operating system or the container runtime says. */
  isPaused(): Promise<boolean>;
  /** Of a container, which may be off them for a while; absent: it has none of its own. */
  readonly networks?: { leave(): Promise<void>; join(): Promise<void> };
  /** What it has used since it was started; null when it is gone, or where that cannot be known. */
  usage(): Promise<Usage | null>;
  /** Asks it to end, kills it after `graceUs`; resolves when it is gone. */
  stop(graceUs?: number): Promise<Exit>;
}

export interface ChildOptions {
  readonly name: string;
  /** A built module that calls `runChild`. */
  readonly module: URL;
  readonly init: unknown;
  readonly origin: ClockOrigin;
  /** Absent: the harness's own. */
  readonly precedence?: Precedence;
  readonly readyWithinUs?: number;
  readonly execArgv?: readonly string[];
}

export const stderrBytes = 8_192;

export function startChild(options: ChildOptions): StartedChild {
  const child = fork(options.module, {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [...(options.execArgv ?? [])],
    env: { NODE_COMPILE_CACHE: moduleCache(), ...process.env },
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrBytes);
  });
  let failure: string | undefined;
  const listeners: ((kind: string, body: unknown) => void)[] = [];
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, atUs: monotonicUs(), failure: error.message }));
    child.once('exit', (code, signal) =>
      resolve({ code, signal, atUs: monotonicUs(), ...(failure === undefined ? {} : { failure }) }),
    );
  });
  const firstReady = new Promise<unknown>((resolve, reject) => {
    child.on('message', (message: FromChild) => {
      if (message.type === 'ready') resolve(message.info);
      else if (message.type === 'failed') failure = message.stack || message.message;
      else for (const listener of listeners) listener(message.kind, message.body);
    });
    exited.then((exit) =>
      reject(
        new HarnessError(`${options.name} ended before it was ready (${describeExit(exit)})${lastWordsOf(stderr)}`),
      ),
    );
  });
  const withinUs = options.readyWithinUs ?? 30_000_000;
  const ready = withDeadline(
    hostClock,
    withinUs,
    firstReady,
    () => new HarnessError(`${options.name} was not ready within ${withinUs / 1e6} s${lastWordsOf(stderr)}`),
  );
  ready.catch(() => {});
  send(child, {
    type: 'init',
    init: options.init,
    origin: options.origin,
    precedence: options.precedence ?? null,
  });
  return {
    name: options.name,
    pid: child.pid ?? -1,
    ready,
    exited,
    stderr: () => stderr,
    onReport: (listener) => listeners.push(listener),
    setClock: (next) => send(child, { type: 'set-clock', origin: next }),
    tell: (kind, body) => send(child, { type: 'tell', kind, body }),
    signal: (signal) => child.kill(signal),
    isPaused: () => isStopped(child.pid ?? -1),
    usage: () => readUsage(child.pid ?? -1),
    async stop(graceUs = 5_000_000) {
      send(child, { type: 'stop' });
      const cancel = hostClock.after(graceUs, () => child.kill('SIGKILL'));
      const exit = await exited;
      cancel();
      return exit;
    },
  };
}

/**
 * Where Node, from 22.1 on, keeps the code of modules that it has compiled: whoever is started again after a crash is at work
 * that much sooner, as a service is that was deployed with care. In a folder that is the user's own, since code comes from it.
 */
function moduleCache(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'planebench', 'modules');
}

/**
 * What a process answers that is started for this alone (`answerOnce`): it is gone then, with all that it held. It is killed
 * when `signal` aborts. Rejects with the UsageError that it met, or, of one that ended otherwise, with its last words.
 */
export async function askChild<Answer>(
  options: Omit<ChildOptions, 'origin'> & { readonly signal?: AbortSignal },
  scratch: Scratch,
): Promise<Answer> {
  const { signal, ...started } = options;
  const child = startChild({ ...started, origin: { epochUs: 0, zeroNs: null } });
  scratch.watch(child.pid);
  const abort = () => child.signal('SIGKILL');
  signal?.addEventListener('abort', abort);
  try {
    const answered = (await child.ready) as Answered<Answer>;
    if (answered.outcome === 'refused') throw new UsageError(answered.message);
    return answered.answer;
  } finally {
    signal?.removeEventListener('abort', abort);
    await child.stop();
    scratch.forget(child.pid);
  }
}

/** The end of an error's sentence; nothing for one that said nothing. */
export function lastWordsOf(stderr: string): string {
  return stderr ? `; its last words:\n${stderr.trim()}` : '';
}

export function describeExit(exit: Exit): string {
  const how = exit.signal ? `killed by ${exit.signal}` : exit.code === null ? 'not started' : `exit code ${exit.code}`;
  return exit.failure ? `${how}: ${exit.failure}` : how;
}

function send(child: ChildProcess, message: ToChild): void {
  if (child.connected) child.send(message, () => {});
}
