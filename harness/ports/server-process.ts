/** A port's embedded server as a process of its own, for tests and benchmarks; stacks have their own supervisor. */
import type { ClockOrigin } from '../clock.js';
import { type StartedChild, startChild } from '../processes/child-process.js';

export interface ServerProcess {
  readonly child: StartedChild;
  readonly port: number;
}

export async function startServerProcess(
  name: string,
  module: URL,
  init: unknown,
  origin: ClockOrigin = { epochUs: 0, zeroNs: null },
): Promise<ServerProcess> {
  const child = startChild({ name, module, init, origin });
  return { child, port: ((await child.ready) as { port: number }).port };
}
