/** Facts of history, as columns by customer: for the rows of a backfill and of a rebuild. */
import type { ColumnBatch, IntValues } from '../../harness/ports/columns.js';
import { addClick, addOrder, type CustomerState, seeDevice } from './customer-state.js';

/** The columns of each history table that the rows need. */
export const factColumns = {
  orders: ['customer', 'order_id', 'placed_us', 'amount_cents', 'category'],
  clicks: ['customer', 'clicked_us'],
  devices: ['customer', 'device_id', 'seen_us', 'risk'],
} as const;
export type FactName = keyof typeof factColumns;
export const factNames = Object.keys(factColumns) as FactName[];

export interface HistoryFacts {
  /** Adds the facts of a customer to its state. */
  addTo(state: CustomerState, customer: number): void;
  forEachOrder(customer: number, visit: (id: number, placedUs: number) => void): void;
  forEachDevice(customer: number, visit: (id: number, seenUs: number, risk: number) => void): void;
}

/** `batches`: per table, parts of it with at least the columns above. Facts of customers at `customers` and above are ignored. */
export function indexFacts(
  batches: Readonly<Record<FactName, readonly ColumnBatch[]>>,
  customers: number,
): HistoryFacts {
  const orders = groupFacts(batches.orders, factColumns.orders, customers);
  const clicks = groupFacts(batches.clicks, factColumns.clicks, customers);
  const devices = groupFacts(batches.devices, factColumns.devices, customers);
  const reach = (state: CustomerState, us: number) => {
    if (us > state.latestUs) state.latestUs = us;
  };
  return {
    addTo(state, customer) {
      const { order_id, placed_us, amount_cents, category } = orders.columns;
      for (let i = orders.start(customer); i < orders.start(customer + 1); i++) {
        addOrder(state, order_id[i]!, placed_us[i]!, amount_cents[i]!, category[i]!);
        reach(state, placed_us[i]!);
      }
      const { clicked_us } = clicks.columns;
      for (let i = clicks.start(customer); i < clicks.start(customer + 1); i++) {
        addClick(state, clicked_us[i]!);
        reach(state, clicked_us[i]!);
      }
      const { device_id, seen_us, risk } = devices.columns;
      for (let i = devices.start(customer); i < devices.start(customer + 1); i++) {
        seeDevice(state, device_id[i]!, seen_us[i]!, risk[i]!);
        reach(state, seen_us[i]!);
      }
    },
    forEachOrder(customer, visit) {
      const { order_id, placed_us } = orders.columns;
      for (let i = orders.start(customer); i < orders.start(customer + 1); i++) visit(order_id[i]!, placed_us[i]!);
    },
    forEachDevice(customer, visit) {
      const { device_id, seen_us, risk } = devices.columns;
      for (let i = devices.start(customer); i < devices.start(customer + 1); i++)
        visit(device_id[i]!, seen_us[i]!, risk[i]!);
    },
  };
}

interface GroupedFacts<Name extends string> {
  /** In the order of customers. */
  readonly columns: Readonly<Record<Name, Float64Array>>;
  /** Where the facts of a customer begin. */
  start(customer: number): number;
}

/** A counting sort by customer. */
function groupFacts<Name extends string>(
  batches: readonly ColumnBatch[],
  names: readonly Name[],
  customers: number,
): GroupedFacts<Name> {
  const starts = new Uint32Array(customers + 1);
  for (const batch of batches) {
    const of = batch.columns.customer as IntValues;
    for (let i = 0; i < batch.rows; i++) {
      const customer = of[i] as number;
      if (customer < customers) starts[customer + 1] = (starts[customer + 1] as number) + 1;
    }
  }
  for (let customer = 0; customer < customers; customer++)
    starts[customer + 1] = (starts[customer + 1] as number) + (starts[customer] as number);
  const columns = Object.fromEntries(
    names.map((name) => [name, new Float64Array(starts[customers] as number)]),
  ) as Record<Name, Float64Array>;
  const next = starts.slice();
  for (const batch of batches) {
    const of = batch.columns.customer as IntValues;
    const places = new Float64Array(batch.rows);
    for (let i = 0; i < batch.rows; i++) {
      const customer = of[i] as number;
      places[i] = customer < customers ? (next[customer] as number) : -1;
      if (customer < customers) next[customer] = (next[customer] as number) + 1;
    }
    for (const name of names) {
      const from = batch.columns[name] as IntValues;
      const into = columns[name];
      for (let i = 0; i < batch.rows; i++) if (places[i] !== -1) into[places[i] as number] = from[i] as number;
    }
  }
  return { columns, start: (customer) => starts[customer] as number };
}
