/** The embedded online store's server as a process, for tests and benchmarks. */
import type { ClockOrigin } from '../../clock.js';
import { type ServerProcess, startServerProcess } from '../server-process.js';
import type { OnlineStoreServerInit } from './embedded-server.js';

export function startOnlineStoreServer(init: OnlineStoreServerInit, origin: ClockOrigin): Promise<ServerProcess> {
  return startServerProcess('online-store server', new URL('./embedded-server.js', import.meta.url), init, origin);
}
