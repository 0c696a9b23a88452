/** What the table store does in a second on this machine: calibration and regressions, not a measure of any plane. */
import { existsSync, mkdtempSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeSchema } from '../../../workloads/fact-schemas.js';
import { hostClock, monotonicUs } from '../../clock.js';
import { type Random, seededRandom } from '../../random.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { appendColumns, createTableSql, quoteText } from '../duckdb-columns.js';
import type { Action, AddFile } from './delta/actions.js';
import { localObjects } from './delta/local-objects.js';
import { openDeltaLog } from './delta/log.js';
import { encodeSchema } from './delta/schema-string.js';
import { checkpointEvery } from './delta/table-properties.js';
import { openTableStore } from './embedded.js';
import { openEngine } from './engine.js';

interface Benchmark {
  readonly name: string;
  readonly perSecond: number;
  readonly unit: string;
}

const rowsPerCommit = 10_000;
const commits = 40;
const warmUp = 5;

export async function tableStoreBenchmarks(): Promise<Benchmark[]> {
  const directory = mkdtempSync(join(tmpdir(), 'planebench-bench-'));
  const store = openTableStore({ directory, clock: hostClock });
  try {
    await store.create('changes', changeSchema);
    await store.create('current', changeSchema);
    const random = seededRandom(1);
    const batches = Array.from({ length: commits + warmUp }, (_, i) => changes(random, i * rowsPerCommit));
    const append = (i: number) => store.append('changes', batches[i]!, [{ appId: 'bench', version: i }]);

    for (let i = 0; i < warmUp; i++) await append(i);
    const appendUs = await durationUs(async () => {
      for (let i = warmUp; i < batches.length; i++) await append(i);
    });
    const emptyUs = await durationUs(async () => {
      for (let i = 0; i < commits; i++) {
        await store.append('changes', { rows: 0, columns: {} }, [{ appId: 'empty', version: i }]);
      }
    });
    const snapshot = await store.snapshot('changes');
    const scan = async (columns: readonly string[]) => {
      let rows = 0;
      for await (const batch of store.scan(snapshot, { columns })) rows += batch.rows;
      if (rows !== batches.length * rowsPerCommit) throw new Error(`A scan of the benchmark answered ${rows} rows.`);
    };
    const narrowUs = await durationUs(() => scan(['customer', 'seq']));
    const wideUs = await durationUs(() => scan(changeSchema.map(({ name }) => name)));
    const foldUs = await durationUs(() =>
      store.fold({
        from: 'changes',
        into: 'current',
        key: ['source_table', 'entity'],
        order: 'lsn',
        unless: 'refused',
        deletion: { column: 'op', value: 'd' },
      }),
    );
    const compactUs = await durationUs(() => store.compact('changes', { smallFileBytes: 8e6, targetFileBytes: 64e6 }));
    const scannedRows = batches.length * rowsPerCommit;
    return [
      ...(await logBenchmarks()),
      ...(await taxBenchmarks()),
      { name: 'append in commits of 10k rows', perSecond: perSecond(commits * rowsPerCommit, appendUs), unit: 'rows' },
      { name: 'commit of 10k rows', perSecond: perSecond(commits, appendUs), unit: 'commits' },
      { name: 'commit without rows', perSecond: perSecond(commits, emptyUs), unit: 'commits' },
      { name: 'scan of 2 columns', perSecond: perSecond(scannedRows, narrowUs), unit: 'rows' },
      { name: 'scan of all 19 columns', perSecond: perSecond(scannedRows, wideUs), unit: 'rows' },
      { name: 'fold into an empty table', perSecond: perSecond(scannedRows, foldUs), unit: 'rows' },
      { name: 'compact', perSecond: perSecond(scannedRows, compactUs), unit: 'rows' },
    ];
  } finally {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Of a log by itself: rates are those of medians. In memory nothing waits for a disk, so that is a commit without fsync. A
 * commit takes turns with the least that makes as many bytes durable under a name: a file, its fsync, a rename, the folder's.
 */
async function logBenchmarks(): Promise<Benchmark[]> {
  const found: Benchmark[] = [];
  const folders = { disk: tmpdir(), memory: '/dev/shm' };
  for (const [where, folder] of Object.entries(folders)) {
    if (!existsSync(folder)) continue;
    const directory = mkdtempSync(join(folder, 'planebench-bench-'));
    const objects = localObjects(directory);
    const engine = openEngine({ threads: 1, memory: '256MB', spill: objects.stage });
    try {
      const open = () => openDeltaLog({ table: 't', objects, engine, clock: hostClock, random: seededRandom(1) });
      const log = open();
      await log.commit(() => tableOf(changeSchema));
      const commitUs: number[] = [];
      const bareUs: number[] = [];
      for (let i = 1; i < checkpointEvery; i++) {
        const txn = { appId: 'bench', version: i };
        commitUs.push(await durationUs(() => log.commit(() => [{ txn }])));
        bareUs.push(await durationUs(() => putBare(directory, String(i), JSON.stringify({ txn }))));
      }
      found.push(
        { name: `commit by itself, ${where}`, perSecond: perSecond(1, median(commitUs)), unit: 'commits' },
        { name: `bare durable file, ${where}`, perSecond: perSecond(1, median(bareUs)), unit: 'files' },
        {
          name: `time of a commit, by that of a bare durable file, ${where}`,
          perSecond: Math.round((100 * median(commitUs)) / median(bareUs)),
          unit: '%',
        },
      );
      await log.commit(() => Array.from({ length: 10_000 }, (_, i) => ({ add: describedFile(i) })));
      const readUs: number[] = [];
      for (let i = 0; i < 9; i++) {
        readUs.push(
          await durationUs(async () => {
            const files = (await open().refresh())?.files.size;
            if (files !== 10_000) throw new Error(`A checkpoint of the benchmark has ${files} files.`);
          }),
        );
      }
      const name = `time of a snapshot of 10k files from a checkpoint, ${where}`;
      found.push({ name, perSecond: median(readUs) / 1000, unit: 'ms' });
    } finally {
      await engine.close();
      await rm(directory, { recursive: true, force: true });
    }
  }
  return found;
}

async function putBare(directory: string, name: string, text: string): Promise<void> {
  const written = join(directory, `${name}.written`);
  const file = await open(written, 'wx');
  await file.writeFile(text);
  await file.sync();
  await file.close();
  await rename(written, join(directory, name));
  await syncFolder(directory);
}

async function syncFolder(directory: string): Promise<void> {
  const folder = await open(directory, 'r');
  await folder.sync();
  await folder.close();
}

const rowsPerTaxed = 100_000;
const taxedRounds = 24;
/** Of so many pairs the 7th lies below the median and the 18th above it, with 98 % by the binomial distribution. */
const medianBetween = [6, 17] as const;

/**
 * The ACID tax: the same rows as a durable Parquet file alone and as a commit, in turns, on the same disk. What is alone is
 * found by its name, so it is on the disk before it gets it, and its name is when the call is answered.
 */
async function taxBenchmarks(): Promise<Benchmark[]> {
  const directory = mkdtempSync(join(tmpdir(), 'planebench-bench-'));
  const objects = localObjects(directory);
  const store = openTableStore({ directory, clock: hostClock });
  const engine = openEngine({ threads: 1, memory: '256MB', spill: objects.stage });
  try {
    await store.create('taxed', changeSchema);
    const rows = changes(seededRandom(2), 0, rowsPerTaxed);
    const commit = (i: number) => store.append('taxed', rows, [{ appId: 'bench', version: i }]);
    const writeRaw = (i: number) =>
      engine.use(async (connection) => {
        await connection.run(createTableSql('staged', changeSchema, 'TEMP TABLE'));
        await appendColumns(connection, 'staged', changeSchema, rows);
        const staged = await objects.stage();
        await connection.run(
          `COPY staged TO ${quoteText(staged)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`,
        );
        await objects.publish(staged, `raw/${i}.parquet`);
        // A name that is published is durable no sooner than a commit refers to it; here there is none.
        await syncFolder(join(directory, 'raw'));
      });
    const rawUs: number[] = [];
    const committedUs: number[] = [];
    for (let i = -1; i < taxedRounds; i++) {
      // Whoever comes second finds caches and the disk as the first has left them.
      const early = i % 2 ? await durationUs(() => writeRaw(i)) : 0;
      const committed = await durationUs(() => commit(i));
      const raw = early || (await durationUs(() => writeRaw(i)));
      if (i < 0) continue; // the first of each opens its engine
      rawUs.push(raw);
      committedUs.push(committed);
    }
    const taxes = rawUs.map((us, i) => committedUs[i]! / us - 1).toSorted((a, b) => a - b);
    const ofTax = (tax: number) => ({ perSecond: Math.round(tax * 10_000), unit: '1/10,000' });
    return [
      { name: 'rows in commits of 100k', perSecond: perSecond(rowsPerTaxed, median(committedUs)), unit: 'rows' },
      { name: 'rows as Parquet files of 100k alone', perSecond: perSecond(rowsPerTaxed, median(rawUs)), unit: 'rows' },
      { name: 'ACID tax in hundredths of a percent, median of pairs', ...ofTax(median(taxes)) },
      { name: 'ACID tax, at least', ...ofTax(taxes[medianBetween[0]]!) },
      { name: 'ACID tax, at most', ...ofTax(taxes[medianBetween[1]]!) },
    ];
  } finally {
    await engine.close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function tableOf(schema: Schema): readonly Action[] {
  const format = { provider: 'parquet', options: {} };
  const schemaString = encodeSchema(schema);
  return [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    { metaData: { id: 'bench', format, schemaString, partitionColumns: [], configuration: {} } },
  ];
}

/** With statistics of every column, as files have them. */
function describedFile(i: number): AddFile {
  const of = (value: number) => Object.fromEntries(changeSchema.map(({ name }) => [name, value]));
  const stats = { numRecords: 65_536, minValues: of(i * 1000), maxValues: of(i * 1000 + 999), nullCount: of(0) };
  return {
    path: `part-${String(i).padStart(16, '0')}-00000000-0000-0000-0000-${String(i).padStart(12, '0')}.parquet`,
    partitionValues: {},
    size: 1_000_000,
    modificationTime: 1,
    dataChange: true,
    stats: JSON.stringify(stats),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function durationUs(work: () => Promise<unknown>): Promise<number> {
  const start = monotonicUs();
  await work();
  return monotonicUs() - start;
}

function perSecond(count: number, us: number): number {
  return Math.round((count / us) * 1e6);
}

/** Changes in the shape and mix that a plane stores: mostly new orders and clicks, some updates, few deletions. */
function changes(random: Random, first: number, rows = rowsPerCommit): ColumnBatch {
  const fill = <T>(value: (i: number) => T) => Array.from({ length: rows }, (_, i) => value(i));
  const columns = {
    customer: Uint32Array.from({ length: rows }, () => random.below(100_000)),
    seq: Uint32Array.from({ length: rows }, (_, i) => first + i),
    source_table: fill((i) => (i % 2 ? 'clicks' : 'orders')),
    op: fill((i) => (i % 2 || i % 10 < 6 ? 'c' : i % 40 === 8 ? 'd' : 'u')),
    lsn: Float64Array.from({ length: rows }, (_, i) => first + i),
    commit_us: Float64Array.from({ length: rows }, (_, i) => 1.7e15 + (first + i) * 50),
    emit_us: Float64Array.from({ length: rows }, (_, i) => 1.7e15 + Math.floor((first + i) / 100) * 5_000),
    schema_version: new Uint8Array(rows).fill(1),
    refused: fill((i) => (i % 200 ? null : 'late')),
    entity: fill((i) => (i % 2 || i % 10 < 6 ? first + i : 2 * random.below(1 + (first + i) / 2))),
    event_us: fill((i) => 1.7e15 + (first + i) * 50 - random.below(5_000_000)),
    amount_cents: fill((i) => (i % 2 ? null : random.below(50_000))),
    category: fill((i) => (i % 2 ? null : random.below(40))),
    risk: fill(() => null),
    before_event_us: fill((i) => (i % 10 === 8 ? 1.7e15 + random.below(50_000_000) : null)),
    before_amount_cents: fill((i) => (i % 10 === 8 ? random.below(50_000) : null)),
    before_category: fill((i) => (i % 10 === 8 ? random.below(40) : null)),
    email_token: fill((i) => (i % 500 ? null : String(random.bits()).padStart(32, '0'))),
    phone_token: fill((i) => (i % 500 ? null : String(random.bits()).padStart(32, '0'))),
  };
  return { rows, columns };
}
