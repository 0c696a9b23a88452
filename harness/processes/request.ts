/**
 * On whose behalf a role is working: panel probes come through the same door as every read, but count in no cache
 * figure, so the request they came with is carried to the ports where work is counted. Planes never see it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface Request {
  readonly probe: boolean;
}

/** Brings a request to all that `run` awaits. */
export type RequestCarrier = Pick<AsyncLocalStorage<Request>, 'run' | 'getStore'>;

let carrier: RequestCarrier = new AsyncLocalStorage<Request>();

/** A simulation has a cheaper carrier, for the life of its process. */
export function carryRequestsBy(other: RequestCarrier): void {
  carrier = other;
}

export const probeHeader = 'x-planebench-probe';

export function onBehalfOf<T>(probe: boolean, work: () => T): T {
  return carrier.run({ probe }, work);
}

export function isProbe(): boolean {
  return carrier.getStore()?.probe ?? false;
}
