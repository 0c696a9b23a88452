/** A stack owns the servers that the ports are clients of, and says how to reach them. */

import { type ContractParams, createContract, type DataContract } from '../../workloads/data-contract.js';
import type { Plane } from '../architecture.js';
import type { Clock } from '../clock.js';
import type { PortName } from '../ports/ports.js';
import type { CountRequest } from '../ports/table-store/object-requests.js';
import { serveOperations } from '../processes/operations-server.js';
import type { StoredBytes } from '../record/facts.js';
import { type EmbeddedConnection, openEmbedded } from './embedded.js';
import type { NativeConnection } from './native.js';
import type { OpenedPorts } from './opened-ports.js';
import { openSimulated, type SimulatedConnection } from './simulated.js';
import type { Wires } from './wires.js';

/** How a process reaches the servers: plain data, sent to roles and load generators; in a simulation, the world itself. */
export type StackConnection = EmbeddedConnection | NativeConnection | SimulatedConnection;

export const stackNames = ['embedded', 'native', 'docker', 'external', 'simulated'] as const;
export type StackName = (typeof stackNames)[number];
/** Whether proxies can stand in its links: its servers are reached over the network, and are not our own. */
export const canBeWired = (stack: StackName) => stack === 'native' || stack === 'docker';
/** Of a Kafka that the stack starts: one, or three, of which any one may die while the others carry on. */
export const brokerCounts = [1, 3] as const;
export type BrokerCount = (typeof brokerCounts)[number];

/** How many a stack starts when it is asked for so many; 0: its change log is no Kafka, or none of ours. */
export function brokersOf(stack: StackName, asked: BrokerCount = 1): number {
  return stack === 'native' || stack === 'docker' ? asked : 0;
}

/** What can be done to a server beside killing it: a process stands still; a container is taken off its network, too. */
export type ServerForm = 'process' | 'container';

/** Of the servers that a stack starts, by the port behind which they stand. */
export function serverForms(stack: StackName): Partial<Readonly<Record<PortName, ServerForm>>> {
  switch (stack) {
    case 'embedded':
      return { changeLog: 'process', onlineStore: 'process', warehouse: 'process' };
    case 'native':
      return { changeLog: 'process', onlineStore: 'process', tables: 'process', warehouse: 'process' };
    case 'docker':
      return { changeLog: 'container', onlineStore: 'container', tables: 'container', warehouse: 'process' };
    case 'external':
      return { warehouse: 'process' };
    case 'simulated':
      return {};
  }
}

/** Those that npm brings whole, so that they start everywhere. */
export const bundledStacks = ['embedded', 'simulated'] as const satisfies readonly StackName[];

export interface Stack {
  readonly connection: StackConnection;
  /** Everything that the plane stored, for the search of personal data; complete once the servers have stopped. */
  readonly storedPaths: readonly string[];
  /** What takes up room there at this moment, by the ports that the plane uses; absent: nobody here can tell. */
  storedBytes?(): Promise<StoredBytes>;
  /** Of servers that others wrote, by name; absent: there are none. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Servers that can be injured, by the port behind which they stand. */
  readonly servers: Partial<Readonly<Record<PortName, StackServer>>>;
  /** Of a change log that is Kafka and ours. */
  readonly brokers?: Brokers;
  /**
   * Of servers that are not ours, when the last process of the run has gone: brings what the plane stored to
   * `storedPaths`, and takes away all that the run has made there.
   */
  close?(): Promise<void>;
  /** The links from every role, and the source, to every server; absent: no proxy stands in any. */
  readonly wires?: Wires;
}

/** How a process reaches the servers: the role of this name, or the source. */
export function connectionOf({ connection, wires }: Stack, client: string): StackConnection {
  return wires?.connectionOf(client) ?? connection;
}

/** When something was seen of a server, and what, in words. */
export interface Seen {
  readonly atUs: number;
  readonly saw: string;
}

export interface StackServer {
  /** Gone at once, with all that it had not made durable; resolves when that was seen. */
  takeDown(): Promise<Seen>;
  /** In service again when it resolves, with what it had made durable. Safe to repeat. */
  bringUp(): Promise<void>;
  /** Takes away, while it is down, all that it had made durable; absent: that cannot be made anew. */
  empty?(): Promise<void>;
  /** Stands still with all its connections; null: that was not seen. Absent: it is no process. */
  pause?(): Promise<Seen | null>;
  /** It goes on when it resolves, or whoever took its place does. Safe to repeat. */
  resume?(): Promise<void>;
  /** On no network any more, though it runs; resolves when that was seen. Absent: it has no network of its own. */
  cutOff?(): Promise<Seen>;
  /** Reached again where it was before. Safe to repeat. */
  rejoin?(): Promise<void>;
}

export interface Brokers {
  /** Kafka is asked who leads this partition. */
  leaderOf(topic: string, partition: number): Promise<Broker>;
  /** The names of those that are dead, or were started again and have not caught up. */
  away(): readonly string[];
}
export interface Broker extends StackServer {
  readonly name: string;
}

/**
 * The ports of a process, each connected at its first use. `onRequest` hears what its tables ask of their object store; the
 * files that they write tell of its `run`. Asked of `host`: the modules of some clients are files that are read first.
 */
export async function openPorts(
  connection: StackConnection,
  clock: Clock,
  onRequest: CountRequest = () => {},
  run?: string,
): Promise<OpenedPorts> {
  switch (connection.stack) {
    case 'embedded':
      return openEmbedded(connection, clock, onRequest, run);
    case 'native':
    case 'docker':
      // Clients that nobody else needs, nor pays the memory of.
      return (await import('./native.js')).openNative(connection, clock, onRequest, run);
    case 'simulated':
      return openSimulated(connection, clock, onRequest, run);
  }
}

/** The data contract as a process has it. */
export function contractOf(connection: StackConnection, params: ContractParams): DataContract {
  return connection.stack === 'simulated' ? connection.world.contractOf(params) : createContract(params);
}

/** Where one role answers operations; `port` 0 takes a free one. Resolves with the port. */
export function serveAt(
  connection: StackConnection,
  clock: Clock,
  operations: Partial<Plane>,
  options: { readonly port: number; readonly signal: AbortSignal },
): Promise<number> {
  switch (connection.stack) {
    case 'embedded':
    case 'native':
    case 'docker':
      return serveOperations(operations, options);
    case 'simulated':
      return connection.world.door.serve(clock, operations, options.port);
  }
}
