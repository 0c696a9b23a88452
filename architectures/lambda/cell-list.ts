/** The cells of a row, as they are stored: a list of words that grows. */
import { putWide, wideAt } from './words.js';

/** Tile * 4 + level, category + 1 (0: clicks), count, amount as two words. */
export const cellWords = 5;

export class CellList {
  /** How many cells there are. */
  count = 0;
  private held = new Int32Array(0);

  /** Found by looking through them from the newest on, which is nearly always the one that is meant. */
  add(tile: number, kind: number, count: number, amount: number): void {
    const { held } = this;
    for (let at = (this.count - 1) * cellWords; at >= 0; at -= cellWords) {
      if (held[at] !== tile || held[at + 1] !== kind) continue;
      held[at + 2] = (held[at + 2] as number) + count;
      putWide(held, at + 3, wideAt(held, at + 3) + amount);
      return;
    }
    const at = this.count++ * cellWords;
    if (at === held.length) {
      this.held = new Int32Array(Math.max(4 * cellWords, 2 * held.length));
      this.held.set(held);
    }
    this.held[at] = tile;
    this.held[at + 1] = kind;
    this.held[at + 2] = count;
    putWide(this.held, at + 3, amount);
  }

  /** Becomes a copy of these words. */
  take(words: Int32Array): void {
    this.held = words.slice();
    this.count = words.length / cellWords;
  }

  words(): Int32Array {
    return this.held.subarray(0, this.count * cellWords);
  }
}
