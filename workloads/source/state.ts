/**
 * What the generated source database holds and a later change may refer to: the rows that history left and that every
 * sound change updates. Typed arrays over all customers, so that its size depends on nothing else.
 */
import type { Random } from '../../harness/random.js';
import type { Pools } from './pools.js';

/** Live orders remembered per customer; older ones are never touched again. */
export const ordersKept = 4;
/** Customer c owns the devices c and c + customers. */
export const devicesOwned = 2;

export interface SourceState {
  readonly customers: number;
  nextOrder: number;
  nextClick: number;
  /** Per customer, how many of its `ordersKept` places are taken. */
  readonly orders: Uint8Array;
  readonly orderId: Float64Array;
  readonly orderPlacedUs: Float64Array;
  readonly orderAmountCents: Int32Array;
  readonly orderCategory: Uint8Array;
  readonly orderStatus: Uint8Array;
  /** 0: none, else an index into `channels`. */
  readonly orderChannel: Uint8Array;
  /** Per device; -1: never seen. */
  readonly deviceSeenUs: Float64Array;
  readonly deviceRisk: Int32Array;
  /** Per customer, indices into the pools. */
  readonly name: Uint16Array;
  readonly email: Uint16Array;
  readonly phone: Uint16Array;
  readonly updatedUs: Float64Array;
}

export function createState(customers: number, pools: Pools, random: Random): SourceState {
  const places = customers * ordersKept;
  const devices = customers * devicesOwned;
  return {
    customers,
    nextOrder: 0,
    nextClick: 0,
    orders: new Uint8Array(customers),
    orderId: new Float64Array(places),
    orderPlacedUs: new Float64Array(places),
    orderAmountCents: new Int32Array(places),
    orderCategory: new Uint8Array(places),
    orderStatus: new Uint8Array(places),
    orderChannel: new Uint8Array(places),
    deviceSeenUs: new Float64Array(devices).fill(-1),
    deviceRisk: new Int32Array(devices),
    name: new Uint16Array(customers).map(() => random.below(pools.names.length)),
    email: new Uint16Array(customers).map(() => random.below(pools.emails.length)),
    phone: new Uint16Array(customers).map(() => random.below(pools.phones.length)),
    updatedUs: new Float64Array(customers),
  };
}

/** Remembers a live order, in the place of a random one when all are taken; returns its place. */
export function keepOrder(state: SourceState, customer: number, random: Random): number {
  const kept = state.orders[customer] as number;
  if (kept === ordersKept) return customer * ordersKept + random.below(ordersKept);
  state.orders[customer] = kept + 1;
  return customer * ordersKept + kept;
}

/** Forgets the order at a place: the customer's last one moves there. */
export function forgetOrder(state: SourceState, customer: number, place: number): void {
  const kept = (state.orders[customer] as number) - 1;
  state.orders[customer] = kept;
  const last = customer * ordersKept + kept;
  for (const column of [
    state.orderId,
    state.orderPlacedUs,
    state.orderAmountCents,
    state.orderCategory,
    state.orderStatus,
    state.orderChannel,
  ])
    column[place] = column[last] as number;
}

/** Cents, from 1 to some 650 dollars, small amounts more often. */
export function drawAmountCents(random: Random): number {
  return 100 + (random.bits() & ((1 << (7 + random.below(10))) - 1));
}

export const categories = 12;

/** Half of the orders fall into the customer's favourite category. */
export function drawCategory(random: Random, customer: number): number {
  return random.bits() & 1 ? customer % categories : random.below(categories);
}
