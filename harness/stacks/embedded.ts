/** The default stack: nothing but npm packages. Servers on LMDB and DuckDB, tables on the local disk. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.js';
import { connectChangeLog } from '../ports/change-log/embedded.js';
import { connectOnlineStore } from '../ports/online-store/embedded.js';
import type { PortName } from '../ports/ports.js';
import { openTableStore } from '../ports/table-store/embedded.js';
import type { CountRequest } from '../ports/table-store/object-requests.js';
import { connectWarehouse } from '../ports/warehouse/embedded.js';
import type { Supervisor } from '../processes/supervisor.js';
import { listed, type OpenedPorts, openAtFirstUse } from './opened-ports.js';
import { emptiedServer, serverNames, stackServer, startOwnServer } from './own-servers.js';
import type { Stack } from './stack.js';
import { readStoredBytes } from './stored-bytes.js';

export interface EmbeddedConnection {
  readonly stack: 'embedded';
  /** Ports of the servers that were started, and the folder of the tables. */
  readonly changeLog?: number;
  readonly onlineStore?: number;
  readonly warehouse?: number;
  readonly tables?: string;
}

export async function startEmbedded(options: {
  readonly supervisor: Supervisor;
  readonly directory: string;
  readonly uses: readonly PortName[];
}): Promise<Stack> {
  const { supervisor, directory } = options;
  // The harness itself appends the changes, so there is always a change log.
  const needed = (['changeLog', 'onlineStore', 'warehouse'] as const).filter(
    (name) => name === 'changeLog' || options.uses.includes(name),
  );
  const folderOf = (name: PortName) => join(directory, serverNames[name]);
  const tables = folderOf('tables');
  await mkdir(tables, { recursive: true });
  const started = await Promise.all(needed.map(async (name) => [name, await startOwnServer(name, options)]));
  return {
    connection: { stack: 'embedded', tables, ...Object.fromEntries(started) },
    storedPaths: [tables, ...needed.filter((name) => name !== 'changeLog').map(folderOf)],
    storedBytes: () => readStoredBytes(options.uses, folderOf),
    servers: Object.fromEntries(
      needed.map((name) => [
        name,
        name === 'onlineStore'
          ? emptiedServer(stackServer(supervisor, serverNames[name]), folderOf(name))
          : stackServer(supervisor, serverNames[name]),
      ]),
    ),
  };
}

export function openEmbedded(
  connection: EmbeddedConnection,
  clock: Clock,
  onRequest: CountRequest,
  run: string | undefined,
): OpenedPorts {
  return openAtFirstUse({
    changeLog: () => connectChangeLog({ port: listed(connection.changeLog, 'changeLog') }),
    onlineStore: () => connectOnlineStore({ port: listed(connection.onlineStore, 'onlineStore') }),
    tables: () => openTableStore({ directory: connection.tables ?? '', clock, onRequest, run }),
    warehouse: () => connectWarehouse({ port: listed(connection.warehouse, 'warehouse') }),
  });
}
