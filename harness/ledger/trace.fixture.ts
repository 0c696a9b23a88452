/** Traces written by hand, for tests: the folder that workloads/trace.ts describes, from changes given one by one. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import avro from 'avsc';
import { allocateBlock, opNames, type TableName, tableNames } from '../../workloads/change-batch.js';
import { rowSchemas } from '../../workloads/contracts/schemas.js';
import { historySchemas } from '../../workloads/fact-schemas.js';
import { type Refusal, refusals } from '../../workloads/refusals.js';
import type { TraceInfo } from '../../workloads/trace.js';
import { withDuckDb } from '../ports/duckdb.js';
import { appendColumns, createTableSql, quoteText } from '../ports/duckdb-columns.js';

export type Image = Readonly<Record<string, number | string>>;

export interface GivenChange {
  readonly customer: number;
  readonly seq: number;
  readonly table: TableName;
  readonly before: Image | null;
  readonly after: Image | null;
  readonly commitUs: number;
  readonly emitUs: number;
  readonly version?: number;
  /** What the generator says that it did; the change itself must be so. */
  readonly truth?: Refusal;
  /** Bytes in place of the Avro payload. */
  readonly payload?: Uint8Array;
}

export interface GivenTrace {
  readonly customers: number;
  readonly changes: readonly GivenChange[];
  readonly history?: Partial<Record<keyof typeof historySchemas, readonly Image[]>>;
  readonly personalSamples?: readonly string[];
}

/** Noon of 15 January 2026, UTC: a boundary of every tile. */
export const epochUs = 1_768_478_400_000_000;
export const slotUs = 10_000;
export const partitions = 2;
export const allowedLatenessUs = 1_000_000;

export async function writeTrace(directory: string, trace: GivenTrace): Promise<TraceInfo> {
  await mkdir(join(directory, 'history'), { recursive: true });
  const entries = entriesOf(trace.changes);
  const truth = entries.flatMap(({ changes }) => changes.map((change) => refusals.indexOf(change.truth ?? '')));
  await writeFile(join(directory, 'changes.bin'), Buffer.concat(entries.flatMap(encodeEntry)));
  await writeFile(join(directory, 'truth.bin'), Uint8Array.from(truth));
  await writeHistory(join(directory, 'history'), trace.history ?? {});
  const info = describeTrace(trace, entries.length);
  await writeFile(join(directory, 'trace.json'), JSON.stringify(info));
  return info;
}

interface Entry {
  readonly slotUs: number;
  readonly partition: number;
  readonly changes: GivenChange[];
}

function entriesOf(changes: readonly GivenChange[]): Entry[] {
  const entries = new Map<string, Entry>();
  for (const change of changes) {
    const partition = change.customer % partitions;
    const key = `${change.emitUs} ${partition}`;
    const entry = entries.get(key) ?? { slotUs: change.emitUs, partition, changes: [] };
    entries.set(key, entry);
    entry.changes.push(change);
  }
  return [...entries.values()].sort((a, b) => a.slotUs - b.slotUs || a.partition - b.partition);
}

function encodeEntry({ slotUs: atUs, partition, changes }: Entry): Uint8Array[] {
  const payloads = changes.map(encodePayload);
  const { block, batch } = allocateBlock(
    changes.length,
    payloads.reduce((bytes, payload) => bytes + payload.length, 0),
  );
  let end = 0;
  changes.forEach((change, i) => {
    batch.emitUs[i] = change.emitUs;
    batch.commitUs[i] = change.commitUs;
    batch.lsn[i] = i;
    batch.customer[i] = change.customer;
    batch.seq[i] = change.seq;
    batch.table[i] = tableNames.indexOf(change.table);
    batch.op[i] = opNames.indexOf(change.before === null ? 'c' : change.after === null ? 'd' : 'u');
    batch.schemaVersion[i] = change.version ?? 1;
    batch.payloads.set(payloads[i]!, end);
    end += payloads[i]!.length;
    batch.payloadEnd[i] = end;
  });
  const header = Buffer.alloc(16);
  header.writeDoubleLE(atUs, 0);
  header.writeUInt32LE(partition, 8);
  header.writeUInt32LE(block.length, 12);
  return [header, block];
}

function encodePayload({ table, version, before, after, payload }: GivenChange): Uint8Array {
  if (payload) return payload;
  const row = rowSchemas[table][(version ?? 1) - 1] ?? rowSchemas[table][0]!;
  const schema = {
    type: 'record',
    name: 'change',
    fields: [
      { name: 'before', type: ['null', row] },
      { name: 'after', type: ['null', row.name] },
    ],
  };
  const type = avro.Type.forSchema(schema as never);
  return type.toBuffer({ before, after });
}

async function writeHistory(directory: string, history: NonNullable<GivenTrace['history']>): Promise<void> {
  await withDuckDb(async (connection) => {
    for (const [name, schema] of Object.entries(historySchemas)) {
      const rows = history[name as keyof typeof historySchemas] ?? [];
      const columns = Object.fromEntries(schema.map((column) => [column.name, rows.map((row) => row[column.name]!)]));
      await connection.run(createTableSql(name, schema));
      await appendColumns(connection, name, schema, {
        rows: rows.length,
        columns: columns as Record<string, number[]>,
      });
      await connection.run(`COPY ${name} TO ${quoteText(join(directory, `${name}.parquet`))} (FORMAT parquet)`);
    }
  });
}

function describeTrace({ customers, changes, personalSamples }: GivenTrace, entries: number): TraceInfo {
  const contract = { topic: 'changes', partitions, customers, allowedLatenessUs, tokenKey: '00'.repeat(16) };
  const reads = { perSecond: 1, keysPerCall: 1, arrivals: { kind: 'constant' } } as const;
  return {
    schema: 'planebench.trace/1',
    seed: 1,
    epochUs,
    durationUs: Math.max(0, ...changes.map(({ emitUs }) => emitUs)) + slotUs - epochUs,
    workload: {
      contract,
      history: { facts: 0, days: 8, lullUs: 0 },
      changes: {
        perSecond: 1,
        slotUs,
        zipfMilli: 0,
        dirt: { duplicatePpm: 0, outOfOrderPpm: 0, latePpm: 0, violationPpm: 0 },
        evolveAfterUs: 0,
        breakAfterUs: 0,
        bursts: [],
        disturbances: [],
      },
      reads: { predict: reads, lookup: reads, timeoutUs: 1_000_000, zipfMilli: 0 },
      panel: { customers: 1, everyUs: 50_000 },
    },
    contract,
    changes: changes.length,
    entries,
    sha256: '',
    history: { facts: 0, parquetBytes: 0, columnBytes: 0 },
    panel: [0],
    personalSamples: personalSamples ?? [],
  };
}

export function order(id: number, customer: number, placedUs: number, amountCents = 100, category = 0): Image {
  return { order_id: id, customer, placed_us: placedUs, amount_cents: amountCents, category, status: 'placed' };
}

export function click(id: number, customer: number, clickedUs: number): Image {
  return { click_id: id, customer, clicked_us: clickedUs, product: 1, page: '/' };
}

export function device(id: number, customer: number, seenUs: number, risk: number): Image {
  return { device_id: id, customer, seen_us: seenUs, risk, user_agent: 'test' };
}
