/**
 * Derivations against bare DuckDB that does the same COPY, in turns: scoring of a table of features, and import of
 * unsorted Parquet into a sorted table. Ratios of processor time say what tables cost; rates say what the machine does.
 */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { featureNames, featuresSchema, scoredSchema } from '../../../workloads/batch-rows.js';
import { customerActivity, isAdditive } from '../../../workloads/feature-view.js';
import { scoreSql } from '../../../workloads/model-sql.js';
import { hostClock, monotonicUs } from '../../clock.js';
import { quoteText } from '../duckdb-columns.js';
import { openTableStore } from './embedded.js';
import type { Scanned } from './port.js';

interface Benchmark {
  readonly name: string;
  readonly perSecond: number;
  readonly unit: string;
}

/** Hashes in the place of chance: the same rows every time. */
function featuresSql(rows: number): string {
  const columns = customerActivity.features.map((feature, i) => {
    const drawn = `(hash(customer * 31 + ${i}) % ${3 ** (i + 1)})::BIGINT`;
    const value = isAdditive(feature) ? drawn : `CASE WHEN hash(customer + ${i}) % 5 > 0 THEN ${drawn} END`;
    return `${value} AS ${feature.name}`;
  });
  return `
    SELECT customer, (hash(customer) % 200)::BIGINT AS last_seq, 1700000000000000::BIGINT AS as_of_us, ${columns.join(', ')}
    FROM (SELECT range AS customer FROM range(${rows}))`;
}

export async function deriveBenchmarks(rows = 1_000_000, turns = 3): Promise<Benchmark[]> {
  const directory = mkdtempSync(join(tmpdir(), 'planebench-bench-'));
  const store = openTableStore({ directory: join(directory, 'tables'), clock: hostClock });
  const bare = await DuckDBInstance.create(':memory:', {
    threads: String(availableParallelism()),
    memory_limit: '1536MB',
    temp_directory: join(directory, 'spill'),
    enable_external_file_cache: 'false',
  });
  const connection = await bare.connect();
  const path = (name: string) => quoteText(join(directory, `${name}.parquet`));
  const copy = (sql: string, name: string) =>
    connection.run(`COPY (${sql}) TO ${path(name)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)`);
  /** As derive.ts writes what nobody says how it is read. */
  const copyAlike = async (sql: string, name: string) => {
    const folder = join(directory, name);
    await rm(folder, { recursive: true, force: true });
    await connection.run(`COPY (${sql}) TO ${quoteText(folder)} (FORMAT parquet, PARQUET_VERSION V2, COMPRESSION snappy,
      DICTIONARY_SIZE_LIMIT 1, ROW_GROUP_SIZE 12288, ROW_GROUPS_PER_FILE 40)`);
  };
  try {
    for (const [table, schema] of Object.entries({
      features: featuresSchema,
      scored: scoredSchema,
      imported: featuresSchema,
    })) {
      await store.create(table, schema);
    }
    await copy(`FROM (${featuresSql(rows)}) ORDER BY hash(customer)`, 'unsorted');
    await store.derive({
      into: 'features',
      from: { source: { parquet: [join(directory, 'unsorted.parquet')], schema: featuresSchema } },
      sql: 'FROM source',
      mode: 'append',
      sortBy: ['customer'],
      sliceRows: Math.ceil(rows / 100),
      txns: [],
    });

    const snapshot = await store.snapshot('features');
    const from = { features: { snapshot } };
    const score = `SELECT customer, last_seq, as_of_us, ${scoreSql(featureNames)} AS score_ppb FROM features`;
    const files = snapshot.files.map((file) => quoteText(join(directory, 'tables', 'features', file.path)));
    const bareScore = score.replace('FROM features', `FROM read_parquet([${files.join(', ')}])`);
    const scoring = await compare(turns, {
      derived: () => store.derive({ into: 'scored', from, sql: score, mode: 'replace', txns: [] }),
      bare: () => copyAlike(bareScore, 'scored'),
    });
    const source = { parquet: [join(directory, 'unsorted.parquet')], schema: featuresSchema } as const;
    const importing = await compare(turns, {
      derived: () =>
        store.derive({
          into: 'imported',
          from: { source },
          sql: 'FROM source',
          mode: 'replace',
          sortBy: ['customer'],
          txns: [],
        }),
      bare: () => copyAlike(`FROM ${path('unsorted')} ORDER BY customer`, 'imported'),
    });
    const whole = await store.derive({ into: 'scored', from, sql: score, mode: 'replace', txns: [] });
    const first = Math.floor(rows * 0.37);
    const where = { column: 'customer', from: first, to: first + Math.floor(rows / 100) };
    const slice = await store.derive({
      into: 'scored',
      from: { features: { snapshot, where } },
      sql: score,
      mode: 'replace',
      txns: [],
    });
    return [
      ...report('scoring', rows, scoring),
      ...report('sorted import', rows, importing),
      { name: 'bytes read / live, whole table', perSecond: amplification(whole.scanned), unit: '%' },
      { name: 'bytes read / live, a hundredth', perSecond: amplification(slice.scanned), unit: '%' },
    ];
  } finally {
    connection.closeSync();
    bare.closeSync();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Spent {
  readonly wallUs: number;
  readonly processorUs: number;
}

/** The fastest of some turns each, taken one after the other: what else runs here strikes both. */
async function compare(turns: number, work: Record<'derived' | 'bare', () => Promise<unknown>>) {
  const best = { derived: unspent, bare: unspent };
  for (let turn = 0; turn < turns; turn++) {
    for (const name of ['derived', 'bare'] as const) {
      const start = monotonicUs();
      const before = process.cpuUsage();
      await work[name]();
      const { user, system } = process.cpuUsage(before);
      best[name] = {
        wallUs: Math.min(best[name].wallUs, monotonicUs() - start),
        processorUs: Math.min(best[name].processorUs, user + system),
      };
    }
  }
  return best;
}

const unspent: Spent = { wallUs: Number.POSITIVE_INFINITY, processorUs: Number.POSITIVE_INFINITY };

function report(
  name: string,
  rows: number,
  { derived, bare }: { readonly derived: Spent; readonly bare: Spent },
): Benchmark[] {
  return [
    { name: `${name}, derived`, perSecond: Math.round((rows / derived.wallUs) * 1e6), unit: 'rows' },
    { name: `${name}, bare DuckDB`, perSecond: Math.round((rows / bare.wallUs) * 1e6), unit: 'rows' },
    {
      name: `${name}, derived, of a processor`,
      perSecond: Math.round((rows / derived.processorUs) * 1e6),
      unit: 'rows',
    },
    {
      name: `${name}, bare DuckDB, of a processor`,
      perSecond: Math.round((rows / bare.processorUs) * 1e6),
      unit: 'rows',
    },
    {
      name: `${name}, rate of a processor, derived by bare`,
      perSecond: Math.round((100 * bare.processorUs) / derived.processorUs),
      unit: '%',
    },
  ];
}

function amplification({ readBytes, liveBytes }: Scanned): number {
  return readBytes === null ? Number.NaN : Math.round((100 * readBytes) / liveBytes);
}
