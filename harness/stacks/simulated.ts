/** The simulated stack: every server in memory, in virtual time. Its connection works only inside the simulation. */
import type { Clock } from '../clock.js';
import type { Ports } from '../ports/ports.js';
import type { CountRequest } from '../ports/table-store/object-requests.js';
import type { World } from '../simulation/world.js';

export interface SimulatedConnection {
  readonly stack: 'simulated';
  readonly world: World;
}

export function openSimulated(
  { world }: SimulatedConnection,
  clock: Clock,
  onRequest: CountRequest,
  run: string | undefined,
): { ports: Ports; close(): Promise<void> } {
  return { ports: world.openPorts(clock, onRequest, run), async close() {} };
}
