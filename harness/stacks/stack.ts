/** A stack owns the servers that the ports are clients of, and says how to reach them. */
import type { Clock } from '../clock.js';
import type { Ports } from '../ports/ports.js';
import type { Supervisor } from '../processes/supervisor.js';
import { type EmbeddedConnection, openEmbedded, startEmbedded } from './embedded.js';

/** How a process reaches the servers: plain data, sent to roles and load generators. */
export type StackConnection = EmbeddedConnection;

export const stackNames = ['embedded'] as const;
export type StackName = (typeof stackNames)[number];

export interface Stack {
  readonly connection: StackConnection;
  /** Everything that the plane stored, for the search of personal data; complete once the servers have stopped. */
  readonly storedPaths: readonly string[];
}

export async function startStack(
  name: StackName,
  options: { readonly supervisor: Supervisor; readonly directory: string; readonly uses: readonly (keyof Ports)[] },
): Promise<Stack> {
  switch (name) {
    case 'embedded':
      return startEmbedded(options);
  }
}

/** The ports of a process, each opened at its first use. */
export function openPorts(connection: StackConnection, clock: Clock): { ports: Ports; close(): Promise<void> } {
  switch (connection.stack) {
    case 'embedded':
      return openEmbedded(connection, clock);
  }
}
