/**
 * The panel: the customers on which freshness is watched. Drawn without replacement, each draw with probability
 * proportional to the number of changes of the customers that remain, so that changes, not customers, are sampled.
 */
import type { Random } from '../harness/random.js';

/** Up to `size` customers with at least one change, in the order drawn; `changes` counts them per customer. */
export function drawPanel(changes: Uint32Array, size: number, random: Random): number[] {
  const remaining = changes.slice();
  let total = remaining.reduce((sum, count) => sum + count, 0);
  const panel: number[] = [];
  while (panel.length < size && total > 0) {
    let left = random.below(total);
    let customer = 0;
    while (left >= (remaining[customer] as number)) left -= remaining[customer++] as number;
    panel.push(customer);
    total -= remaining[customer] as number;
    remaining[customer] = 0;
  }
  return panel;
}
