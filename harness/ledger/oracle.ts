/**
 * The oracle: what a feature row must be at (customer, lastSeq, asOfUs), recomputed by brute force from the trace.
 * Every order and click is a signed event and every order and device image has the span of seqs in which it is the
 * current one; a row is then a sum or a maximum over all of the customer's, nothing remembered.
 *
 * It shares no code with any plane: only the definition of the view (feature-view.ts) and the trace.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { historySchemas } from '../../workloads/fact-schemas.js';
import {
  type AdditiveFeature,
  customerActivity,
  type Feature,
  isAdditive,
  type Window,
  windows,
} from '../../workloads/feature-view.js';
import { historyFiles, readTrace, type TraceInfo } from '../../workloads/trace.js';
import { takeTurns } from '../clock.js';
import { HarnessError } from '../errors.js';
import type { ColumnBatch } from '../ports/columns.js';
import { withDuckDb } from '../ports/duckdb.js';
import { appendColumns, createTableSql, quoteText, readColumns } from '../ports/duckdb-columns.js';
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

/** So many facts of history are in memory all the time; of a longer history those of the customers that are asked for. */
export const factsAtHand = 5_000_000;

export async function openOracle(traceDirectory: string, historyAtHand = factsAtHand): Promise<Oracle> {
  const info = await readTrace(traceDirectory);
  const factsOf =
    info.history.facts <= historyAtHand
      ? allAtHand(await loadFacts(traceDirectory, info, null))
      : someAtHand(traceDirectory, info);

  async function evaluate(rows: readonly RowVersion[], isUndeleted: boolean): Promise<Features[]> {
    checkVersions(rows);
    const evaluated = new Array<Features>(rows.length);
    for (const [facts, places] of groupBy(rows, await factsOf(rows))) {
      const own = evaluateRows(
        facts,
        places.map((place) => rows[place]!),
        isUndeleted,
      );
      places.forEach((place, i) => {
        evaluated[place] = own[i]!;
      });
    }
    return evaluated;
  }

  return {
    evaluate: (rows) => evaluate(rows, false),
    evaluateUndeleted: (rows) => evaluate(rows, true),
    async findVersions(rows, same) {
      // Whatever a plane served: fractions and astronomical numbers are no version of anything.
      const searchable = rows.map((row) => Number.isSafeInteger(mixOf(row.features)));
      const sought = rows.filter((_, i) => searchable[i]);
      checkVersions(sought);
      const facts = await factsOf(sought);
      return rows.map((row, i) => (searchable[i] ? findVersion(facts(row.customer), row, same) : null));
    },
  };
}

/** Answers, for versions that are about to be asked for, where the facts of each of their customers are. */
type FactsOf = (rows: readonly RowVersion[]) => Promise<(customer: number) => Facts>;

function allAtHand(facts: Facts): FactsOf {
  return async () => () => facts;
}

/** Each look through the history brings the facts of many customers: first of those with changes, which are all asked for. */
function someAtHand(directory: string, info: TraceInfo): FactsOf {
  const known = new Map<number, Facts>();
  const inTurn = takeTurns();

  async function bring(wanted: ReadonlySet<number>): Promise<void> {
    const missing = new Set(Array.from(wanted).filter((customer) => !known.has(customer)));
    if (missing.size === 0) return;
    if (known.size === 0) for (const customer of await changedCustomers(directory, info)) missing.add(customer);
    const facts = await loadFacts(directory, info, missing);
    for (const customer of missing) known.set(customer, facts);
  }

  return async (rows) => {
    const wanted = new Set(rows.map(({ customer }) => customer));
    await inTurn(() => bring(wanted));
    return (customer) => known.get(customer)!;
  };
}

async function changedCustomers(directory: string, info: TraceInfo): Promise<Set<number>> {
  const changed = new Set<number>();
  for await (const { rows, columns } of readChanges(directory, info))
    for (let i = 0; i < rows; i++) changed.add(columns.customer[i]!);
  return changed;
}

/** Places of rows by where the facts of their customers are. */
function groupBy(rows: readonly RowVersion[], factsOf: (customer: number) => Facts): Map<Facts, number[]> {
  const groups = new Map<Facts, number[]>();
  rows.forEach(({ customer }, place) => {
    const facts = factsOf(customer);
    const group = groups.get(facts);
    if (group) group.push(place);
    else groups.set(facts, [place]);
  });
  return groups;
}

function checkVersions(rows: readonly RowVersion[]): void {
  for (const { customer, lastSeq, asOfUs } of rows) {
    if (![customer, lastSeq, asOfUs].every((value) => Number.isSafeInteger(value) && value >= 0))
      throw new HarnessError(
        `the oracle was asked for customer ${customer} at seq ${lastSeq}, as of ${asOfUs}: integers from 0 on are expected`,
      );
  }
}

const arrayOf = {
  seq: Uint32Array,
  sign: Int8Array,
  atUs: Float64Array,
  amountCents: Float64Array,
  category: Int32Array,
  deletes: Uint8Array,
  entity: Float64Array,
  fromSeq: Uint32Array,
  toSeq: Uint32Array,
  risk: Int32Array,
  deleted: Uint8Array,
} as const;
type ColumnName = keyof typeof arrayOf;
type Numbers = InstanceType<(typeof arrayOf)[ColumnName]>;

/** Rows of numbers, those of a customer side by side: of customer c from first[c] to before first[c + 1]. */
interface Table<Name extends ColumnName> {
  readonly first: Uint32Array;
  readonly columns: Readonly<Record<Name, Numbers>>;
}

/** `deletes` is 1 where a deletion takes an order away. */
const signedColumns = ['seq', 'sign', 'atUs', 'amountCents', 'category', 'deletes'] as const;
/** A click is only ever added. */
const clickColumns = ['seq', 'atUs'] as const;
const imageColumns = ['entity', 'fromSeq', 'atUs'] as const;
const orderSpanColumns = ['fromSeq', 'toSeq', 'atUs', 'deleted'] as const;
const deviceSpanColumns = ['entity', 'fromSeq', 'toSeq', 'atUs', 'risk'] as const;

interface Facts {
  /** An insert adds its image, a delete takes it away, an update does both; history is there from seq 0. */
  readonly orders: Table<(typeof signedColumns)[number]>;
  readonly clicks: Table<(typeof clickColumns)[number]>;
  readonly orderSpans: Table<(typeof orderSpanColumns)[number]>;
  readonly deviceSpans: Table<(typeof deviceSpanColumns)[number]>;
  /** Categories are the integers below. */
  readonly categories: number;
  /** By customer. */
  readonly highestSeq: Uint32Array;
}

/** `only`: the customers whose facts are wanted; null: all. */
async function loadFacts(directory: string, info: TraceInfo, only: ReadonlySet<number> | null): Promise<Facts> {
  const { customers } = info.contract;
  const orders = collect(signedColumns);
  const clicks = collect(clickColumns);
  const orderImages = collect(imageColumns);
  const deviceImages = collect([...imageColumns, 'risk']);
  const highestSeq = new Uint32Array(customers);

  await withDuckDb(async (connection) => {
    if (only !== null) await nameCustomers(connection, only);
    const which = only === null ? '' : ` SEMI JOIN ${wanted} USING (customer)`;
    for await (const { rows, columns } of readHistory(connection, directory, 'orders', which)) {
      const { customer, order_id, placed_us, amount_cents, category } = columns as Read;
      for (let i = 0; i < rows; i++) {
        addEvent(orders, customer![i]!, 0, 1, placed_us![i]!, amount_cents![i]!, category![i]!, 0);
        addImage(orderImages, customer![i]!, order_id![i]!, 0, placed_us![i]!);
      }
    }
    for await (const { rows, columns } of readHistory(connection, directory, 'clicks', which)) {
      const { customer, clicked_us } = columns as Read;
      for (let i = 0; i < rows; i++) addClick(clicks, customer![i]!, 0, clicked_us![i]!);
    }
    for await (const { rows, columns } of readHistory(connection, directory, 'devices', which)) {
      const { customer, device_id, seen_us, risk } = columns as Read;
      for (let i = 0; i < rows; i++) addDevice(deviceImages, customer![i]!, device_id![i]!, 0, seen_us![i]!, risk![i]!);
    }
  });

  for await (const { rows, columns } of readChanges(directory, info)) {
    const { customer, seq, refusal, source, entity, event_us, amount_cents, category, risk } = columns;
    const { before_event_us, before_amount_cents, before_category } = columns;
    for (let i = 0; i < rows; i++) {
      const of = customer[i]!;
      const at = seq[i]!;
      if (only !== null && !only.has(of)) continue;
      highestSeq[of] = Math.max(highestSeq[of]!, at);
      if (refusal[i] !== 0) continue;
      const after = event_us[i]!;
      if (source[i] === 0) {
        const before = before_event_us[i]!;
        const isDeletion = Number.isNaN(after);
        if (!isDeletion) addEvent(orders, of, at, 1, after, amount_cents[i]!, category[i]!, 0);
        if (!Number.isNaN(before))
          addEvent(orders, of, at, -1, before, before_amount_cents[i]!, before_category[i]!, isDeletion ? 1 : 0);
        addImage(orderImages, of, entity[i]!, at, after);
      }
      if (source[i] === 1) addClick(clicks, of, at, after);
      if (source[i] === 2) addDevice(deviceImages, of, entity[i]!, at, after, risk[i]!);
    }
  }
  const signedOrders = orders.byCustomer(customers);
  let highest = 0;
  for (const category of signedOrders.columns.category) highest = Math.max(highest, category);
  return {
    orders: signedOrders,
    categories: 1 + highest,
    clicks: clicks.byCustomer(customers),
    orderSpans: spansOfOrders(orderImages.byCustomer(customers)),
    deviceSpans: spansOfDevices(deviceImages.byCustomer(customers)),
    highestSeq,
  };
}

type Read = Readonly<Record<string, ArrayLike<number>>>;

function readHistory(
  connection: DuckDBConnection,
  directory: string,
  name: 'orders' | 'clicks' | 'devices',
  which: string,
): AsyncIterable<ColumnBatch> {
  const path = historyFiles(directory)[name];
  return readColumns(connection, `SELECT * FROM read_parquet(${quoteText(path)})${which}`, historySchemas[name]);
}

/** A table of the session. */
const wanted = 'wanted';

async function nameCustomers(connection: DuckDBConnection, customers: ReadonlySet<number>): Promise<void> {
  const schema = [{ name: 'customer', type: 'int', nullable: false }] as const;
  await connection.run(createTableSql(wanted, schema, 'TEMP TABLE'));
  const batch = { rows: customers.size, columns: { customer: Float64Array.from(customers) } };
  await appendColumns(connection, wanted, schema, batch);
}

type Columns<Name extends ColumnName> = { [Column in Name]: InstanceType<(typeof arrayOf)[Column]> };

interface Collected<Name extends ColumnName> {
  /** To be filled in the row that `add` answers; others once it has been called again. */
  columns: Columns<Name>;
  add(customer: number): number;
  /** Those of a customer stay in the order in which they came. Once: what was gathered is given up. */
  byCustomer(customers: number): Table<Name>;
}

/** Gathers rows of many customers, in as few bytes as their values need: there may be tens of millions. */
function collect<const Name extends ColumnName>(names: readonly Name[]): Collected<Name> {
  let capacity = 1024;
  let count = 0;
  let owners = new Uint32Array(capacity);
  const allocate = (rows: number) =>
    Object.fromEntries(names.map((name) => [name, new arrayOf[name](rows)])) as Columns<Name>;
  const grow = () => {
    capacity = Math.ceil(capacity * 1.5);
    owners = grown(owners, new Uint32Array(capacity));
    for (const name of names)
      collected.columns[name] = grown<Numbers>(collected.columns[name], new arrayOf[name](capacity)) as never;
  };
  const collected: Collected<Name> = {
    columns: allocate(capacity),
    add(customer) {
      if (count === capacity) grow();
      owners[count] = customer;
      return count++;
    },
    byCustomer(customers) {
      const first = new Uint32Array(customers + 1);
      for (let row = 0; row < count; row++) first[owners[row]! + 1]!++;
      for (let customer = 0; customer < customers; customer++) first[customer + 1]! += first[customer]!;
      const next = first.slice();
      const places = new Uint32Array(count);
      for (let row = 0; row < count; row++) places[row] = next[owners[row]!]!++;
      const columns = Object.fromEntries(
        names.map((name) => {
          const placed = new arrayOf[name](count);
          const gathered = collected.columns[name];
          // Two loops, as one over all kinds of arrays takes five times as long as over the few of each.
          if (gathered instanceof Float64Array) placeWide(gathered, places, placed as Float64Array);
          else place(gathered as Exclude<Numbers, Float64Array>, places, placed as Exclude<Numbers, Float64Array>);
          collected.columns[name] = new arrayOf[name](0) as never;
          return [name, placed];
        }),
      ) as Columns<Name>;
      return { first, columns };
    },
  };
  return collected;
}

function placeWide(gathered: Float64Array, places: Uint32Array, placed: Float64Array): void {
  for (let row = 0; row < places.length; row++) placed[places[row]!] = gathered[row]!;
}

function place(
  gathered: Exclude<Numbers, Float64Array>,
  places: Uint32Array,
  placed: Exclude<Numbers, Float64Array>,
): void {
  for (let row = 0; row < places.length; row++) placed[places[row]!] = gathered[row]!;
}

function addEvent(
  events: Collected<(typeof signedColumns)[number]>,
  customer: number,
  seq: number,
  sign: number,
  atUs: number,
  amountCents: number,
  category: number,
  deletes: number,
): void {
  const row = events.add(customer);
  const { columns } = events;
  columns.seq[row] = seq;
  columns.sign[row] = sign;
  columns.atUs[row] = atUs;
  columns.amountCents[row] = amountCents;
  columns.category[row] = category;
  columns.deletes[row] = deletes;
}

function addClick(clicks: Collected<(typeof clickColumns)[number]>, customer: number, seq: number, atUs: number): void {
  const row = clicks.add(customer);
  clicks.columns.seq[row] = seq;
  clicks.columns.atUs[row] = atUs;
}

type Images = Pick<Collected<(typeof imageColumns)[number]>, 'add' | 'columns'>;

function addImage(images: Images, customer: number, entity: number, fromSeq: number, atUs: number): number {
  const row = images.add(customer);
  const { columns } = images;
  columns.entity[row] = entity;
  columns.fromSeq[row] = fromSeq;
  columns.atUs[row] = atUs;
  return row;
}

function addDevice(
  devices: Collected<(typeof imageColumns)[number] | 'risk'>,
  customer: number,
  entity: number,
  fromSeq: number,
  atUs: number,
  risk: number,
): void {
  const row = addImage(devices, customer, entity, fromSeq, atUs);
  devices.columns.risk[row] = risk;
}

function grown<Kind extends Numbers>(old: Kind, larger: Kind): Kind {
  larger.set(old);
  return larger;
}

/** No seq is so high. */
const endless = 2 ** 32 - 1;

/**
 * Every image of an order or a device with the end of the seqs [fromSeq, toSeq) at which it is the current one of its entity;
 * `deleted`: what ends it is a deletion. A deletion, which has no time, has no image.
 */
function forEachSpan(
  { first, columns: { entity, fromSeq, atUs } }: Table<(typeof imageColumns)[number]>,
  take: (customer: number, image: number, toSeq: number, deleted: boolean) => void,
): void {
  for (let customer = 0; customer < first.length - 1; customer++) {
    const images = Array.from({ length: first[customer + 1]! - first[customer]! }, (_, i) => first[customer]! + i);
    images.sort((a, b) => entity[a]! - entity[b]! || fromSeq[a]! - fromSeq[b]!);
    images.forEach((image, i) => {
      if (Number.isNaN(atUs[image]!)) return;
      const next = images[i + 1];
      const isReplaced = next !== undefined && entity[next] === entity[image];
      take(customer, image, isReplaced ? fromSeq[next]! : endless, isReplaced && Number.isNaN(atUs[next]!));
    });
  }
}

function spansOfOrders(images: Table<(typeof imageColumns)[number]>): Facts['orderSpans'] {
  const spans = collect(orderSpanColumns);
  forEachSpan(images, (customer, image, toSeq, deleted) => {
    const row = spans.add(customer);
    spans.columns.fromSeq[row] = images.columns.fromSeq[image]!;
    spans.columns.toSeq[row] = toSeq;
    spans.columns.atUs[row] = images.columns.atUs[image]!;
    spans.columns.deleted[row] = deleted ? 1 : 0;
  });
  return spans.byCustomer(images.first.length - 1);
}

function spansOfDevices(images: Table<(typeof imageColumns)[number] | 'risk'>): Facts['deviceSpans'] {
  const spans = collect(deviceSpanColumns);
  forEachSpan(images, (customer, image, toSeq) => {
    const row = spans.add(customer);
    spans.columns.entity[row] = images.columns.entity[image]!;
    spans.columns.fromSeq[row] = images.columns.fromSeq[image]!;
    spans.columns.toSeq[row] = toSeq;
    spans.columns.atUs[row] = images.columns.atUs[image]!;
    spans.columns.risk[row] = images.columns.risk[image]!;
  });
  return spans.byCustomer(images.first.length - 1);
}

/** The rows of a customer; none of one that the trace does not know. */
function rangeOf({ first }: Pick<Table<ColumnName>, 'first'>, customer: number): readonly [from: number, to: number] {
  const to = first[customer + 1];
  return to === undefined ? [0, 0] : [first[customer]!, to];
}

const counted = features.filter(isAdditive);
const age = featureOf('age');
const top = featureOf('top');
const share = featureOf('top_share');
const latest = featureOf('latest');

const placeOf = (feature: Feature) => features.indexOf(feature);
const [agePlace, topPlace, sharePlace, latestPlace] = [age, top, share, latest].map(placeOf) as [
  number,
  number,
  number,
  number,
];

/** Where in a row the features stand that count or sum what lies in a window. By window. */
const windowPlaces = windows.map((window) => {
  const find = (kind: AdditiveFeature['kind'], source: AdditiveFeature['source']) =>
    features.findIndex((feature) => feature.kind === kind && feature.source === source && feature.window === window);
  return { orders: find('count', 'orders'), cents: find('sum', 'orders'), clicks: find('count', 'clicks') };
});
const placed = windowPlaces.flatMap((places) => Object.values(places));
if (placed.includes(-1) || placed.length !== counted.length)
  throw new Error(
    'the oracle evaluates views that count orders and clicks and sum the cents of orders, in each window',
  );

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
function evaluateRows(facts: Facts, rows: readonly RowVersion[], isUndeleted: boolean): Features[] {
  const order = Array.from(rows.keys()).sort((a, b) => compareVersions(rows[a]!, rows[b]!));
  const evaluated = new Array<Features>(rows.length);
  for (let from = 0; from < order.length; ) {
    const { customer, asOfUs } = rows[order[from]!]!;
    let to = from;
    const isSame = (row: RowVersion | undefined) => row?.customer === customer && row.asOfUs === asOfUs;
    while (isSame(rows[order[to] ?? -1])) to++;
    const places = order.slice(from, to);
    const seqs = Float64Array.from(places, (place) => rows[place]!.lastSeq);
    const moment = evaluateMoment(facts, { customer, asOfUs, seqs, isUndeleted });
    places.forEach((place, k) => {
      evaluated[place] = moment[k]!;
    });
    from = to;
  }
  return evaluated;
}

function compareVersions(left: RowVersion, right: RowVersion): number {
  return left.customer - right.customer || left.asOfUs - right.asOfUs || left.lastSeq - right.lastSeq;
}

/** A customer at one moment, at each of these seqs, which ascend: they share a look at each of its events. */
interface Moment {
  readonly customer: number;
  readonly asOfUs: number;
  readonly seqs: Float64Array;
  readonly isUndeleted: boolean;
}

type Row = (number | null)[];

/** One row a seq. */
function evaluateMoment(facts: Facts, moment: Moment): Features[] {
  const rows: Row[] = [];
  while (rows.length < moment.seqs.length) rows.push(features.map(() => null));
  const opens = windows.map((window) => opensUs(window, moment.asOfUs));
  sumOrders(facts, moment, opens, rows);
  countClicks(facts, moment, opens, rows);
  findLastOrder(facts, moment, rows);
  findLatestDevice(facts, moment, rows);
  return rows;
}

/** The first of the seqs at which what came with `seq` is there; their number if it is at none. */
function firstFrom(seqs: Float64Array, seq: number): number {
  if (seq <= seqs[0]!) return 0;
  let low = 1;
  let high = seqs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (seqs[middle]! < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of rows of this width, each with those before it: what came with a seq is there at every later one. */
function accumulate(rows: Float64Array, width: number): void {
  for (let place = width; place < rows.length; place++) rows[place]! += rows[place - width]!;
}

/** Their counts and sums in each window, by where it opens, and the category that has most of them. */
function sumOrders(facts: Facts, moment: Moment, opens: readonly number[], rows: readonly Row[]): void {
  const { customer, asOfUs, seqs, isUndeleted } = moment;
  const { seq, atUs, sign, amountCents, category, deletes } = facts.orders.columns;
  const earliestUs = Math.min(...opens);
  const topUs = opensUs(top.window, asOfUs);
  const width = 2 * windows.length;
  // By seq and window: how many, and their cents.
  const sums = new Float64Array(seqs.length * width);
  const ofCategories = new Float64Array(seqs.length * facts.categories);
  const [from, to] = rangeOf(facts.orders, customer);
  for (let event = from; event < to; event++) {
    const at = atUs[event]!;
    if (at > asOfUs || at <= earliestUs || (isUndeleted && deletes[event] === 1)) continue;
    const k = firstFrom(seqs, seq[event]!);
    if (k === seqs.length) continue;
    const one = sign[event]!;
    const cents = one * amountCents[event]!;
    for (let w = 0; w < windows.length; w++) {
      if (at <= opens[w]!) continue;
      sums[k * width + 2 * w]! += one;
      sums[k * width + 2 * w + 1]! += cents;
    }
    if (at > topUs) ofCategories[k * facts.categories + category[event]!]! += one;
  }
  accumulate(sums, width);
  accumulate(ofCategories, facts.categories);
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k]!;
    for (let w = 0; w < windows.length; w++) {
      const { orders, cents } = windowPlaces[w]!;
      row[orders] = sums[k * width + 2 * w]!;
      row[cents] = sums[k * width + 2 * w + 1]!;
    }
    findTopCategory(ofCategories, k * facts.categories, (k + 1) * facts.categories, row);
  }
}

/** The category with most orders, the lowest on ties, and its share in basis points. */
function findTopCategory(counts: Float64Array, from: number, to: number, row: Row): void {
  let most = 0;
  let total = 0;
  for (let at = from; at < to; at++) {
    const count = counts[at]!;
    total += count;
    if (count <= most) continue;
    most = count;
    row[topPlace] = at - from;
  }
  if (most > 0 && total !== 0) row[sharePlace] = Math.trunc((most * 10_000) / total);
}

function countClicks({ clicks }: Facts, moment: Moment, opens: readonly number[], rows: readonly Row[]): void {
  const { customer, asOfUs, seqs } = moment;
  const { seq, atUs } = clicks.columns;
  const earliestUs = Math.min(...opens);
  const width = windows.length;
  const counts = new Float64Array(seqs.length * width);
  const [from, to] = rangeOf(clicks, customer);
  for (let event = from; event < to; event++) {
    const at = atUs[event]!;
    if (at > asOfUs || at <= earliestUs) continue;
    const k = firstFrom(seqs, seq[event]!);
    if (k === seqs.length) continue;
    for (let w = 0; w < width; w++) if (at > opens[w]!) counts[k * width + w]!++;
  }
  accumulate(counts, width);
  for (let k = 0; k < rows.length; k++)
    for (let w = 0; w < width; w++) rows[k]![windowPlaces[w]!.clicks] = counts[k * width + w]!;
}

function findLastOrder({ orderSpans }: Facts, moment: Moment, rows: readonly Row[]): void {
  const { customer, asOfUs, seqs, isUndeleted } = moment;
  const { fromSeq, toSeq, atUs, deleted } = orderSpans.columns;
  const opens = opensUs(age.window, asOfUs);
  const lastUs = new Float64Array(seqs.length).fill(opens);
  let everywhereUs = opens;
  const [from, to] = rangeOf(orderSpans, customer);
  for (let image = from; image < to; image++) {
    const at = atUs[image]!;
    if (at > asOfUs || at <= everywhereUs) continue;
    const isEndless = isUndeleted && deleted[image] === 1;
    const first = firstFrom(seqs, fromSeq[image]!);
    const end = isEndless ? seqs.length : firstFrom(seqs, toSeq[image]!);
    if (first === 0 && end === seqs.length) everywhereUs = at;
    else for (let k = first; k < end; k++) lastUs[k] = Math.max(lastUs[k]!, at);
  }
  for (let k = 0; k < rows.length; k++) {
    const last = Math.max(lastUs[k]!, everywhereUs);
    if (last !== opens) rows[k]![agePlace] = asOfUs - last;
  }
}

/** The risk of the device that was seen last, the lowest on ties. */
function findLatestDevice({ deviceSpans }: Facts, { customer, seqs }: Moment, rows: readonly Row[]): void {
  const { entity, fromSeq, toSeq, atUs, risk } = deviceSpans.columns;
  const last = new Int32Array(seqs.length).fill(-1);
  const [from, to] = rangeOf(deviceSpans, customer);
  for (let image = from; image < to; image++) {
    const end = firstFrom(seqs, toSeq[image]!);
    for (let k = firstFrom(seqs, fromSeq[image]!); k < end; k++) {
      const known = last[k]!;
      const isLater = known < 0 || atUs[image]! > atUs[known]!;
      if (isLater || (atUs[image] === atUs[known] && entity[image]! < entity[known]!)) last[k] = image;
    }
  }
  for (let k = 0; k < rows.length; k++) if (last[k]! >= 0) rows[k]![latestPlace] = risk[last[k]!]!;
}

/** Factors by which counts and sums are mixed into one number: equal rows have equal mixes, and few others have. */
const mixFactors = new Map(counted.map((feature, i) => [feature, mixFactor(feature, i)] as const));

function mixFactor({ kind }: AdditiveFeature, i: number): number {
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
      const [evaluated] = evaluateRows(facts, [{ ...row, lastSeq: seq }], false);
      if (same(evaluated!, row.features)) return seq;
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
  accumulate(mixes, 1);
  return mixes;
}

export function sameFeatures(left: Features, right: Features): boolean {
  return left.length === right.length && left.every((value, i) => value === right[i]);
}
