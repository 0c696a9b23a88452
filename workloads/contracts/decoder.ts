/**
 * From a batch of changes to checked columns. The reasons for refusal are tried in a fixed order, so that every plane
 * and the ledger name the same one: late, incompatible_schema, undecodable, out_of_range.
 */
import { type ChangeBatch, type opNames, tableNames } from '../change-batch.js';
import type { DecodedBatch } from '../data-contract.js';
import { refusals } from '../refusals.js';
import { type ChangeReader, contractRegistry, type Image, type Images } from './registry.js';
import { rowSchemas } from './schemas.js';

/** Bounds of the values; both ends are allowed. */
export const bounds = { amountCents: 100_000_000, category: 11, risk: 1_000 } as const;

const late = refusals.indexOf('late');
const incompatible = refusals.indexOf('incompatible_schema');
const undecodable = refusals.indexOf('undecodable');
const outOfRange = refusals.indexOf('out_of_range');

const [create, update, remove] = [0, 1, 2] as const satisfies readonly (keyof typeof opNames)[];
const [orders, clicks, devices, customers] = [0, 1, 2, 3] as const;

/** The operations that each table may undergo, by table code. */
const allowedOps: readonly (readonly number[])[] = [
  [create, update, remove],
  [create],
  [create, update],
  [create, update],
];

export interface DecoderOptions {
  readonly customers: number;
  readonly allowedLatenessUs: number;
  readonly tokenise: (personal: string) => string;
}

export function createDecoder(options: DecoderOptions): (batch: ChangeBatch) => DecodedBatch {
  const { allowedLatenessUs, tokenise } = options;
  const readers = changeReaders();
  let columns = emptyColumns(0);

  /** Returns the reason to refuse change i, 0 if it is sound; its columns are then filled. */
  const decodeChange = (batch: ChangeBatch, payloads: Buffer, i: number): number => {
    const commitUs = batch.commitUs[i] as number;
    if ((batch.emitUs[i] as number) - commitUs > allowedLatenessUs) return late;
    const table = batch.table[i] as number;
    const reader = readers[table]?.[(batch.schemaVersion[i] as number) - 1];
    if (!reader) return incompatible;

    const start = i === 0 ? 0 : (batch.payloadEnd[i - 1] as number);
    let images: Images;
    try {
      const { value, offset } = reader.read(payloads, start);
      if (offset !== batch.payloadEnd[i]) return undecodable;
      images = value;
    } catch {
      return undecodable;
    }
    const { before, after } = images;
    const op = batch.op[i] as number;
    if (!allowedOps[table]?.includes(op)) return undecodable;
    if ((before === null) !== (op === create) || (after === null) !== (op === remove)) return undecodable;

    const customer = batch.customer[i] as number;
    if (customer >= options.customers) return outOfRange;
    if (before !== null && !soundImage(table, before, customer, commitUs)) return outOfRange;
    if (after !== null && !soundImage(table, after, customer, commitUs)) return outOfRange;
    const entity = entityOf(table, (after ?? before) as Image);
    if (before !== null && entityOf(table, before) !== entity) return outOfRange;

    columns.entity[i] = entity;
    columns.eventUs[i] = after === null ? -1 : eventUsOf(table, after);
    columns.beforeEventUs[i] = before === null ? -1 : eventUsOf(table, before);
    const order = table === orders;
    columns.amountCents[i] = order && after !== null ? (after.amount_cents as number) : -1;
    columns.category[i] = order && after !== null ? (after.category as number) : -1;
    columns.beforeAmountCents[i] = order && before !== null ? (before.amount_cents as number) : -1;
    columns.beforeCategory[i] = order && before !== null ? (before.category as number) : -1;
    columns.risk[i] = table === devices && after !== null ? (after.risk as number) : -1;
    if (table === customers && after !== null) {
      columns.emailToken[i] = tokenise(after.email as string);
      columns.phoneToken[i] = tokenise(after.phone as string);
    }
    return 0;
  };

  return (batch) => {
    const { count } = batch;
    columns = columnsFor(count, columns);
    const payloads = Buffer.from(batch.payloads.buffer, batch.payloads.byteOffset, batch.payloads.byteLength);
    for (let i = 0; i < count; i++) {
      const refusal = decodeChange(batch, payloads, i);
      columns.refusal[i] = refusal;
      if (refusal !== 0) blank(columns, i);
    }
    return columns;
  };
}

/** By table and version. The schemas are the same for every contract, and are compiled once a process. */
function changeReaders(): NonNullable<typeof compiled> {
  if (compiled) return compiled;
  const registry = contractRegistry();
  compiled = tableNames.map((table) => rowSchemas[table].map((_, index) => registry.reader(table, index + 1)));
  return compiled;
}

let compiled: (ChangeReader | null)[][] | undefined;

export type Columns = { -readonly [Name in keyof DecodedBatch]: DecodedBatch[Name] } & {
  readonly emailToken: (string | null)[];
  readonly phoneToken: (string | null)[];
};

/** For so many changes, without tokens; those of the call before where they are long enough. */
export function columnsFor(count: number, before = emptyColumns(0)): Columns {
  const { length } = before.refusal;
  const columns = length < count ? emptyColumns(Math.max(count, 2 * length)) : before;
  columns.count = count;
  columns.emailToken.fill(null, 0, count);
  columns.phoneToken.fill(null, 0, count);
  return columns;
}

function emptyColumns(capacity: number): Columns {
  return {
    count: 0,
    refusal: new Uint8Array(capacity),
    entity: new Float64Array(capacity),
    eventUs: new Float64Array(capacity),
    amountCents: new Int32Array(capacity),
    category: new Int32Array(capacity),
    risk: new Int32Array(capacity),
    beforeEventUs: new Float64Array(capacity),
    beforeAmountCents: new Int32Array(capacity),
    beforeCategory: new Int32Array(capacity),
    emailToken: new Array<string | null>(capacity).fill(null),
    phoneToken: new Array<string | null>(capacity).fill(null),
  };
}

function blank(columns: Columns, i: number): void {
  columns.entity[i] = -1;
  columns.eventUs[i] = -1;
  columns.amountCents[i] = -1;
  columns.category[i] = -1;
  columns.risk[i] = -1;
  columns.beforeEventUs[i] = -1;
  columns.beforeAmountCents[i] = -1;
  columns.beforeCategory[i] = -1;
}

function entityOf(table: number, image: Image): number {
  switch (table) {
    case orders:
      return image.order_id as number;
    case clicks:
      return image.click_id as number;
    case devices:
      return image.device_id as number;
    default:
      return image.customer as number;
  }
}

function eventUsOf(table: number, image: Image): number {
  switch (table) {
    case orders:
      return image.placed_us as number;
    case clicks:
      return image.clicked_us as number;
    case devices:
      return image.seen_us as number;
    default:
      return image.updated_us as number;
  }
}

/** The image is the envelope's customer's, comes from no future and keeps the bounds. */
function soundImage(table: number, image: Image, customer: number, commitUs: number): boolean {
  if (image.customer !== customer) return false;
  if (!within(eventUsOf(table, image), commitUs) || !within(entityOf(table, image), Number.MAX_SAFE_INTEGER))
    return false;
  switch (table) {
    case orders:
      return (
        within(image.amount_cents as number, bounds.amountCents) && within(image.category as number, bounds.category)
      );
    case clicks:
      return within(image.product as number, 0x7fffffff);
    case devices:
      return within(image.risk as number, bounds.risk);
    default:
      return true;
  }
}

function within(value: number, highest: number): boolean {
  return value >= 0 && value <= highest;
}
