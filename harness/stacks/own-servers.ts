/** Servers that come with planebench, started by whichever stack has them behind its ports. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PortName } from '../ports/ports.js';
import type { Supervisor } from '../processes/supervisor.js';
import type { StackServer } from './stack.js';

/** Half of a small machine: the servers of a warehouse are bought by size, and this one shares with all others. */
const warehouseThreads = 2;
const warehouseReaders = 4;

const ownServers = {
  changeLog: {
    module: new URL('../ports/change-log/embedded-server.js', import.meta.url),
    settings: {},
  },
  onlineStore: {
    module: new URL('../ports/online-store/embedded-server.js', import.meta.url),
    settings: {},
  },
  warehouse: {
    module: new URL('../ports/warehouse/embedded-server.js', import.meta.url),
    settings: { threads: warehouseThreads, readers: warehouseReaders },
  },
} as const;

export type ServedPort = keyof typeof ownServers;
/** The process behind a port, and its folder: the same on every stack, as costs and faults go by the name. */
export const serverNames: Readonly<Record<PortName, string>> = {
  changeLog: 'change-log',
  onlineStore: 'online-store',
  tables: 'tables',
  warehouse: 'warehouse',
};

/** Resolves with its port, which it keeps over restarts. */
export async function startOwnServer(
  served: ServedPort,
  { supervisor, directory }: { readonly supervisor: Supervisor; readonly directory: string },
): Promise<number> {
  const { module, settings } = ownServers[served];
  const name = serverNames[served];
  const path = join(directory, name);
  await mkdir(path, { recursive: true });
  let port = 0; // the first start finds a free one; later ones keep it, as clients know it
  const ready = await supervisor.start({
    name,
    kind: 'server',
    module,
    restart: true,
    init: () => ({ directory: path, port, ...settings }),
  });
  port = (ready as { port: number }).port;
  return port;
}

export function stackServer(supervisor: Supervisor, process: string): StackServer {
  return {
    async takeDown() {
      const { atUs, exit } = await supervisor.hold(process);
      return { atUs, saw: `the server ${process} was gone (${exit?.signal ?? exit?.code})` };
    },
    bringUp: () => supervisor.release(process),
  };
}

/** The same of one whose data are in this folder, and follow from those of others. */
export function emptiedServer(supervisor: Supervisor, process: string, data: string): StackServer {
  return {
    ...stackServer(supervisor, process),
    async empty() {
      await rm(data, { recursive: true, force: true });
      await mkdir(data);
    },
  };
}

/** Servers that are one behind their port: gone when the last of them is, up when all of them are. */
export function together(servers: readonly StackServer[]): StackServer {
  return {
    async takeDown() {
      const gone = await Promise.all(servers.map((server) => server.takeDown()));
      return { atUs: Math.max(...gone.map(({ atUs }) => atUs)), saw: gone.map(({ saw }) => saw).join(', ') };
    },
    async bringUp() {
      await Promise.all(servers.map((server) => server.bringUp()));
    },
  };
}
