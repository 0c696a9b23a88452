/**
 * What time it is for whoever serves rows, over his death too. One that was started again knows only what he reads: when the
 * source is silent for longer than the tolerance he is in doubt, and would go back to the source's last word, before what
 * his predecessor has shown. So nothing is served beyond a mark in the online store, which is put ahead of time and moved on
 * before it is reached; a successor who is in doubt begins at it. (As timestamps are allocated in Peng and Dabek,
 * "Large-scale Incremental Processing Using Distributed Transactions and Notifications", OSDI 2010, section 2.3.)
 *
 * While the store takes no mark, time stands still at the last one.
 */
import { type EventTime, followEventTime } from '../../workloads/event-time.js';
import type { OnlineStore } from './online-store/port.js';
import { type Caller, untilDone } from './retries.js';

/** How far the mark is ahead, of the tolerance: at time scale 60 half a second, no more than a restart takes. */
const aheadShare = 0.1;
const key = 'served until';
const nothing = new Uint8Array(0);

/** `table`: of the online store, which gets one row more. Resolves when it is known how far a predecessor may have served. */
export async function openServedTime(
  caller: Caller,
  options: { readonly store: OnlineStore; readonly table: string; readonly toleranceUs: number },
): Promise<EventTime> {
  const { clock, signal } = caller;
  const { store, table, toleranceUs } = options;
  const time = followEventTime(clock, toleranceUs);
  const aheadUs = Math.round(aheadShare * toleranceUs);
  const inheritedUs = (await untilDone(caller, () => store.get(table, [key])))[0]?.seq ?? 0;
  /** Null: the first one is on its way, and a predecessor's may have been lost with the store. */
  let markUs: number | null = null;
  let seenUs = 0;
  let lastUs = 0;

  async function moveMark(): Promise<void> {
    for (;;) {
      if (!time.isInDoubt()) {
        const untilUs = time.nowUs() + aheadUs;
        const row = { keys: [key], seqs: [untilUs], asOfUs: [0], values: [nothing] };
        await untilDone(caller, () => store.put(table, row));
        markUs = Math.max(markUs ?? 0, untilUs);
      }
      await clock.sleep(aheadUs / 2, signal);
    }
  }
  let failure: unknown;
  moveMark().catch((error: unknown) => {
    if (!signal.aborted) failure = error; // thrown to whoever asks for the time
  });

  return {
    see(timeUs) {
      seenUs = Math.max(seenUs, timeUs);
      time.see(timeUs);
    },
    isInDoubt: time.isInDoubt,
    nowUs() {
      if (failure) throw failure;
      const nowUs = time.nowUs();
      // What was seen stands in the tables: a successor finds it there.
      const mostUs = markUs === null ? Number.POSITIVE_INFINITY : Math.max(markUs, seenUs);
      // In doubt it stands where it last was believed, which may be later than any mark that could be put.
      const us = Math.min(time.isInDoubt() ? Math.max(nowUs, inheritedUs) : nowUs, mostUs);
      lastUs = Math.max(lastUs, us);
      return lastUs;
    },
  };
}
