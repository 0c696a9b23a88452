/**
 * The oracle: what a feature row must be at (customer, lastSeq, asOfUs), recomputed by brute force from the trace.
 * Every order and click is a signed event and every order and device image has the span of seqs in which it is the
 * current one; a row is then a sum or a maximum over all of the customer's, nothing incremental, nothing remembered.
 *
 * It shares no code with any plane: only the definition of the view (feature-view.ts) and the trace.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { historySchemas } from '../../workloads/fact-schemas.js';
import { customerActivity, type Feature, type Window } from '../../workloads/feature-view.js';
import { historyFiles, readTrace } from '../../workloads/trace.js';
import { HarnessError } from '../errors.js';
import type { ColumnBatch } from '../ports/columns.js';
import { quoteText, readColumns } from '../ports/duckdb-columns.js';
import { withDuckDb } from '../record/column-files.js';
import { readChanges } from './trace-changes.js';

export interface RowVersion {
  readonly customer: number;
  readonly lastSeq: number;
  readonly asOfUs: number;
}
/** In the order of the view's features. */
export type Features = readonly (number | null)[];

export interface Oracle {
  /** The features that each row must have, in the order of `rows`. */
  evaluate(rows: readonly RowVersion[]): Promise<readonly Features[]>;
  /** What they would be if no order had ever been deleted. */
  evaluateUndeleted(rows: readonly RowVersion[]): Promise<readonly Features[]>;
  /**
   * Of each row the seq, nearest to its own lastSeq, at which the customer's features at `asOfUs` are the same; null if
   * there is none. At most the `candidates` nearest versions that agree in counts and sums are compared.
   */
  findVersions(
    rows: readonly (RowVersion & { readonly features: Features })[],
    same: (left: Features, right: Features) => boolean,
  ): Promise<readonly (number | null)[]>;
}

const { features } = customerActivity;
const candidates = 64;

export async function openOracle(traceDirectory: string): Promise<Oracle> {
  const facts = await loadFacts(traceDirectory);
  return {
    async evaluate(rows) {
      checkVersions(rows);
      return rows.map((row) => evaluateRow(facts, row, false));
    },
    async evaluateUndeleted(rows) {
      checkVersions(rows);
      return rows.map((row) => evaluateRow(facts, row, true));
    },
    async findVersions(rows, same) {
      // Whatever a plane served: fractions and astronomical numbers are no version of anything.
      const searchable = rows.map((row) => Number.isSafeInteger(mixOf(row.features)));
      checkVersions(rows.filter((_, i) => searchable[i]));
      return rows.map((row, i) => (searchable[i] ? findVersion(facts, row, same) : null));
    },
  };
}

function checkVersions(rows: readonly RowVersion[]): void {
  for (const { customer, lastSeq, asOfUs } of rows) {
    if (![customer, lastSeq, asOfUs].every((value) => Number.isSafeInteger(value) && value >= 0))
      throw new HarnessError(
        `the oracle was asked for customer ${customer} at seq ${lastSeq}, as of ${asOfUs}: integers from 0 on are expected`,
      );
  }
}

/** Rows of numbers, those of a customer side by side: of customer c from first[c] to before first[c + 1]. */
interface Table<Name extends string> {
  readonly first: Uint32Array;
  readonly columns: Readonly<Record<Name, Float64Array>>;
}

interface Facts {
  /** An insert adds its image, a delete takes it away, an update does both; history is there from seq 0. */
  readonly orders: Table<'seq' | 'sign' | 'atUs' | 'amountCents' | 'category' | 'deletes'>;
  readonly clicks: Table<'seq' | 'atUs'>;
  readonly orderImages: Table<keyof Span>;
  readonly deviceImages: Table<keyof Span>;
  /** By customer. */
  readonly highestSeq: Uint32Array;
}

async function loadFacts(directory: string): Promise<Facts> {
  const info = await readTrace(directory);
  const { customers } = info.contract;
  const orders = collect(['seq', 'sign', 'atUs', 'amountCents', 'category', 'deletes']);
  const clicks = collect(['seq', 'atUs']);
  const orderImages = collect(['entity', 'fromSeq', 'atUs', 'risk']);
  const deviceImages = collect(['entity', 'fromSeq', 'atUs', 'risk']);
  const highestSeq = new Uint32Array(customers);

  await withDuckDb(async (connection) => {
    for await (const { rows, columns } of readHistory(connection, directory, 'orders')) {
      const { customer, order_id, placed_us, amount_cents, category } = columns as Numbers;
      for (let i = 0; i < rows; i++) {
        orders.add(customer![i]!, 0, 1, placed_us![i]!, amount_cents![i]!, category![i]!, 0);
        orderImages.add(customer![i]!, order_id![i]!, 0, placed_us![i]!, 0);
      }
    }
    for await (const { rows, columns } of readHistory(connection, directory, 'clicks')) {
      const { customer, clicked_us } = columns as Numbers;
      for (let i = 0; i < rows; i++) clicks.add(customer![i]!, 0, clicked_us![i]!);
    }
    for await (const { rows, columns } of readHistory(connection, directory, 'devices')) {
      const { customer, device_id, seen_us, risk } = columns as Numbers;
      for (let i = 0; i < rows; i++) deviceImages.add(customer![i]!, device_id![i]!, 0, seen_us![i]!, risk![i]!);
    }
  });

  for await (const { rows, columns } of readChanges(directory, info)) {
    const { customer, seq, refusal, source, entity, event_us, amount_cents, category, risk } = columns as Numbers;
    const { before_event_us, before_amount_cents, before_category } = columns as Numbers;
    for (let i = 0; i < rows; i++) {
      const of = customer![i]!;
      const at = seq![i]!;
      highestSeq[of] = Math.max(highestSeq[of]!, at);
      if (refusal![i] !== 0) continue;
      const after = event_us![i] ?? null;
      if (source![i] === 0) {
        const before = before_event_us![i] ?? null;
        if (after !== null) orders.add(of, at, 1, after, amount_cents![i]!, category![i]!, 0);
        if (before !== null)
          orders.add(of, at, -1, before, before_amount_cents![i]!, before_category![i]!, after === null ? 1 : 0);
        orderImages.add(of, entity![i]!, at, after ?? Number.NaN, 0);
      }
      if (source![i] === 1) clicks.add(of, at, after!);
      if (source![i] === 2) deviceImages.add(of, entity![i]!, at, after!, risk![i]!);
    }
  }
  return {
    orders: orders.byCustomer(customers),
    clicks: clicks.byCustomer(customers),
    orderImages: spansOf(orderImages.byCustomer(customers)),
    deviceImages: spansOf(deviceImages.byCustomer(customers)),
    highestSeq,
  };
}

type Numbers = Readonly<Record<string, ArrayLike<number>>>;

function readHistory(
  connection: DuckDBConnection,
  directory: string,
  name: 'orders' | 'clicks' | 'devices',
): AsyncIterable<ColumnBatch> {
  const path = historyFiles(directory)[name];
  return readColumns(connection, `SELECT * FROM read_parquet(${quoteText(path)})`, historySchemas[name]);
}

/** Gathers rows of many customers. */
function collect<const Name extends string>(names: readonly Name[]) {
  const owners: number[] = [];
  const values = names.map((): number[] => []);
  return {
    add(customer: number, ...row: number[]): void {
      owners.push(customer);
      for (let i = 0; i < row.length; i++) values[i]!.push(row[i]!);
    },
    /** Those of a customer stay in the order in which they came. */
    byCustomer(customers: number): Table<Name> {
      const first = new Uint32Array(customers + 1);
      for (const customer of owners) first[customer + 1]!++;
      for (let customer = 0; customer < customers; customer++) first[customer + 1]! += first[customer]!;
      const next = first.slice();
      const places = owners.map((customer) => next[customer]!++);
      const columns = names.map((name, column) => {
        const placed = new Float64Array(owners.length);
        for (let row = 0; row < placed.length; row++) placed[places[row]!] = values[column]![row]!;
        return [name, placed] as const;
      });
      return { first, columns: Object.fromEntries(columns) as Record<Name, Float64Array> };
    },
  };
}

/** An image of an order or a device, and the seqs [fromSeq, toSeq) at which it is the current one of its entity. */
interface Span {
  readonly entity: number;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly atUs: number;
  readonly risk: number;
  /** 1: what ends it is a deletion. */
  readonly deleted: number;
}

/** A deletion, which has no time, has no image. */
function spansOf({ first, columns }: Table<'entity' | 'fromSeq' | 'atUs' | 'risk'>): Table<keyof Span> {
  const { entity, fromSeq, atUs, risk } = columns;
  const customers = first.length - 1;
  const spans = collect(['entity', 'fromSeq', 'toSeq', 'atUs', 'risk', 'deleted']);
  for (let customer = 0; customer < customers; customer++) {
    const images = Array.from({ length: first[customer + 1]! - first[customer]! }, (_, i) => first[customer]! + i);
    images.sort((a, b) => entity[a]! - entity[b]! || fromSeq[a]! - fromSeq[b]!);
    images.forEach((image, i) => {
      if (Number.isNaN(atUs[image]!)) return;
      const next = images[i + 1];
      const isReplaced = next !== undefined && entity[next] === entity[image];
      const toSeq = isReplaced ? fromSeq[next]! : Number.POSITIVE_INFINITY;
      const deleted = isReplaced && Number.isNaN(atUs[next]!) ? 1 : 0;
      spans.add(customer, entity[image]!, fromSeq[image]!, toSeq, atUs[image]!, risk[image]!, deleted);
    });
  }
  return spans.byCustomer(customers);
}

/** The rows of a customer; none of one that the trace does not know. */
function rangeOf({ first }: Table<string>, customer: number): readonly [from: number, to: number] {
  const to = first[customer + 1];
  return to === undefined ? [0, 0] : [first[customer]!, to];
}

type Counted = Extract<Feature, { kind: 'count' | 'sum' }>;
const counted = features.filter((feature): feature is Counted => feature.kind === 'count' || feature.kind === 'sum');
const countedOrders = counted.filter(({ source }) => source === 'orders');
const countedClicks = counted.filter(({ source }) => source === 'clicks');
const age = featureOf('age');
const top = featureOf('top');
const share = featureOf('top_share');
const latest = featureOf('latest');

function featureOf<Kind extends Feature['kind']>(kind: Kind): Extract<Feature, { kind: Kind }> {
  const found = features.filter((feature) => feature.kind === kind);
  if (found.length !== 1) throw new Error(`the oracle evaluates views with one feature of kind ${kind}`);
  return found[0] as Extract<Feature, { kind: Kind }>;
}

/** Where the window that is open at `asOfUs` begins, itself not in it: (floor(asOfUs, tile) - window, asOfUs]. */
function opensUs({ windowUs, tileUs }: Window, asOfUs: number): number {
  return asOfUs - (asOfUs % tileUs) - windowUs;
}

/** `isUndeleted`: as if no order had ever been deleted. */
function evaluateRow(facts: Facts, row: RowVersion, isUndeleted: boolean): Features {
  const values = new Map<Feature, number | null>();
  sumOrders(facts, row, isUndeleted, values);
  sumClicks(facts, row, values);
  values.set(age, ageOfLastOrder(facts, row, isUndeleted));
  values.set(latest, latestRisk(facts, row));
  return features.map((feature) => values.get(feature) ?? null);
}

/** Counts and sums of orders, and the category with most of them. */
function sumOrders(
  { orders }: Facts,
  row: RowVersion,
  isUndeleted: boolean,
  values: Map<Feature, number | null>,
): void {
  const { seq, sign, atUs, amountCents, category, deletes } = orders.columns;
  const opens = countedOrders.map(({ window }) => opensUs(window, row.asOfUs));
  const isSum = countedOrders.map(({ kind }) => kind === 'sum');
  const topOpens = opensUs(top.window, row.asOfUs);
  const sums = opens.map(() => 0);
  const ofCategory: number[] = [];
  let total = 0;
  const [from, to] = rangeOf(orders, row.customer);
  for (let event = from; event < to; event++) {
    const at = atUs[event]!;
    if (seq[event]! > row.lastSeq || at > row.asOfUs) continue;
    if (isUndeleted && deletes[event] === 1) continue;
    const one = sign[event]!;
    for (let f = 0; f < opens.length; f++) {
      if (at > opens[f]!) sums[f]! += isSum[f] ? one * amountCents[event]! : one;
    }
    if (at > topOpens) {
      ofCategory[category[event]!] = (ofCategory[category[event]!] ?? 0) + one;
      total += one;
    }
  }
  countedOrders.forEach((feature, f) => {
    values.set(feature, sums[f]!);
  });
  let most = 0;
  ofCategory.forEach((count, id) => {
    if (count <= most) return;
    most = count;
    values.set(top, id);
  });
  if (most > 0 && total !== 0) values.set(share, Math.trunc((most * 10_000) / total));
}

function sumClicks({ clicks }: Facts, row: RowVersion, values: Map<Feature, number | null>): void {
  const { seq, atUs } = clicks.columns;
  const opens = countedClicks.map(({ window }) => opensUs(window, row.asOfUs));
  const counts = opens.map(() => 0);
  const [from, to] = rangeOf(clicks, row.customer);
  for (let event = from; event < to; event++) {
    const at = atUs[event]!;
    if (seq[event]! > row.lastSeq || at > row.asOfUs) continue;
    for (let f = 0; f < opens.length; f++) if (at > opens[f]!) counts[f]!++;
  }
  countedClicks.forEach((feature, f) => {
    values.set(feature, counts[f]!);
  });
}

function ageOfLastOrder({ orderImages }: Facts, row: RowVersion, isUndeleted: boolean): number | null {
  const { fromSeq, toSeq, atUs, deleted } = orderImages.columns;
  const opens = opensUs(age.window, row.asOfUs);
  let lastUs = opens;
  const [from, to] = rangeOf(orderImages, row.customer);
  for (let image = from; image < to; image++) {
    const isOver = toSeq[image]! <= row.lastSeq && !(isUndeleted && deleted[image] === 1);
    if (fromSeq[image]! > row.lastSeq || isOver) continue;
    if (atUs[image]! <= row.asOfUs) lastUs = Math.max(lastUs, atUs[image]!);
  }
  return lastUs === opens ? null : row.asOfUs - lastUs;
}

/** Of the device that was seen last, the lowest on ties. */
function latestRisk({ deviceImages }: Facts, row: RowVersion): number | null {
  const { entity, fromSeq, toSeq, atUs, risk } = deviceImages.columns;
  let last = -1;
  const [from, to] = rangeOf(deviceImages, row.customer);
  for (let image = from; image < to; image++) {
    if (fromSeq[image]! > row.lastSeq || toSeq[image]! <= row.lastSeq) continue;
    const isLater = last < 0 || atUs[image]! > atUs[last]!;
    if (isLater || (atUs[image] === atUs[last] && entity[image]! < entity[last]!)) last = image;
  }
  return last < 0 ? null : risk[last]!;
}

/** Factors by which counts and sums are mixed into one number: equal rows have equal mixes, and few others have. */
const mixFactors = new Map(counted.map((feature, i) => [feature, mixFactor(feature, i)] as const));

function mixFactor({ kind }: Counted, i: number): number {
  return kind === 'sum' ? 3 + 2 * i : 1_000_003 + 20_002 * i;
}

function mixOf(row: Features): number {
  return counted.reduce((mix, feature) => mix + mixFactors.get(feature)! * (row[features.indexOf(feature)] ?? 0), 0);
}

/**
 * The mix of a row's counts and sums at every seq at once, as a running total over the customer's changes, finds the
 * versions that may be equal; those are then evaluated whole, nearest first.
 */
function findVersion(
  facts: Facts,
  row: RowVersion & { readonly features: Features },
  same: (left: Features, right: Features) => boolean,
): number | null {
  const highest = facts.highestSeq[row.customer] ?? 0;
  const mixes = mixesOf(facts, row, highest);
  const wanted = mixOf(row.features);
  let tried = 0;
  for (let off = Math.max(0, row.lastSeq - highest); ; off++) {
    const [below, above] = [row.lastSeq - off, row.lastSeq + off];
    if (below < 0 && above > highest) return null;
    for (const seq of off === 0 ? [below] : [below, above]) {
      if (mixes[seq] !== wanted) continue;
      if (same(evaluateRow(facts, { ...row, lastSeq: seq }, false), row.features)) return seq;
      if (++tried === candidates) return null;
    }
  }
}

/** By seq. */
function mixesOf({ orders, clicks }: Facts, { customer, asOfUs }: RowVersion, highest: number): Float64Array {
  const mixes = new Float64Array(highest + 1);
  const opens = counted.map(({ window }) => opensUs(window, asOfUs));
  const factors = counted.map((feature) => mixFactors.get(feature)!);
  const isSum = counted.map(({ kind }) => kind === 'sum');
  const isOfOrders = counted.map(({ source }) => source === 'orders');
  const add = (seq: number, at: number, sign: number, amountCents: number | null) => {
    if (at > asOfUs) return;
    for (let f = 0; f < counted.length; f++) {
      if (isOfOrders[f] !== (amountCents !== null) || at <= opens[f]!) continue;
      mixes[seq]! += factors[f]! * (isSum[f] ? sign * Number(amountCents) : sign);
    }
  };
  const [firstOrder, endOfOrders] = rangeOf(orders, customer);
  for (let event = firstOrder; event < endOfOrders; event++) {
    const { seq, atUs, sign, amountCents } = orders.columns;
    add(seq[event]!, atUs[event]!, sign[event]!, amountCents[event]!);
  }
  const [firstClick, endOfClicks] = rangeOf(clicks, customer);
  for (let event = firstClick; event < endOfClicks; event++) {
    add(clicks.columns.seq[event]!, clicks.columns.atUs[event]!, 1, null);
  }
  for (let seq = 1; seq <= highest; seq++) mixes[seq]! += mixes[seq - 1]!;
  return mixes;
}

export function sameFeatures(left: Features, right: Features): boolean {
  return left.length === right.length && left.every((value, i) => value === right[i]);
}
