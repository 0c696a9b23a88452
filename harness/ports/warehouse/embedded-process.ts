/** The embedded warehouse's server as a process, for tests and benchmarks. */
import { type ServerProcess, startServerProcess } from '../server-process.js';
import type { WarehouseServerInit } from './embedded-server.js';

export function startWarehouseServer(init: WarehouseServerInit): Promise<ServerProcess> {
  return startServerProcess('warehouse server', new URL('./embedded-server.js', import.meta.url), init);
}
