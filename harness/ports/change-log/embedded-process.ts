/** The embedded change log's server as a process, for tests and benchmarks. */
import { type ServerProcess, startServerProcess } from '../server-process.js';
import type { ChangeLogServerInit } from './embedded-server.js';

export function startChangeLogServer(init: ChangeLogServerInit): Promise<ServerProcess> {
  return startServerProcess('change-log server', new URL('./embedded-server.js', import.meta.url), init);
}
