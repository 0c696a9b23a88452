/**
 * History: the facts of the days before the run, as columns. Event times lie before the epoch, sorted within a table;
 * they crowd towards the epoch, so that every tile of every window is filled, and one fact in sixteen falls exactly on
 * the boundary of a tile, where off-by-one errors live.
 */
import type { ColumnBatch } from '../../harness/ports/columns.js';
import type { Random } from '../../harness/random.js';
import { dayUs, hourUs } from '../durations.js';
import type { historySchemas } from '../fact-schemas.js';
import { windows } from '../feature-view.js';
import type { KeySampler } from '../keys.js';
import { emailOf, type Pools } from './pools.js';
import { drawAmountCents, drawCategory, keepOrder, type SourceState } from './state.js';

export type HistoryTable = keyof typeof historySchemas;
export type History = Readonly<Record<HistoryTable, ColumnBatch>>;

export interface HistoryOptions {
  readonly epochUs: number;
  /** Of orders, clicks and devices together; customers come beside it, one row each. */
  readonly facts: number;
  readonly days: number;
  readonly drawCustomer: KeySampler;
  readonly pools: Pools;
  readonly random: Random;
}

export const products = 10_000;

/** Generates history and leaves what later changes may refer to in `state`. */
export function generateHistory(options: HistoryOptions, state: SourceState): History {
  const devices = Math.min(state.customers, Math.floor(options.facts / 10));
  const orders = Math.floor((options.facts * 4) / 10);
  return {
    orders: generateOrders(options, state, orders),
    clicks: generateClicks(options, state, options.facts - devices - orders),
    devices: generateDevices(options, state, devices),
    customers: generateCustomers(options, state),
  };
}

function generateOrders(options: HistoryOptions, state: SourceState, rows: number): ColumnBatch {
  const random = options.random.fork('orders');
  const placed = eventTimes(options, rows, random);
  const id = new Float64Array(rows);
  const customers = new Float64Array(rows);
  const amounts = new Int32Array(rows);
  const categories = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    const customer = options.drawCustomer(random);
    const place = keepOrder(state, customer, random);
    id[i] = state.orderId[place] = state.nextOrder++;
    customers[i] = customer;
    state.orderPlacedUs[place] = placed[i] as number;
    amounts[i] = state.orderAmountCents[place] = drawAmountCents(random);
    categories[i] = state.orderCategory[place] = drawCategory(random, customer);
    state.orderStatus[place] = 0;
    state.orderChannel[place] = 0;
  }
  return {
    rows,
    columns: { order_id: id, customer: customers, placed_us: placed, amount_cents: amounts, category: categories },
  };
}

function generateClicks(options: HistoryOptions, state: SourceState, rows: number): ColumnBatch {
  const random = options.random.fork('clicks');
  const clicked = eventTimes(options, rows, random);
  const id = new Float64Array(rows);
  const customers = new Float64Array(rows);
  const product = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    id[i] = state.nextClick++;
    customers[i] = options.drawCustomer(random);
    product[i] = random.below(products);
  }
  return { rows, columns: { click_id: id, customer: customers, clicked_us: clicked, product } };
}

/** Device c of customer c, for the first `rows` customers. */
function generateDevices(options: HistoryOptions, state: SourceState, rows: number): ColumnBatch {
  const random = options.random.fork('devices');
  const id = Float64Array.from({ length: rows }, (_, customer) => customer);
  const seen = new Float64Array(rows);
  const risk = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    seen[i] = state.deviceSeenUs[i] = beforeEpoch(options, Math.floor(random.unit() * options.days * dayUs));
    risk[i] = state.deviceRisk[i] = random.below(1_001);
  }
  return { rows, columns: { device_id: id, customer: id, seen_us: seen, risk } };
}

function generateCustomers(options: HistoryOptions, state: SourceState): ColumnBatch {
  const random = options.random.fork('customers');
  const { pools } = options;
  const rows = state.customers;
  const ids = Float64Array.from({ length: rows }, (_, customer) => customer);
  for (let i = 0; i < rows; i++)
    state.updatedUs[i] = beforeEpoch(options, Math.floor(random.unit() * options.days * dayUs));
  return {
    rows,
    columns: {
      customer: ids,
      name: Array.from(state.name, (index) => pools.names[index] as string),
      email: Array.from(state.email, (index, customer) => emailOf(pools, customer, index)),
      phone: Array.from(state.phone, (index) => pools.phones[index] as string),
      updated_us: state.updatedUs.slice(),
    },
  };
}

function eventTimes(options: HistoryOptions, rows: number, random: Random): Float64Array {
  const spanUs = options.days * dayUs;
  const times = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const draw = random.below(16);
    const window = windows[random.below(windows.length)];
    const reachUs = draw < 9 ? spanUs : draw < 12 ? dayUs : draw < 15 ? hourUs : (window?.windowUs ?? spanUs);
    const atUs = beforeEpoch(options, Math.floor(random.unit() * Math.min(reachUs, spanUs)));
    times[i] = draw === 15 && window ? atUs - (atUs % window.tileUs) : atUs;
  }
  return times.sort();
}

function beforeEpoch({ epochUs }: HistoryOptions, ageUs: number): number {
  return epochUs - 1 - ageUs;
}
