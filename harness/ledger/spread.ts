/**
 * At most a thousand of any number of values, evenly chosen in the order in which they come: whenever it is full every
 * second is dropped, and from then on half as many are taken.
 */
export interface Spread {
  add(value: number): void;
  /** Ascending. */
  chosen(): number[];
}

const most = 1_000;

export function collectSpread(): Spread {
  let kept: number[] = [];
  let every = 1;
  let seen = 0;
  return {
    add(value) {
      if (seen++ % every !== 0) return;
      kept.push(value);
      if (kept.length <= most) return;
      kept = kept.filter((_, i) => i % 2 === 0);
      every *= 2;
    },
    chosen: () => kept.slice().sort((a, b) => a - b),
  };
}
