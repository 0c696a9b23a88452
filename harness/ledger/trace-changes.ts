/**
 * The changes of a trace as the ledger understands them: decoded here, with plain Avro and the contract's rules written
 * out once more, so that a mistake of the planes' decoder cannot hide. What the generator says of each change
 * (truth.bin) must agree with what is found here; a trace on which they differ proves nothing and is an error.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import avro, { type Type } from 'avsc';
import { type ChangeBatch, tableNames, viewBlock } from '../../workloads/change-batch.js';
import { rowSchemas } from '../../workloads/contracts/schemas.js';
import { refusals } from '../../workloads/refusals.js';
import { createSeqIndex } from '../../workloads/seq-index.js';
import { readEntries, type TraceInfo } from '../../workloads/trace.js';
import { HarnessError } from '../errors.js';

/** Of a change. What one does not have, as a refused one has nothing behind `source`, is NaN. */
const columnNames = [
  'customer',
  'seq',
  /** 0 if sound. */
  'refusal',
  'source',
  'entity',
  'event_us',
  'amount_cents',
  'category',
  'risk',
  'before_event_us',
  'before_amount_cents',
  'before_category',
] as const;
type ColumnName = (typeof columnNames)[number];

export interface TraceChanges {
  readonly rows: number;
  readonly columns: Readonly<Record<ColumnName, Float64Array>>;
}

const batchRows = 16_384;
const duplicate = refusals.indexOf('duplicate');

/**
 * Every change once, by its first emission: all those of `seq` 1 to the highest of the customer. The columns are used again
 * for the next of them.
 */
export async function* readChanges(directory: string, info: TraceInfo): AsyncIterable<TraceChanges> {
  const truth = await readFile(join(directory, 'truth.bin'));
  const seen = createSeqIndex(info.contract.customers);
  const columns = Object.fromEntries(columnNames.map((name) => [name, new Float64Array(batchRows)])) as Columns;
  let rows = 0;
  let at = 0;
  for await (const { block } of readEntries(directory)) {
    const batch = viewBlock(block);
    const payloads = Buffer.from(batch.payloads.buffer, batch.payloads.byteOffset, batch.payloads.byteLength);
    for (let i = 0; i < batch.count; i++, at++) {
      const { refusal, images } = decodeChange(batch, payloads, i, info);
      const isCopy = !seen.add(batch.customer[i]!, batch.seq[i]!);
      compareWithTruth(batch, i, truth[at], isCopy ? duplicate : refusal);
      if (isCopy) continue;
      writeChange(columns, rows++, batch, i, refusal, images);
      if (rows < batchRows) continue;
      yield { rows, columns };
      rows = 0;
    }
  }
  if (at !== truth.length)
    throw new HarnessError(`${directory}: changes.bin has ${at} changes, truth.bin tells of ${truth.length}`);
  yield { rows, columns };
}

function compareWithTruth(batch: ChangeBatch, i: number, told: number | undefined, found: number): void {
  if (told === found) return;
  const name = (code: number | undefined) => (code === undefined ? 'nothing' : refusals[code] || 'sound');
  throw new HarnessError(
    `trace: change ${batch.seq[i]} of customer ${batch.customer[i]} was generated as ${name(told)}, the ledger finds it ${name(found)}. One of the two misunderstands the contract; no run on this trace can be judged.`,
  );
}

type Columns = Record<ColumnName, Float64Array>;

function writeChange(
  columns: Columns,
  row: number,
  batch: ChangeBatch,
  i: number,
  refusal: number,
  images: Images | null,
): void {
  const source = tableNames[batch.table[i]!]!;
  const before = images?.before ?? null;
  const after = images?.after ?? null;
  columns.customer[row] = batch.customer[i]!;
  columns.seq[row] = batch.seq[i]!;
  columns.refusal[row] = refusal;
  columns.source[row] = batch.table[i]!;
  const identified = after ?? before;
  columns.entity[row] = identified ? identified[entityFields[source]]! : Number.NaN;
  columns.event_us[row] = after ? after[timeFields[source]]! : Number.NaN;
  columns.amount_cents[row] = after?.amount_cents ?? Number.NaN;
  columns.category[row] = after?.category ?? Number.NaN;
  columns.risk[row] = after?.risk ?? Number.NaN;
  columns.before_event_us[row] = before ? before[timeFields[source]]! : Number.NaN;
  columns.before_amount_cents[row] = before?.amount_cents ?? Number.NaN;
  columns.before_category[row] = before?.category ?? Number.NaN;
}

type Image = Readonly<Record<string, number>>;
interface Images {
  readonly before: Image | null;
  readonly after: Image | null;
}

const entityFields = { orders: 'order_id', clicks: 'click_id', devices: 'device_id', customers: 'customer' } as const;
const timeFields = { orders: 'placed_us', clicks: 'clicked_us', devices: 'seen_us', customers: 'updated_us' } as const;

/** The contract's rules, by table: which operations (c, u, d), which schema versions, which bounds. */
const rules = {
  orders: { ops: [0, 1, 2], versions: [1, 2], bounds: { amount_cents: 100_000_000, category: 11 } },
  clicks: { ops: [0], versions: [1], bounds: { product: 0x7fffffff } },
  devices: { ops: [0, 1], versions: [1], bounds: { risk: 1_000 } },
  customers: { ops: [0, 1], versions: [1], bounds: {} },
} as const;
const create = 0;
const remove = 2;

/** By table and version. */
const types = tableNames.map((table) =>
  rules[table].versions.reduce<Type[]>((byVersion, version) => {
    const row = rowSchemas[table][version - 1]!;
    const change = {
      type: 'record',
      name: 'change',
      fields: [
        { name: 'before', type: ['null', row] },
        { name: 'after', type: ['null', row.name] },
      ],
    } as const;
    byVersion[version] = avro.Type.forSchema(change as never);
    return byVersion;
  }, []),
);

/** By table: the fields with bounds, and the highest value of each. */
const boundsOf = Object.fromEntries(tableNames.map((table) => [table, Object.entries(rules[table].bounds)]));

function decodeChange(
  batch: ChangeBatch,
  payloads: Buffer,
  i: number,
  info: TraceInfo,
): { refusal: number; images: Images | null } {
  const refused = (reason: (typeof refusals)[number]) => ({ refusal: refusals.indexOf(reason), images: null });
  if (batch.emitUs[i]! - batch.commitUs[i]! > info.contract.allowedLatenessUs) return refused('late');
  const table = tableNames[batch.table[i]!]!;
  const type = types[batch.table[i]!]?.[batch.schemaVersion[i]!];
  if (!type) return refused('incompatible_schema');
  const images = decodeImages(type, payloads, i === 0 ? 0 : batch.payloadEnd[i - 1]!, batch.payloadEnd[i]!);
  const op = batch.op[i]!;
  if (!images || !(rules[table].ops as readonly number[]).includes(op)) return refused('undecodable');
  const { before, after } = images;
  if ((before === null) !== (op === create) || (after === null) !== (op === remove)) return refused('undecodable');
  const customer = batch.customer[i]!;
  const commitUs = batch.commitUs[i]!;
  const sound =
    (before === null || isSound(table, before, customer, commitUs)) &&
    (after === null || isSound(table, after, customer, commitUs));
  const entity = entityFields[table];
  const same = before === null || after === null || before[entity] === after[entity];
  if (!sound || !same || customer >= info.contract.customers) return refused('out_of_range');
  return { refusal: 0, images };
}

/** Null: what lies between is not one value of the type, neither less nor more. */
function decodeImages(type: Type, payloads: Buffer, from: number, to: number): Images | null {
  try {
    const { value, offset } = type.decode(payloads, from);
    return offset === to ? value : null;
  } catch {
    return null;
  }
}

function isSound(table: keyof typeof rules, image: Image, customer: number, commitUs: number): boolean {
  if (image.customer !== customer) return false;
  if (!isBetween(image[timeFields[table]], commitUs)) return false;
  if (!isBetween(image[entityFields[table]], Number.MAX_SAFE_INTEGER)) return false;
  for (const [field, highest] of boundsOf[table]!) if (!isBetween(image[field], highest)) return false;
  return true;
}

function isBetween(value: number | undefined, highest: number): boolean {
  return value !== undefined && value >= 0 && value <= highest;
}
