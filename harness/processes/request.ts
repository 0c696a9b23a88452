/**
 * On whose behalf a role is working: panel probes come through the same door as every read, but count in no cache
 * figure, so the request they came with is carried to the ports where work is counted. Planes never see it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const request = new AsyncLocalStorage<{ readonly probe: boolean }>();

export const probeHeader = 'x-planebench-probe';

export function onBehalfOf<T>(probe: boolean, work: () => T): T {
  return request.run({ probe }, work);
}

export function isProbe(): boolean {
  return request.getStore()?.probe ?? false;
}
