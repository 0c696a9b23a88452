/**
 * The only door to time. Everything inside planebench is integer microseconds.
 *
 * A run has one *event clock*. While history is loaded it runs in the lull between the last fact of history and the
 * first change; when the load starts it is set to the trace's epoch, so that a trace, whose times are absolute, can be
 * emitted at exactly the times written in it. It is set once, forward. All processes of a host read the same monotonic
 * source (`process.hrtime`, CLOCK_MONOTONIC), so their clocks agree without any synchronisation.
 */
export type Cancel = () => void;

export interface Clock {
  /** Event time now, integer microseconds since the Unix epoch; never goes back, unless a fault makes the clock wrong. */
  nowUs(): number;
  /** Calls back once, not before `durationUs` from now. */
  after(durationUs: number, callback: () => void): Cancel;
  /** Resolves not before `durationUs` from now; rejects with the signal's reason when aborted. */
  sleep(durationUs: number, signal?: AbortSignal): Promise<void>;
  /** Resolves when event time is `timeUs` or later, at once if it is; otherwise as `sleep`. */
  sleepUntil(timeUs: number, signal?: AbortSignal): Promise<void>;
}

/** Event time is `epochUs` at `zeroNs` on the host's monotonic clock, and before it; null: it stands at `epochUs`. */
export interface ClockOrigin {
  readonly epochUs: number;
  readonly zeroNs: bigint | null;
  /** By how much the clock shows more than event time, as a host without time synchronisation may; absent: it is right. */
  readonly offUs?: number;
}

export interface SystemClock extends Clock {
  /** Sets the clock to another origin, of a later time than it shows. */
  set(origin: ClockOrigin): void;
  /** Event time as it is, whatever a fault makes this clock show: for what the harness itself does inside a process. */
  readonly trueTime: Clock;
}

/** Host's monotonic time in nanoseconds. For the supervisor, which places event clocks; planes have `Clock`. */
export function monotonicNs(): bigint {
  return process.hrtime.bigint();
}

/** Host's monotonic time in microseconds, for durations that are no part of event time (start-up, loading). */
export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Calendar time, ISO 8601, for manifests only: no figure is ever computed from it. */
export function calendarTime(): string {
  return new Date().toISOString();
}

/** An event time in ISO 8601, to the microsecond, for those who read no integers. */
export function isoTime(timeUs: number): string {
  const micros = String(timeUs % 1000).padStart(3, '0');
  return new Date(Math.floor(timeUs / 1000)).toISOString().replace('Z', `${micros}Z`);
}

export function systemClock(initial: ClockOrigin): SystemClock {
  let origin = initial;
  return {
    ...clockOf(() => eventTimeUs(origin) + (origin.offUs ?? 0), after),
    trueTime: clockOf(() => eventTimeUs(origin), after),
    set(next) {
      const wasUs = eventTimeUs(origin);
      if (eventTimeUs(next) < wasUs) throw new Error('an event clock is never set back');
      origin = next;
    },
  };
}

function eventTimeUs({ epochUs, zeroNs }: ClockOrigin): number {
  if (zeroNs === null) return epochUs;
  return epochUs + Math.max(0, Number((process.hrtime.bigint() - zeroNs) / 1000n));
}

/** A clock of durations for code outside a run's event time: time-outs of servers, supervisors and clients. */
export const hostClock: Clock = clockOf(monotonicUs, after);

/** A clock over any source of time. */
export function clockOf(nowUs: Clock['nowUs'], callAfter: Clock['after']): Clock {
  return {
    nowUs,
    after: callAfter,
    sleep: (durationUs, signal) => sleepBy(callAfter, durationUs, signal),
    sleepUntil: (timeUs, signal) => sleepUntilBy(nowUs, callAfter, timeUs, signal),
  };
}

function after(durationUs: number, callback: () => void): Cancel {
  const timer = setTimeout(callback, Math.max(0, Math.ceil(durationUs / 1000)));
  return () => clearTimeout(timer);
}

/** Timers fire early by a fraction of a millisecond at times, and event time stands before it begins: so look again. */
async function sleepUntilBy(
  nowUs: Clock['nowUs'],
  callAfter: Clock['after'],
  timeUs: number,
  signal?: AbortSignal,
): Promise<void> {
  for (let leftUs = timeUs - nowUs(); leftUs > 0; leftUs = timeUs - nowUs()) await sleepBy(callAfter, leftUs, signal);
}

/** Sleep as every clock has it, over that clock's own `after`. */
function sleepBy(after: Clock['after'], durationUs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = after(durationUs, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** One after the other, in the order in which they are asked for; a failure is told to whoever asked, and holds up nobody. */
export function takeTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
}

/**
 * Aborts with a TimeoutError when the time is over, unless it was cleared before. A signal of `AbortSignal.timeout` keeps all
 * that hangs on it until then: of a thousand calls a second, each of which may take two, the collector moved two thousand
 * about again and again, and stopped their caller for 5 to 10 ms each time.
 */
export function timeLimit(
  { after }: Pick<Clock, 'after'>,
  durationUs: number,
): { readonly signal: AbortSignal; readonly clear: Cancel } {
  const controller = new AbortController();
  const clear = after(durationUs, () =>
    controller.abort(new DOMException(`no answer within ${durationUs / 1000} ms`, 'TimeoutError')),
  );
  return { signal: controller.signal, clear };
}

/** Rejects with `error()` if `work` has not settled after `durationUs`; the work itself is not stopped. */
export async function withDeadline<T>(
  clock: Clock,
  durationUs: number,
  work: Promise<T>,
  error: () => Error,
): Promise<T> {
  let cancel: Cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(durationUs, () => reject(error()));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}
