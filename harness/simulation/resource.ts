/** A server's capacity: one call is served at a time, in the order in which they come. */
import type { Clock } from '../clock.js';
import { type ServiceCost, serviceUs } from './costs.js';

/** One FIFO server: calls wait for their turn and for their service time. */
export interface Resource {
  /** Resolves when the call has been served; rejects never. Callers go on in the order in which they called. */
  use(operation: string, rows: number, bytes: number): Promise<void>;
  /** Sum of service times so far: of a call that is being served, the part that is over. */
  busyUs(): number;
}

export function createResource(options: {
  readonly clock: Clock;
  readonly costs: Readonly<Record<string, ServiceCost>>;
}): Resource {
  const { clock, costs } = options;
  let freeUs = Number.NEGATIVE_INFINITY;
  let acceptedUs = 0;
  let served: Promise<void> = Promise.resolve();
  return {
    use(operation, rows, bytes) {
      const cost = costs[operation];
      if (!cost) throw new Error(`'${operation}' has no cost here; there are ${Object.keys(costs).join(', ')}`);
      const takesUs = serviceUs(cost, rows, bytes);
      const endUs = Math.max(clock.nowUs(), freeUs) + takesUs;
      freeUs = endUs;
      acceptedUs += takesUs;
      // Behind the call before, not only until its time: a call that takes no time could overtake one that just ends.
      served = served.then(() => clock.sleepUntil(endUs));
      return served;
    },
    // From now until it is free it is busy without a pause, with what was accepted and is not served yet.
    busyUs: () => acceptedUs - Math.max(0, freeUs - clock.nowUs()),
  };
}
