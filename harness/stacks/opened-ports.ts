/** The ports of a process, each connected at its first use. */
import { UsageError } from '../errors.js';
import type { PortName, Ports } from '../ports/ports.js';

export interface OpenedPorts {
  readonly ports: Ports;
  close(): Promise<void>;
}

export function openAtFirstUse(connect: { readonly [P in PortName]: () => Ports[P] }): OpenedPorts {
  const opened = new Map<PortName, { close(): Promise<void> }>();
  const open = <P extends PortName>(name: P): Ports[P] => {
    const already = opened.get(name) as Ports[P] | undefined;
    if (already) return already;
    const port = connect[name]();
    opened.set(name, port);
    return port;
  };
  return {
    ports: {
      get changeLog() {
        return open('changeLog');
      },
      get onlineStore() {
        return open('onlineStore');
      },
      get tables() {
        return open('tables');
      },
      get warehouse() {
        return open('warehouse');
      },
    },
    async close() {
      await Promise.all([...opened.values()].map((port) => port.close()));
    },
  };
}

/** Where the server of a port is: only those that the architecture lists are started. */
export function listed<T>(where: T | undefined, name: PortName): T {
  if (where !== undefined) return where;
  throw new UsageError(`the plane uses ports.${name}, but its architecture does not list '${name}' in \`uses\``);
}
