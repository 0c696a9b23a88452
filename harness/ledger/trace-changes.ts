/**
 * The changes of a trace as the ledger understands them: decoded here, with plain Avro and the contract's rules written
 * out once more, so that a mistake of the planes' decoder cannot hide. What the generator says of each change
 * (truth.bin) must agree with what is found here; a trace on which they differ proves nothing and is an error.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import avro, { type Type } from 'avsc';
import { type ChangeBatch, payloadOf, tableNames, viewBlock } from '../../workloads/change-batch.js';
import { rowSchemas } from '../../workloads/contracts/schemas.js';
import { refusals } from '../../workloads/refusals.js';
import { readEntries, type TraceInfo } from '../../workloads/trace.js';
import { HarnessError } from '../errors.js';
import type { ColumnBatch, Schema } from '../ports/columns.js';
import { numberChanges } from './change-numbers.js';

/** Every change once, by its first emission: all those of `seq` 1 to the highest of the customer. */
export const changeColumns = [
  { name: 'customer', type: 'int', nullable: false },
  { name: 'seq', type: 'int', nullable: false },
  /** 0 if sound; the columns that follow are null in a refused change. */
  { name: 'refusal', type: 'int', nullable: false },
  { name: 'source', type: 'int', nullable: false },
  { name: 'entity', type: 'int', nullable: true },
  { name: 'event_us', type: 'int', nullable: true },
  { name: 'amount_cents', type: 'int', nullable: true },
  { name: 'category', type: 'int', nullable: true },
  { name: 'risk', type: 'int', nullable: true },
  { name: 'before_event_us', type: 'int', nullable: true },
  { name: 'before_amount_cents', type: 'int', nullable: true },
  { name: 'before_category', type: 'int', nullable: true },
] as const satisfies Schema;
type ColumnName = (typeof changeColumns)[number]['name'];
type Values = Record<ColumnName, (number | null)[]>;

const batchRows = 16_384;
const duplicate = refusals.indexOf('duplicate');

export async function* readChanges(directory: string, info: TraceInfo): AsyncIterable<ColumnBatch> {
  const truth = await readFile(join(directory, 'truth.bin'));
  const numbers = await numberChanges(directory, info);
  const seen = new Uint8Array(numbers.changes);
  let values = emptyValues();
  let at = 0;
  for await (const { block } of readEntries(directory)) {
    const batch = viewBlock(block);
    for (let i = 0; i < batch.count; i++, at++) {
      const number = numbers.numberOf(batch.customer[i]!, batch.seq[i]!);
      const { refusal, images } = decodeChange(batch, i, info);
      const copy = seen[number] === 1;
      compareWithTruth(batch, i, truth[at], copy ? duplicate : refusal);
      if (!copy) pushChange(values, batch, i, refusal, images);
      seen[number] = 1;
    }
    if (values.seq.length < batchRows) continue;
    yield { rows: values.seq.length, columns: values };
    values = emptyValues();
  }
  if (at !== truth.length)
    throw new HarnessError(`${directory}: changes.bin has ${at} changes, truth.bin tells of ${truth.length}`);
  yield { rows: values.seq.length, columns: values };
}

function compareWithTruth(batch: ChangeBatch, i: number, told: number | undefined, found: number): void {
  if (told === found) return;
  const name = (code: number | undefined) => (code === undefined ? 'nothing' : refusals[code] || 'sound');
  throw new HarnessError(
    `trace: change ${batch.seq[i]} of customer ${batch.customer[i]} was generated as ${name(told)}, the ledger finds it ${name(found)}. One of the two misunderstands the contract; no run on this trace can be judged.`,
  );
}

function emptyValues(): Values {
  return Object.fromEntries(changeColumns.map(({ name }) => [name, []])) as unknown as Values;
}

function pushChange(values: Values, batch: ChangeBatch, i: number, refusal: number, images: Images | null): void {
  const source = tableNames[batch.table[i]!]!;
  const before = images?.before ?? null;
  const after = images?.after ?? null;
  values.customer.push(batch.customer[i]!);
  values.seq.push(batch.seq[i]!);
  values.refusal.push(refusal);
  values.source.push(batch.table[i]!);
  const identified = after ?? before;
  values.entity.push(identified ? identified[entityFields[source]]! : null);
  values.event_us.push(after ? after[timeFields[source]]! : null);
  values.amount_cents.push(after?.amount_cents ?? null);
  values.category.push(after?.category ?? null);
  values.risk.push(after?.risk ?? null);
  values.before_event_us.push(before ? before[timeFields[source]]! : null);
  values.before_amount_cents.push(before?.amount_cents ?? null);
  values.before_category.push(before?.category ?? null);
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
const boundsOf = tableNames.map((table) => Object.entries(rules[table].bounds));

function decodeChange(batch: ChangeBatch, i: number, info: TraceInfo): { refusal: number; images: Images | null } {
  const refused = (reason: (typeof refusals)[number]) => ({ refusal: refusals.indexOf(reason), images: null });
  if (batch.emitUs[i]! - batch.commitUs[i]! > info.contract.allowedLatenessUs) return refused('late');
  const table = tableNames[batch.table[i]!]!;
  const type = types[batch.table[i]!]?.[batch.schemaVersion[i]!];
  if (!type) return refused('incompatible_schema');
  const images = decodeImages(type, payloadOf(batch, i));
  const op = batch.op[i]!;
  if (!images || !(rules[table].ops as readonly number[]).includes(op)) return refused('undecodable');
  const { before, after } = images;
  if ((before === null) !== (op === create) || (after === null) !== (op === remove)) return refused('undecodable');
  const customer = batch.customer[i]!;
  const entity = entityFields[table];
  const isSoundImage = (image: Image | null) => image === null || isSound(table, image, customer, batch.commitUs[i]!);
  const sound = isSoundImage(before) && isSoundImage(after);
  const same = before === null || after === null || before[entity] === after[entity];
  if (!sound || !same || customer >= info.contract.customers) return refused('out_of_range');
  return { refusal: 0, images };
}

function decodeImages(type: Type, payload: Uint8Array): Images | null {
  try {
    return type.fromBuffer(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength));
  } catch {
    return null;
  }
}

function isSound(table: keyof typeof rules, image: Image, customer: number, commitUs: number): boolean {
  const between = (value: number | undefined, highest: number) => value !== undefined && value >= 0 && value <= highest;
  return (
    image.customer === customer &&
    between(image[timeFields[table]], commitUs) &&
    between(image[entityFields[table]], Number.MAX_SAFE_INTEGER) &&
    boundsOf[tableNames.indexOf(table)]!.every(([field, highest]) => between(image[field], highest))
  );
}
