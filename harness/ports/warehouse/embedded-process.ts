/** Starting the embedded warehouse's server process, for tests and benchmarks; stacks have their own supervisor. */
import { type StartedChild, startChild } from '../../processes/child-process.js';
import type { WarehouseServerInit } from './embedded-server.js';

export async function startWarehouseServer(
  init: WarehouseServerInit,
): Promise<{ readonly child: StartedChild; readonly port: number }> {
  const child = startChild({
    name: 'warehouse server',
    module: new URL('./embedded-server.js', import.meta.url),
    init,
    origin: { epochUs: 0, zeroNs: null },
  });
  return { child, port: ((await child.ready) as { port: number }).port };
}
