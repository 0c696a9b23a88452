/** Servers that come with planebench, started by whichever stack has them behind its ports. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HarnessError } from '../errors.js';
import type { PortName } from '../ports/ports.js';
import { goOn, standStill } from '../processes/standstill.js';
import type { MachineSupervisor, Supervisor } from '../processes/supervisor.js';
import { freePorts } from '../servers/free-ports.js';
import type { Seen, StackServer } from './stack.js';

/** Half of a small machine: the servers of a warehouse are bought by size, and this one shares with all others. */
const warehouseThreads = 2;
const warehouseReaders = 4;

/** Whoever reads waits for it, whichever it is. */
export const onlineStorePriority = 'high';

const ownServers = {
  changeLog: {
    module: new URL('../ports/change-log/embedded-server.js', import.meta.url),
    priority: 'normal',
    settings: {},
  },
  onlineStore: {
    module: new URL('../ports/online-store/embedded-server.js', import.meta.url),
    priority: onlineStorePriority,
    settings: {},
  },
  warehouse: {
    module: new URL('../ports/warehouse/embedded-server.js', import.meta.url),
    // It answers, too, and loads: nobody can put one half of a process before the other.
    priority: 'normal',
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
  const { module, priority, settings } = ownServers[served];
  const name = serverNames[served];
  const path = join(directory, name);
  await mkdir(path, { recursive: true });
  const [port] = (await freePorts(1)) as [number];
  await supervisor.start({
    name,
    kind: 'server',
    priority,
    module,
    restart: true,
    init: () => ({ directory: path, port, ...settings }),
  });
  return port;
}

export function stackServer(supervisor: Supervisor, process: string): StackServer {
  return {
    async takeDown() {
      const askedUs = supervisor.clock.nowUs();
      const { atUs, exit } = await supervisor.hold(process);
      // One that another fault took down before is seen to be gone now.
      return { atUs: Math.max(askedUs, atUs), saw: `the server ${process} was gone (${exit?.signal ?? exit?.code})` };
    },
    bringUp: () => supervisor.release(process),
    async pause() {
      const atUs = await standStill(supervisor, process);
      return atUs === null ? null : { atUs, saw: `the server ${process} stood still` };
    },
    async resume() {
      if ((await goOn(supervisor, process)) === null) throw new HarnessError(`${process} stands still after SIGCONT`);
    },
  };
}

/** The same in a container. */
export function containedServer(supervisor: MachineSupervisor, process: string): StackServer {
  return {
    ...stackServer(supervisor, process),
    async cutOff() {
      await supervisor.cutOff(process);
      return { atUs: supervisor.clock.nowUs(), saw: `the server ${process} was on no network` };
    },
    rejoin: () => supervisor.rejoin(process),
  };
}

/** The same of one whose data are in this folder, and follow from those of others. */
export function emptiedServer(server: StackServer, data: string): StackServer {
  return {
    ...server,
    async empty() {
      await rm(data, { recursive: true, force: true });
      await mkdir(data);
    },
  };
}

/** Servers that are one behind their port: harmed when the last of them is, well when all of them are. */
export function together(servers: readonly StackServer[]): StackServer {
  const all = async (work: (server: StackServer) => Promise<unknown> | undefined) => {
    await Promise.all(servers.map(work));
  };
  return {
    takeDown: async () => allOf(await Promise.all(servers.map((server) => server.takeDown()))),
    bringUp: () => all((server) => server.bringUp()),
    async pause() {
      const seen = await Promise.all(servers.map(async (server) => (await server.pause?.()) ?? null));
      return seen.includes(null) ? null : allOf(seen as Seen[]);
    },
    resume: () => all((server) => server.resume?.()),
    ...(servers.every(({ cutOff }) => cutOff) && {
      cutOff: async () => allOf((await Promise.all(servers.map((server) => server.cutOff?.()))) as Seen[]),
      rejoin: () => all((server) => server.rejoin?.()),
    }),
  };
}

const allOf = (seen: readonly Seen[]): Seen => ({
  atUs: Math.max(...seen.map(({ atUs }) => atUs)),
  saw: seen.map(({ saw }) => saw).join(', '),
});
