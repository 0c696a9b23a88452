/** Starting the embedded change log's server process, for tests and benchmarks; stacks have their own supervisor. */
import { type StartedChild, startChild } from '../../processes/child-process.js';
import type { ChangeLogServerInit } from './embedded-server.js';

export async function startChangeLogServer(
  init: ChangeLogServerInit,
): Promise<{ readonly child: StartedChild; readonly port: number }> {
  const child = startChild({
    name: 'change-log server',
    module: new URL('./embedded-server.js', import.meta.url),
    init,
    origin: { epochUs: 0, zeroNs: null },
  });
  return { child, port: ((await child.ready) as { port: number }).port };
}
