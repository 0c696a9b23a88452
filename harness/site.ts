/** Where a run takes place: on this machine, or in virtual time. */
import type { Build } from './lineage/origin.js';
import type { PostgresConnection } from './load/postgres/connection.js';
import { startPostgres } from './load/postgres/start.js';
import type { Ports } from './ports/ports.js';
import type { Scratch } from './processes/scratch.js';
import { type Supervisor, supervise } from './processes/supervisor.js';
import { isWired, type Scenario } from './scenario.js';
import type { Stack } from './stacks/stack.js';
import { startServers } from './stacks/start.js';

export interface Site {
  /** The code that runs there. */
  readonly build: Build;
  readonly supervisor: Supervisor;
  startStack(options: {
    readonly directory: string;
    readonly uses: readonly (keyof Ports)[];
    /** Who reaches the servers, by name. */
    readonly clients: readonly string[];
  }): Promise<Stack>;
  /** The database of a source that is one; absent where programs cannot be run. */
  startPostgres?(directory: string): Promise<PostgresConnection>;
  /** Work of the harness on files: virtual time stands still for it. */
  host<T>(work: () => Promise<T> | T): Promise<T>;
  /** Work that no step of the run waits for: beside the run, or, in virtual time, after it. */
  aside<T>(work: () => Promise<T>): Promise<T>;
}

export function machineSite(scenario: Scenario, scratch: Scratch, build: Build): Site {
  const supervisor = supervise({
    lullStartUs: lullStartUs(scenario),
    restartDelayUs: scenario.restartDelayUs,
    scratch,
  });
  return {
    build,
    supervisor,
    startStack: ({ clients, ...options }) =>
      startServers(scenario.stack === 'simulated' ? 'embedded' : scenario.stack, {
        supervisor,
        servers: scenario.servers,
        brokers: scenario.brokers,
        ...options,
        wired: isWired(scenario) ? clients : [],
      }),
    startPostgres: (directory) => startPostgres(supervisor, directory),
    host: async (work) => work(),
    aside: (work) => work(),
  };
}

/** History is loaded in the lull between its last fact and the first change. */
export function lullStartUs({ epochUs, workload }: Scenario): number {
  return epochUs - workload.history.lullUs;
}
