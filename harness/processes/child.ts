/**
 * A process of a run, seen from inside: how servers, roles and load generators talk to the supervisor that forked them.
 * A child does its work until its signal aborts, and dies at once when its parent is gone, whatever killed the parent.
 */
import { setMaxListeners } from 'node:events';
import { type ClockOrigin, type SystemClock, systemClock } from '../clock.js';
import { HarnessError, messageOf, PlaneError, UsageError } from '../errors.js';
import { type Precedence, takePrecedence } from './precedence.js';

/** Parent to child. */
export type ToChild =
  | {
      readonly type: 'init';
      readonly init: unknown;
      readonly origin: ClockOrigin;
      readonly precedence: Precedence | null;
    }
  | { readonly type: 'set-clock'; readonly origin: ClockOrigin }
  | { readonly type: 'tell'; readonly kind: string; readonly body: unknown }
  | { readonly type: 'stop' };

/** Child to parent. */
export type FromChild =
  | { readonly type: 'ready'; readonly info: unknown }
  | { readonly type: 'report'; readonly kind: string; readonly body: unknown }
  | { readonly type: 'failed'; readonly message: string; readonly stack: string };

export interface Child {
  readonly clock: SystemClock;
  /** Aborts when the supervisor asks the process to stop. */
  readonly signal: AbortSignal;
  /** Resolves then: all that a server waits for. */
  readonly stopped: Promise<void>;
  /** Resolves when the event clock has been set to the start of the load. */
  readonly clockSet: Promise<void>;
  ready(info: unknown): void;
  report(kind: string, body: unknown): void;
  /** Hears what the supervisor tells it while it runs, and, the first listener, what it was told until now. */
  onTold(listener: ToldListener): void;
  /**
   * Work of the harness on files and modules. Here it simply runs; where time is virtual, time stands still for it.
   */
  host<T>(work: () => Promise<T> | T): Promise<T>;
  /**
   * Called when the process is gone, however it ended: to close files. Of a real process the operating system closes
   * them, and it is not called; a simulated one that is stopped in the middle does not come to its own end.
   */
  onGone(close: () => Promise<unknown>): void;
}

/** A child waits in each of its loops, and for each partition, until it is stopped: for Node so many listeners are a leak. */
export function createStop(): AbortController {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  return stop;
}

/** What a child does: its process ends when this does. */
export type ChildMain<Init> = (init: Init, child: Child) => Promise<void>;

/**
 * The main of every child process: waits for its `init`, runs `main`, exits when it returns (0) or throws (1, after
 * telling the parent why).
 */
export function runChild<Init>(main: ChildMain<Init>): void {
  if (!process.send) {
    process.stderr.write('This file is started by the planebench supervisor, not by hand.\n');
    process.exit(3);
  }
  const stop = createStop();
  let clock: SystemClock | undefined;
  let set: () => void = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const clockSet = new Promise<void>((resolve) => {
    set = resolve;
  });
  const told = createTold();
  process.on('disconnect', () => process.exit(1));
  // Ctrl-C reaches the whole process group; the supervisor decides when its children stop.
  process.on('SIGINT', () => {});
  process.on('message', async (message: ToChild) => {
    switch (message.type) {
      case 'init': {
        clock = systemClock(message.origin);
        const child: Child = {
          clock,
          signal: stop.signal,
          stopped,
          clockSet,
          ready: (info) => send({ type: 'ready', info }),
          report: (kind, body) => send({ type: 'report', kind, body }),
          onTold: told.listen,
          host: async (work) => work(),
          onGone: () => {},
        };
        try {
          if (message.precedence) await takePrecedence(message.precedence);
          await main(message.init as Init, child);
          exit(0);
        } catch (error) {
          if (stop.signal.aborted) return exit(0);
          send({ type: 'failed', message: messageOf(error), stack: stackOf(error) });
          exit(1);
        }
        return;
      }
      case 'set-clock':
        clock?.set(message.origin);
        set();
        return;
      case 'tell':
        told.tell(message.kind, message.body);
        return;
      case 'stop':
        stop.abort(new Error('stopped by the supervisor'));
    }
  });
}

/** What a process says that is started for one answer. */
export type Answered<Answer> =
  | { readonly outcome: 'answered'; readonly answer: Answer }
  /** What it was asked was wrong, and how. */
  | { readonly outcome: 'refused'; readonly message: string };

/** The main of such a process; `askChild` starts it. */
export function answerOnce<Init, Answer>(work: (init: Init) => Promise<Answer>): void {
  const answered = async (init: Init): Promise<Answered<Answer>> => {
    try {
      return { outcome: 'answered', answer: await work(init) };
    } catch (error) {
      if (error instanceof UsageError) return { outcome: 'refused', message: error.message };
      throw error;
    }
  };
  runChild<Init>(async (init, child) => child.ready(await answered(init)));
}

export type ToldListener = (kind: string, body: unknown) => void;

/** What a process is told waits for whoever listens first: a role that loads its module must not miss it. */
export function createTold(): { tell: ToldListener; listen(listener: ToldListener): void } {
  const listeners: ToldListener[] = [];
  let unheard: Parameters<ToldListener>[] = [];
  return {
    tell(kind, body) {
      if (listeners.length === 0) unheard.push([kind, body]);
      for (const listener of listeners) listener(kind, body);
    },
    listen(listener) {
      listeners.push(listener);
      const now = unheard;
      unheard = [];
      for (const [kind, body] of now) listener(kind, body);
    },
  };
}

/** Where it came from; of an error that is a sentence for the reader nobody asks. */
function stackOf(error: unknown): string {
  const isSentence = [UsageError, HarnessError, PlaneError].some((kind) => error instanceof kind);
  return error instanceof Error && !isSentence ? (error.stack ?? '') : '';
}

function send(message: FromChild): void {
  if (process.connected) process.send?.(message);
}

/** Exits after the channel has drained, so that the last message is not lost. */
function exit(code: number): void {
  process.exitCode = code;
  if (!process.connected) process.exit(code);
  process.removeAllListeners('disconnect');
  process.once('disconnect', () => process.exit(code));
  process.send?.({ type: 'report', kind: 'exit', body: code } satisfies FromChild, () => process.disconnect());
}
