/** Ports that count what is asked of them: calls, rows or keys, bytes, apart for panel probes. */
import { isProbe } from '../processes/request.js';
import type { PortCounter } from '../record/facts.js';
import type { ChangeLog } from './change-log/port.js';
import type { OnlineStore } from './online-store/port.js';
import type { Ports } from './ports.js';
import type { TableStore } from './table-store/port.js';
import type { Warehouse } from './warehouse/port.js';

export type PortCounts = Omit<PortCounter, 'role' | 'windowCalls'>;

export interface Meter {
  count(port: string, operation: string, rows: number, bytes: number): void;
  counts(): PortCounts[];
}

export function createMeter(): Meter {
  const counters = new Map<string, { -readonly [K in keyof PortCounts]: PortCounts[K] }>();
  return {
    count(port, operation, rows, bytes) {
      const probe = isProbe();
      const key = `${port} ${operation} ${probe}`;
      let counter = counters.get(key);
      if (!counter) {
        counter = { port, operation, probe, calls: 0, rows: 0, bytes: 0 };
        counters.set(key, counter);
      }
      counter.calls++;
      counter.rows += rows;
      counter.bytes += bytes;
    },
    counts: () => [...counters.values()].map((counter) => ({ ...counter })),
  };
}

const sizeOf = (blocks: readonly Uint8Array[]) => blocks.reduce((sum, block) => sum + block.length, 0);

/** Opened at the first use of each, like the ports they wrap. */
export function meterPorts(ports: Ports, meter: Meter): Ports {
  const { count } = meter;
  return {
    get changeLog() {
      return once(this, 'changeLog', meterChangeLog(ports.changeLog, count));
    },
    get onlineStore() {
      return once(this, 'onlineStore', meterOnlineStore(ports.onlineStore, count));
    },
    get tables() {
      return once(this, 'tables', meterTables(ports.tables, count));
    },
    get warehouse() {
      return once(this, 'warehouse', meterWarehouse(ports.warehouse, count));
    },
  };
}

/** Replaces a getter by its value. */
function once<T>(owner: object, name: string, value: T): T {
  Object.defineProperty(owner, name, { value });
  return value;
}

const meterChangeLog = (log: ChangeLog, count: Meter['count']): ChangeLog => ({
  ...log,
  async append(topic, partition, entries) {
    count('changeLog', 'append', entries.length, sizeOf(entries));
    return log.append(topic, partition, entries);
  },
  async read(topic, partition, offset, limits) {
    const slice = await log.read(topic, partition, offset, limits);
    count('changeLog', 'read', slice.entries.length, sizeOf(slice.entries));
    return slice;
  },
});

const meterOnlineStore = (store: OnlineStore, count: Meter['count']): OnlineStore => ({
  ...store,
  async put(table, rows) {
    count('onlineStore', 'put', rows.keys.length, sizeOf(rows.values));
    return store.put(table, rows);
  },
  async get(table, keys) {
    const rows = await store.get(table, keys);
    const bytes = rows.reduce((sum, row) => sum + (row?.value.length ?? 0), 0);
    count('onlineStore', 'get', keys.length, bytes);
    return rows;
  },
});

const meterTables = (tables: TableStore, count: Meter['count']): TableStore => ({
  ...tables,
  async append(table, rows, txns) {
    count('tables', 'append', rows.rows, 0);
    return tables.append(table, rows, txns);
  },
  async upsert(table, rows, options) {
    count('tables', 'upsert', rows.rows, 0);
    return tables.upsert(table, rows, options);
  },
  async remove(table, keys, options) {
    count('tables', 'remove', keys.rows, 0);
    return tables.remove(table, keys, options);
  },
  async fold(spec) {
    const folded = await tables.fold(spec);
    count('tables', 'fold', folded.foldedRows, 0);
    return folded;
  },
  async derive(spec) {
    const derived = await tables.derive(spec);
    count('tables', 'derive', derived.rows, derived.bytes);
    return derived;
  },
});

const meterWarehouse = (warehouse: Warehouse, count: Meter['count']): Warehouse => ({
  ...warehouse,
  async stage(table, rows, position) {
    count('warehouse', 'stage', rows.rows, 0);
    return warehouse.stage(table, rows, position);
  },
  async refresh(spec) {
    const refreshed = await warehouse.refresh(spec);
    count('warehouse', 'refresh', refreshed.entities, 0);
    return refreshed;
  },
  async insert(table, query, position) {
    const inserted = await warehouse.insert(table, query, position);
    count('warehouse', 'insert', inserted.rows, 0);
    return inserted;
  },
  async read(view, keys) {
    count('warehouse', 'read', keys.length, 0);
    return warehouse.read(view, keys);
  },
});
