/** A stack in whose every link a proxy stands: between each role, or the source, and each server. */
import { join } from 'node:path';
import { HarnessError } from '../errors.js';
import { addressOf } from '../ports/change-log/kafka.js';
import type { PortName } from '../ports/ports.js';
import { freePorts } from '../servers/free-ports.js';
import { type Links, openLinks, type Wire } from '../servers/links.js';
import { toxiproxy } from '../servers/toxiproxy.js';
import type { NativeConnection } from './native.js';
import type { ServerHost } from './real-servers.js';

export interface Wires extends Pick<Links, 'inject'> {
  /** The servers as this client reaches them. */
  connectionOf(client: string): NativeConnection;
  /** Of the proxy's program. */
  readonly version: string;
}

export async function wireStack(
  connection: NativeConnection,
  options: {
    readonly host: ServerHost;
    readonly directory: string;
    readonly clients: readonly string[];
  },
): Promise<Wires> {
  const { host, directory, clients } = options;
  const [port] = (await freePorts(1)) as [number];
  const settings = { directory: join(directory, toxiproxy.name), port };
  const found = await host.find(toxiproxy);
  const spawn = await toxiproxy.prepare(found, settings);
  // Of the harness, like the load: what it costs is not the plane's.
  const spec = { name: toxiproxy.name, kind: 'load', restart: false, spawn } as const;
  await host.start({ ...spec, isReady: () => toxiproxy.isReady(settings) }, toxiproxy, []);
  const servers = serversOf(connection);
  const { links, inject } = await openLinks(
    port,
    clients.flatMap((client) => servers.map((server): Wire => ({ client, ...server }))),
  );
  return {
    inject,
    version: found.version,
    connectionOf(client) {
      const through = (port: number) => {
        const link = links.find((link) => link.client === client && link.port === port);
        if (!link) throw new HarnessError(`no link of ${client} goes to the port ${port}`);
        return link.proxyPort;
      };
      return reachedThrough(connection, through);
    },
  };
}

function serversOf({ changeLog, onlineStore, tables, warehouse }: NativeConnection): Omit<Wire, 'client'>[] {
  const at = (server: PortName, port: number) => ({ server, port });
  return [
    ...changeLog.brokers.map((broker) => at('changeLog', portOf(broker))),
    ...(onlineStore ? [at('onlineStore', onlineStore.port)] : []),
    ...(tables ? [at('tables', Number(new URL(tables.endpoint).port))] : []),
    ...(warehouse === undefined ? [] : [at('warehouse', warehouse)]),
  ];
}

/** Brokers tell their clients where they are, and those must not go there. */
function reachedThrough(connection: NativeConnection, through: (port: number) => number): NativeConnection {
  const { changeLog, onlineStore, tables, warehouse } = connection;
  const reachedAt = Object.fromEntries(
    changeLog.brokers.map((broker) => [broker, `127.0.0.1:${through(portOf(broker))}`]),
  );
  return {
    ...connection,
    changeLog: { ...changeLog, reachedAt },
    ...(onlineStore && { onlineStore: { ...onlineStore, port: through(onlineStore.port) } }),
    ...(tables && { tables: { ...tables, endpoint: endpointThrough(tables.endpoint, through) } }),
    ...(warehouse !== undefined && { warehouse: through(warehouse) }),
  };
}

const portOf = (broker: string) => addressOf(broker).port;

function endpointThrough(endpoint: string, through: (port: number) => number): string {
  const url = new URL(endpoint);
  url.port = String(through(Number(url.port)));
  return url.origin;
}
