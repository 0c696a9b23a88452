/**
 * Whether a plane's use of the machine was seen: only processes of the run are sampled. Where part of what does its work is
 * none of them, the rest by itself would pass for the whole, and win every comparison.
 */
import type { RunFacts } from '../record/facts.js';
import { type AbsentMeasure, notMeasured } from './measured.js';

/** Null: all of it was. */
export function unsampled({ outside, plan, ports }: RunFacts): AbsentMeasure | null {
  if (outside) return notMeasured('the system behind the roles is none of the processes that are sampled');
  // There only the warehouse is a process of the run, and no plane has its changes from that alone.
  if (plan.scenario.stack === 'external' && ports.some(({ calls }) => calls > 0))
    return notMeasured('your servers are none of the processes that are sampled');
  return null;
}
