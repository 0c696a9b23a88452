/**
 * Virtual time: sleeps wait in one queue, ordered by time and then by the order in which they were asked for, and are
 * released one at a time, each only when nothing else can go on. So a run is a function of its seed, and half an hour
 * takes seconds. Coroutines belong to tasks; a task that was killed is never resumed, one that is paused not until later.
 */
import type { Cancel } from '../clock.js';
import { HarnessError } from '../errors.js';
import { asHarness } from './guard.js';

export interface VirtualTime {
  /** Microseconds since the simulation began. */
  nowUs(): number;
  /** Calls back at its time, unless the task is dead then; when it is paused, as soon as it is resumed. */
  after(durationUs: number, callback: () => void, task?: Task): Cancel;
  /**
   * Work of the harness that takes real time (files, DuckDB): virtual time stands still meanwhile. One piece of work at
   * a time, in the order in which they were asked for, so that the disk's speed decides nothing.
   */
  host<T>(work: () => Promise<T> | T): Promise<T>;
  /** Begins a task: whose sleeps and waits can be dropped or held back together. */
  task(name: string): Task;
  /**
   * Runs until `main` is done. Rejects with its error, or when nobody can ever go on: a deadlock, with who waits for what;
   * `onDeadlock` is told first, and may make somebody go on.
   */
  run<T>(main: () => Promise<T>, onDeadlock?: (error: HarnessError) => void): Promise<T>;
}

export interface Task {
  readonly name: string;
  /**
   * What `work` answers, if the task still lives by then; never settles otherwise. `what` says in a deadlock what the
   * task was waiting for.
   */
  wait<T>(what: string, work: () => Promise<T>): Promise<T>;
  kill(): void;
  pause(): void;
  resume(): void;
}

interface Sleep {
  readonly atUs: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/** Lets every promise that can settle do so: a tick comes after all microtasks, and costs no turn of the event loop. */
const settle = () => new Promise<void>((resolve) => process.nextTick(resolve));
/** What the harness writes behind the simulation needs such turns from time to time. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const stepsPerTurn = 256;

export function createVirtualTime(): VirtualTime {
  const queue = createQueue();
  const tasks = new Set<LiveTask>();
  let now = 0;
  let order = 0;
  let hosted = 0;
  let lastHosted: Promise<unknown> = Promise.resolve();

  const time: VirtualTime = {
    nowUs: () => now,
    after(durationUs, callback, task) {
      const inTask = task as LiveTask | undefined;
      const sleep: Sleep = {
        atUs: now + Math.max(0, Math.ceil(durationUs)),
        order: order++,
        callback: inTask ? () => inTask.perform(callback) : callback,
        cancelled: false,
      };
      queue.add(sleep);
      return () => {
        sleep.cancelled = true;
      };
    },
    host<T>(work: () => Promise<T> | T): Promise<T> {
      hosted++;
      const answer = lastHosted.then(() => asHarness(work));
      const done = () => {
        hosted--;
      };
      lastHosted = answer.then(done, done);
      // Nobody hears of it before the next piece of work may begin: the order of answers is that of the questions.
      return lastHosted.then(() => answer);
    },
    task(name) {
      const task = createTask(name, tasks);
      tasks.add(task);
      return task;
    },
    async run(main, onDeadlock) {
      let over = false;
      let told = false;
      const result = main().finally(() => {
        over = true;
      });
      result.catch(() => {});
      for (let step = 0; ; step++) {
        await (step % stepsPerTurn === 0 ? turn() : settle());
        while (hosted > 0) {
          await lastHosted;
          await settle();
        }
        if (over) return result;
        const next = queue.next();
        if (!next) {
          const deadlock = new HarnessError(describeDeadlock(now, tasks));
          if (told || !onDeadlock) throw deadlock;
          told = true;
          onDeadlock(deadlock);
          continue;
        }
        now = next.atUs;
        next.callback();
      }
    },
  };
  return time;
}

function describeDeadlock(nowUs: number, tasks: ReadonlySet<LiveTask>): string {
  const waits = [...tasks].filter(({ state }) => state !== 'dead').map((task) => task.describe());
  return `virtual deadlock ${nowUs / 1e6} s after the start of the simulation: nobody sleeps and nobody can go on. ${waits.join('; ') || 'There is no task'}`;
}

interface LiveTask extends Task {
  readonly state: 'running' | 'paused' | 'dead';
  perform(callback: () => void): void;
  describe(): string;
}

function createTask(name: string, tasks: Set<LiveTask>): LiveTask {
  let state: LiveTask['state'] = 'running';
  let heldBack: (() => void)[] = [];
  const waits = new Map<number, string>();
  let number = 0;
  const task: LiveTask = {
    name,
    get state() {
      return state;
    },
    perform(callback) {
      if (state === 'running') callback();
      else if (state === 'paused') heldBack.push(callback);
    },
    wait(what, work) {
      if (state === 'dead') return new Promise(() => {});
      const own = number++;
      waits.set(own, what);
      return new Promise((resolve, reject) => {
        const settled = (callback: () => void) => {
          waits.delete(own);
          task.perform(callback);
        };
        work().then(
          (value) => settled(() => resolve(value)),
          (error: unknown) => settled(() => reject(error)),
        );
      });
    },
    kill() {
      state = 'dead';
      heldBack = [];
      tasks.delete(task);
    },
    pause() {
      if (state === 'running') state = 'paused';
    },
    resume() {
      if (state !== 'paused') return;
      state = 'running';
      const now = heldBack;
      heldBack = [];
      for (const callback of now) callback();
    },
    describe() {
      const counts = new Map<string, number>();
      for (const what of waits.values()) counts.set(what, (counts.get(what) ?? 0) + 1);
      const what = [...counts].map(([wait, count]) => (count > 1 ? `${wait} (${count} times)` : wait)).join(', ');
      return `${name}${state === 'paused' ? ', which is paused,' : ''} waits for ${what || 'nothing that the simulation knows of'}`;
    },
  };
  return task;
}

interface SleepQueue {
  add(sleep: Sleep): void;
  /** The earliest that was not cancelled; undefined: none. */
  next(): Sleep | undefined;
}

/** A binary heap. */
function createQueue(): SleepQueue {
  const heap: Sleep[] = [];
  const before = (a: Sleep, b: Sleep) => a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
  const pop = (): Sleep | undefined => {
    const top = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || !last) return top;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && before(heap[right] as Sleep, heap[left] as Sleep) ? right : left;
      if (!before(heap[child] as Sleep, last)) break;
      heap[at] = heap[child] as Sleep;
      at = child;
    }
    heap[at] = last;
    return top;
  };
  return {
    add(sleep) {
      let at = heap.length;
      heap.push(sleep);
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!before(sleep, heap[parent] as Sleep)) break;
        heap[at] = heap[parent] as Sleep;
        at = parent;
      }
      heap[at] = sleep;
    },
    next() {
      for (;;) {
        const sleep = pop();
        if (!sleep?.cancelled) return sleep;
      }
    },
  };
}
