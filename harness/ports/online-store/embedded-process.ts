/** Starting the embedded online store's server process, for tests and benchmarks; stacks have their own supervisor. */
import type { ClockOrigin } from '../../clock.js';
import { type StartedChild, startChild } from '../../processes/child-process.js';
import type { OnlineStoreServerInit } from './embedded-server.js';

export async function startOnlineStoreServer(
  init: OnlineStoreServerInit,
  origin: ClockOrigin,
): Promise<{ readonly child: StartedChild; readonly port: number }> {
  const child = startChild({
    name: 'online-store server',
    module: new URL('./embedded-server.js', import.meta.url),
    init,
    origin,
  });
  return { child, port: ((await child.ready) as { port: number }).port };
}
