/** What happened to the processes of a run, in order, and the wait for what is to come. */
import type { Clock } from '../clock.js';
import type { Exit } from './child-process.js';

/** What happened to a process, in event time. */
export interface ProcessEvent {
  readonly atUs: number;
  readonly process: string;
  readonly kind: 'started' | 'ready' | 'exited';
  readonly exit?: Exit;
}

/** What a supervisor tells of it. */
export interface ToldEvents {
  /** How many events there have been: for `waitFor`, as event time stands for a moment before the load. */
  eventCount(): number;
  /** What happened to the process last; null: it was never started. */
  lastEvent(name: string): ProcessEvent | null;
  /** Whether it was gone at some time after the first `since` events. */
  hasExited(name: string, since: number): boolean;
  /** Whether it was started and is not gone. */
  isRunning(name: string): boolean;
  /** The first event of this kind of this process after the first `since` events, already there or to come; null: none in time. */
  waitFor(name: string, kind: ProcessEvent['kind'], since: number, withinUs: number): Promise<ProcessEvent | null>;
}

export interface ProcessEvents extends ToldEvents {
  tell(event: ProcessEvent): void;
  /** Nothing will happen any more: every wait is over, and no later one begins. */
  end(): void;
}

/** `after` ends the waits for what does not come. */
export function createProcessEvents(after: Clock['after']): ProcessEvents {
  const events: ProcessEvent[] = [];
  const waiting = new Set<(event: ProcessEvent | null) => void>();
  let isOver = false;
  const lastEvent = (name: string) => events.findLast(({ process }) => process === name) ?? null;
  return {
    tell(event) {
      events.push(event);
      for (const listener of [...waiting]) listener(event);
    },
    eventCount: () => events.length,
    end() {
      isOver = true;
      for (const listener of [...waiting]) listener(null);
    },
    lastEvent,
    isRunning(name) {
      const last = lastEvent(name);
      return last !== null && last.kind !== 'exited';
    },
    hasExited: (name, since) => events.slice(since).some(({ process, kind }) => process === name && kind === 'exited'),
    waitFor(name, kind, since, withinUs) {
      const matches = (event: ProcessEvent) => event.process === name && event.kind === kind;
      const already = events.slice(since).find(matches);
      if (already || isOver) return Promise.resolve(already ?? null);
      return new Promise((resolve) => {
        const settle = (event: ProcessEvent | null) => {
          waiting.delete(listener);
          cancel();
          resolve(event);
        };
        const listener = (event: ProcessEvent | null) => {
          if (event === null || matches(event)) settle(event);
        };
        const cancel = after(withinUs, () => settle(null));
        waiting.add(listener);
      });
    },
  };
}
