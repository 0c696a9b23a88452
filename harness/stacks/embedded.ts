/** The default stack: nothing but npm packages. Servers on LMDB and DuckDB, tables on the local disk. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.js';
import { UsageError } from '../errors.js';
import { connectChangeLog } from '../ports/change-log/embedded.js';
import { connectOnlineStore } from '../ports/online-store/embedded.js';
import type { Ports } from '../ports/ports.js';
import { openTableStore } from '../ports/table-store/embedded.js';
import type { CountRequest } from '../ports/table-store/object-requests.js';
import { connectWarehouse } from '../ports/warehouse/embedded.js';
import type { Supervisor } from '../processes/supervisor.js';
import type { Stack, StackServer } from './stack.js';

export interface EmbeddedConnection {
  readonly stack: 'embedded';
  /** Ports of the servers that were started, and the folder of the tables. */
  readonly changeLog?: number;
  readonly onlineStore?: number;
  readonly warehouse?: number;
  readonly tables?: string;
}

/** Half of a small machine: the servers of a warehouse are bought by size, and this one shares with all others. */
const warehouseThreads = 2;
const warehouseReaders = 4;

const servers = {
  changeLog: {
    module: new URL('../ports/change-log/embedded-server.js', import.meta.url),
    folder: 'change-log',
    settings: {},
  },
  onlineStore: {
    module: new URL('../ports/online-store/embedded-server.js', import.meta.url),
    folder: 'online-store',
    settings: {},
  },
  warehouse: {
    module: new URL('../ports/warehouse/embedded-server.js', import.meta.url),
    folder: 'warehouse',
    settings: { threads: warehouseThreads, readers: warehouseReaders },
  },
} as const;
type Server = keyof typeof servers;

export async function startEmbedded(options: {
  readonly supervisor: Supervisor;
  readonly directory: string;
  readonly uses: readonly (keyof Ports)[];
}): Promise<Stack> {
  const { supervisor, directory } = options;
  // The harness itself appends the changes, so there is always a change log.
  const needed = (Object.keys(servers) as Server[]).filter(
    (name) => name === 'changeLog' || options.uses.includes(name),
  );
  const tables = join(directory, 'tables');
  await mkdir(tables, { recursive: true });
  const started = await Promise.all(
    needed.map(async (name): Promise<[Server, number]> => {
      const { module, folder, settings } = servers[name];
      const path = join(directory, folder);
      await mkdir(path, { recursive: true });
      let port = 0; // the first start finds a free port; later ones keep it, as clients know it
      const ready = await supervisor.start({
        name: folder,
        kind: 'server',
        module,
        restart: true,
        init: () => ({ directory: path, port, ...settings }),
      });
      port = (ready as { port: number }).port;
      return [name, port];
    }),
  );
  return {
    connection: { stack: 'embedded', tables, ...Object.fromEntries(started) },
    storedPaths: [
      tables,
      ...needed.filter((name) => name !== 'changeLog').map((name) => join(directory, servers[name].folder)),
    ],
    servers: Object.fromEntries(needed.map((name) => [name, serverOf(supervisor, servers[name].folder)])),
  };
}

function serverOf(supervisor: Supervisor, process: string): StackServer {
  return {
    async takeDown() {
      const { atUs, exit } = await supervisor.hold(process);
      return { atUs, saw: `the server ${process} was gone (${exit?.signal ?? exit?.code})` };
    },
    bringUp: () => supervisor.release(process),
  };
}

export function openEmbedded(
  connection: EmbeddedConnection,
  clock: Clock,
  onRequest: CountRequest,
  run: string | undefined,
): { ports: Ports; close(): Promise<void> } {
  const opened = new Map<keyof Ports, { close(): Promise<void> }>();
  const open = <P extends keyof Ports>(name: P, connect: () => Ports[P]): Ports[P] => {
    const already = opened.get(name) as Ports[P] | undefined;
    if (already) return already;
    const port = connect();
    opened.set(name, port);
    return port;
  };
  const portOf = (name: Server): number => {
    const port = connection[name];
    if (port === undefined)
      throw new UsageError(`the plane uses ports.${name}, but its architecture does not list '${name}' in \`uses\``);
    return port;
  };
  return {
    ports: {
      get changeLog() {
        return open('changeLog', () => connectChangeLog({ port: portOf('changeLog') }));
      },
      get onlineStore() {
        return open('onlineStore', () => connectOnlineStore({ port: portOf('onlineStore') }));
      },
      get tables() {
        return open('tables', () => openTableStore({ directory: connection.tables ?? '', clock, onRequest, run }));
      },
      get warehouse() {
        return open('warehouse', () => connectWarehouse({ port: portOf('warehouse') }));
      },
    },
    async close() {
      await Promise.all([...opened.values()].map((port) => port.close()));
    },
  };
}
