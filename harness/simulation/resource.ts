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

export interface MortalResource extends Resource {
  /**
   * The server dies, and what waits for its turn is never done. The call that is being served is done at once, if
   * `isServed`, as by a server that dies before it answers; else it is not done either.
   */
  die(isServed: boolean): void;
}

/** From one death of a server to the next. */
interface Life {
  isOver: boolean;
  /** Ends the service that is under way. */
  finish: (() => void) | null;
}

const begin = (): Life => ({ isOver: false, finish: null });

export function createResource(options: {
  readonly clock: Clock;
  readonly costs: Readonly<Record<string, ServiceCost>>;
}): MortalResource {
  const { clock, costs } = options;
  let freeUs = Number.NEGATIVE_INFINITY;
  let acceptedUs = 0;
  let served: Promise<void> = Promise.resolve();
  let life = begin();

  function serveUntil(endUs: number, during: Life): Promise<void> {
    return new Promise((resolve) => {
      if (during.isOver) return;
      const leftUs = endUs - clock.nowUs();
      if (leftUs <= 0) return resolve();
      during.finish = resolve;
      clock.after(leftUs, () => {
        during.finish = null;
        if (!during.isOver) resolve();
      });
    });
  }

  const busyUs = () => acceptedUs - Math.max(0, freeUs - clock.nowUs());
  return {
    use(operation, rows, bytes) {
      const cost = costs[operation];
      if (!cost) throw new Error(`'${operation}' has no cost here; there are ${Object.keys(costs).join(', ')}`);
      const takesUs = serviceUs(cost, rows, bytes);
      const endUs = Math.max(clock.nowUs(), freeUs) + takesUs;
      freeUs = endUs;
      acceptedUs += takesUs;
      // Behind the call before, not only until its time: a call that takes no time could overtake one that just ends.
      const during = life;
      served = served.then(() => serveUntil(endUs, during));
      return served;
    },
    // From now until it is free it is busy without a pause, with what was accepted and is not served yet.
    busyUs,
    die(isServed) {
      acceptedUs = busyUs();
      freeUs = Number.NEGATIVE_INFINITY;
      served = Promise.resolve();
      life.isOver = true;
      if (isServed) life.finish?.();
      life = begin();
    },
  };
}
