/** When an entity had events of one source: event times in order, each with how many images are live at it. */
export interface Timeline {
  readonly timesUs: number[];
  /** Never 0: images that cancel each other out are gone. */
  readonly live: number[];
}

export const createTimeline = (): Timeline => ({ timesUs: [], live: [] });

export function addToTimeline({ timesUs, live }: Timeline, eventUs: number, sign: 1 | -1): void {
  const at = countUpTo(timesUs, eventUs);
  if (timesUs[at - 1] !== eventUs) {
    timesUs.splice(at, 0, eventUs);
    live.splice(at, 0, sign);
    return;
  }
  live[at - 1]! += sign;
  if (live[at - 1] !== 0) return;
  timesUs.splice(at - 1, 1);
  live.splice(at - 1, 1);
}

/** The latest live event time in (afterUs, upToUs]; null if there is none. */
export function latestLiveUs({ timesUs, live }: Timeline, afterUs: number, upToUs: number): number | null {
  for (let i = countUpTo(timesUs, upToUs) - 1; i >= 0 && timesUs[i]! > afterUs; i--) {
    if (live[i]! > 0) return timesUs[i]!;
  }
  return null;
}

/** How many times are not after `atUs`. */
function countUpTo(timesUs: readonly number[], atUs: number): number {
  let [from, to] = [0, timesUs.length];
  // Most are added at the end and asked for there.
  if (to > 0 && timesUs[to - 1]! <= atUs) return to;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (timesUs[middle]! <= atUs) from = middle + 1;
    else to = middle;
  }
  return from;
}
