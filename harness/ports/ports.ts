import type { ChangeLog } from './change-log/port.js';
import type { OnlineStore } from './online-store/port.js';
import type { TableStore } from './table-store/port.js';
import type { Warehouse } from './warehouse/port.js';

/** Everything an architecture may talk to. Clients of the stack's servers; opened lazily, at the first use of each. */
export interface Ports {
  readonly changeLog: ChangeLog;
  readonly onlineStore: OnlineStore;
  readonly tables: TableStore;
  readonly warehouse: Warehouse;
}

export type PortName = keyof Ports;
export const portNames = ['changeLog', 'onlineStore', 'tables', 'warehouse'] as const satisfies readonly PortName[];
/** Those behind which a plane keeps what it makes of the changes. */
export const storingPorts = ['onlineStore', 'tables', 'warehouse'] as const satisfies readonly PortName[];
export type StoringPort = (typeof storingPorts)[number];

type StreamOf<P extends PortName> = {
  [O in keyof Ports[P]]: Ports[P][O] extends (...args: never[]) => AsyncIterable<unknown>
    ? `${P}.${O & string}`
    : never;
}[keyof Ports[P]];
/** Operations that answer in pages: they are begun by whoever asks for the first. */
export const streams: ReadonlySet<string> = new Set(
  Object.keys({
    'tables.scan': true,
    'tables.query': true,
    'tables.readParquet': true,
    'warehouse.query': true,
    'warehouse.scan': true,
  } satisfies Record<{ [P in PortName]: StreamOf<P> }[PortName], true>),
);
