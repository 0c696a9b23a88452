/**
 * The way of one partition's entries into the change log. While all goes well they follow each other without waiting. One
 * that was not acknowledged is tried again until it is, as a CDC connector that keeps its position; those behind it wait,
 * so that they go in as they came. What had been sent behind it before its failure was known may have overtaken it.
 */
import { backoffUs } from '../backoff.js';
import type { Clock } from '../clock.js';
import type { Random } from '../random.js';
import { trackInflight } from './inflight.js';

export interface Entry {
  readonly slotUs: number;
  readonly partition: number;
  readonly block: Uint8Array;
}

/** Resolves when the entry was acknowledged (true), or given up (false). Entries come in order of their slots. */
export type Deliver = (entry: Entry) => Promise<boolean>;

const pauses = { firstUs: 8_000, longestUs: 250_000 };

interface Held {
  readonly entry: Entry;
  readonly settle: (acknowledged: boolean) => void;
}

export function deliverInOrder(options: {
  /** Offers an entry once; whether it was acknowledged. Never rejects. */
  readonly attempt: (entry: Entry) => Promise<boolean>;
  readonly clock: Clock;
  readonly random: Random;
  /** Nothing is tried again after this. */
  readonly untilUs: number;
  readonly signal: AbortSignal;
}): Deliver {
  const { attempt, clock, random, untilUs, signal } = options;
  const inflight = trackInflight();
  /** In order of their slots. */
  let waiting: Held[] = [];
  let isRetrying = false;

  async function send(held: Held): Promise<void> {
    if (await attempt(held.entry)) held.settle(true);
    else wait(held);
  }

  function wait(held: Held): void {
    const before = waiting.findLastIndex(({ entry }) => entry.slotUs < held.entry.slotUs);
    waiting.splice(before + 1, 0, held);
    if (!isRetrying) retry();
  }

  async function retry(): Promise<void> {
    isRetrying = true;
    await inflight.below(1); // of what was sent behind it, some may have failed too
    const acknowledged = await retryFirst();
    isRetrying = false;
    const held = waiting;
    waiting = [];
    for (const each of held) {
      if (acknowledged) inflight.add(send(each));
      else each.settle(false);
    }
  }

  async function retryFirst(): Promise<boolean> {
    for (let failures = 1; clock.nowUs() < untilUs && !signal.aborted; failures++) {
      await clock.sleep(backoffUs(failures, random, pauses));
      const first = waiting[0] as Held;
      if (!(await attempt(first.entry))) continue;
      waiting.shift();
      first.settle(true);
      return true;
    }
    return false;
  }

  return (entry) =>
    new Promise((settle) => {
      const held: Held = { entry, settle };
      if (isRetrying) wait(held);
      else inflight.add(send(held));
    });
}
