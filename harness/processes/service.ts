/** How a server that others wrote enters service, wherever it runs: asked until it answers, told where event time stands. */
import { type ClockOrigin, hostClock, monotonicUs } from '../clock.js';
import { HarnessError } from '../errors.js';
import { describeExit, type Exit, lastWordsOf, type StartedChild } from './child-process.js';
import type { ServerOptions } from './program-process.js';

const askEveryUs = 20_000;
/** A JVM takes its time where others compute, too: three brokers on two busy cores more than a minute. */
export const serviceWithinUs = 120_000_000;

/** What of a child it can do; `words` is what it has written so far. It knows none of our messages. */
export function enterService(
  options: Omit<ServerOptions, 'spawn'>,
  exited: Promise<Exit>,
  words: () => string,
): Pick<StartedChild, 'ready' | 'stderr' | 'onReport' | 'setClock' | 'tell'> {
  const { name, readyWithinUs = serviceWithinUs } = options;
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
  /** One that serves and does not answer for once would have the wrong time until the end. */
  const tellAgain = async (next: ClockOrigin) => {
    while (!isGone && origin === next) {
      try {
        return await tellClock();
      } catch {
        await hostClock.sleep(askEveryUs);
      }
    }
  };
  const said = () => lastWordsOf(words());
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
    ready,
    // What it writes while it serves is its log, and says nothing of a failure.
    stderr: () => (isServing && !isGone ? '' : words()),
    onReport() {},
    setClock(next) {
      origin = next;
      // One that is not ready is told when it, or its successor, is.
      if (isServing) void tellAgain(next);
    },
    tell() {},
  };
}
