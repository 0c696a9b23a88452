/** What the table store does in a second on this machine: calibration and regressions, not a measure of any plane. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeSchema } from '../../../workloads/fact-schemas.js';
import { hostClock, monotonicUs } from '../../clock.js';
import { type Random, seededRandom } from '../../random.js';
import type { ColumnBatch } from '../columns.js';
import { openTableStore } from './embedded.js';

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

async function durationUs(work: () => Promise<unknown>): Promise<number> {
  const start = monotonicUs();
  await work();
  return monotonicUs() - start;
}

function perSecond(count: number, us: number): number {
  return Math.round((count / us) * 1e6);
}

/** Changes in the shape and mix that a plane stores: mostly new orders and clicks, some updates, few deletions. */
function changes(random: Random, first: number): ColumnBatch {
  const rows = rowsPerCommit;
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
