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
/** Some rows of a table, after those of the part before; the table of one part follows that of another once. */
export interface HistoryPart {
  readonly table: HistoryTable;
  readonly batch: ColumnBatch;
}

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

/** Bounds the memory of history: of a table only its times are all there at once, because they are sorted. */
const rowsPerPart = 1_000_000;

/** Generates history part by part and leaves what later changes may refer to in `state`, when the last part was taken. */
export function* generateHistory(options: HistoryOptions, state: SourceState): Iterable<HistoryPart> {
  const devices = Math.min(state.customers, Math.floor(options.facts / 10));
  const orders = Math.floor((options.facts * 4) / 10);
  yield* generateOrders(options, state, orders);
  yield* generateClicks(options, state, options.facts - devices - orders);
  yield* generateDevices(options, state, devices);
  yield* generateCustomers(options, state);
}

/** At least one part, though it may have no rows. */
function* partsOf(rows: number): Iterable<{ readonly first: number; readonly rows: number }> {
  for (let first = 0; first === 0 || first < rows; first += rowsPerPart)
    yield { first, rows: Math.min(rowsPerPart, rows - first) };
}

function* generateOrders(options: HistoryOptions, state: SourceState, all: number): Iterable<HistoryPart> {
  const random = options.random.fork('orders');
  const placed = eventTimes(options, all, random);
  for (const { first, rows } of partsOf(all)) {
    const id = new Float64Array(rows);
    const customers = new Float64Array(rows);
    const placedUs = placed.slice(first, first + rows);
    const amounts = new Int32Array(rows);
    const categories = new Int32Array(rows);
    for (let i = 0; i < rows; i++) {
      const customer = options.drawCustomer(random);
      const place = keepOrder(state, customer, random);
      id[i] = state.orderId[place] = state.nextOrder++;
      customers[i] = customer;
      state.orderPlacedUs[place] = placedUs[i] as number;
      amounts[i] = state.orderAmountCents[place] = drawAmountCents(random);
      categories[i] = state.orderCategory[place] = drawCategory(random, customer);
      state.orderStatus[place] = 0;
      state.orderChannel[place] = 0;
    }
    const columns = { order_id: id, customer: customers, placed_us: placedUs };
    yield { table: 'orders', batch: { rows, columns: { ...columns, amount_cents: amounts, category: categories } } };
  }
}

function* generateClicks(options: HistoryOptions, state: SourceState, all: number): Iterable<HistoryPart> {
  const random = options.random.fork('clicks');
  const clicked = eventTimes(options, all, random);
  for (const { first, rows } of partsOf(all)) {
    const id = new Float64Array(rows);
    const customers = new Float64Array(rows);
    const product = new Int32Array(rows);
    for (let i = 0; i < rows; i++) {
      id[i] = state.nextClick++;
      customers[i] = options.drawCustomer(random);
      product[i] = random.below(products);
    }
    const columns = { click_id: id, customer: customers, clicked_us: clicked.slice(first, first + rows), product };
    yield { table: 'clicks', batch: { rows, columns } };
  }
}

/** Device c of customer c, for the first `all` customers. */
function* generateDevices(options: HistoryOptions, state: SourceState, all: number): Iterable<HistoryPart> {
  const random = options.random.fork('devices');
  for (const { first, rows } of partsOf(all)) {
    const id = Float64Array.from({ length: rows }, (_, i) => first + i);
    const seen = new Float64Array(rows);
    const risk = new Int32Array(rows);
    for (let i = 0; i < rows; i++) {
      const device = first + i;
      seen[i] = state.deviceSeenUs[device] = beforeEpoch(options, Math.floor(random.unit() * options.days * dayUs));
      risk[i] = state.deviceRisk[device] = random.below(1_001);
    }
    yield { table: 'devices', batch: { rows, columns: { device_id: id, customer: id, seen_us: seen, risk } } };
  }
}

function* generateCustomers(options: HistoryOptions, state: SourceState): Iterable<HistoryPart> {
  const random = options.random.fork('customers');
  const { pools } = options;
  for (const { first, rows } of partsOf(state.customers)) {
    const end = first + rows;
    for (let customer = first; customer < end; customer++)
      state.updatedUs[customer] = beforeEpoch(options, Math.floor(random.unit() * options.days * dayUs));
    const columns = {
      customer: Float64Array.from({ length: rows }, (_, i) => first + i),
      name: Array.from(state.name.subarray(first, end), (index) => pools.names[index] as string),
      email: Array.from(state.email.subarray(first, end), (index, i) => emailOf(pools, first + i, index)),
      phone: Array.from(state.phone.subarray(first, end), (index) => pools.phones[index] as string),
      updated_us: state.updatedUs.slice(first, end),
    };
    yield { table: 'customers', batch: { rows, columns } };
  }
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
