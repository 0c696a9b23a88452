/** What the warehouse does in a second on this machine: calibration and regressions, not a measure of any plane. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dayUs } from '../../../workloads/durations.js';
import { changeSchema, historySchemas } from '../../../workloads/fact-schemas.js';
import { customerActivity } from '../../../workloads/feature-view.js';
import { monotonicUs } from '../../clock.js';
import { seededRandom } from '../../random.js';
import type { ColumnBatch } from '../columns.js';
import { openDuckDbWarehouse } from './duckdb-warehouse.js';

interface Benchmark {
  readonly name: string;
  readonly perSecond: number;
  readonly unit: string;
}

const customers = 100_000;
const historyOrders = 400_000;
const changesPerRound = 40_000;
const rounds = 6;
const stagesPerRound = 20;
const reads = 400;
const epochUs = 1_768_478_400_000_000;

export async function warehouseBenchmarks(): Promise<Benchmark[]> {
  const directory = mkdtempSync(join(tmpdir(), 'planebench-bench-'));
  const onFatal = (error: Error) => {
    throw error;
  };
  const warehouse = await openDuckDbWarehouse({ directory, threads: 1, readers: 3, onFatal });
  const random = seededRandom(1);
  const customer = () => Math.floor(random.unit() * random.unit() * random.unit() * customers);
  try {
    for (const source of ['orders', 'clicks', 'devices'] as const) {
      await warehouse.createTable(`history_${source}`, historySchemas[source]);
    }
    for (const table of ['staged', 'changes', 'duplicates']) await warehouse.createTable(table, changeSchema);
    const orders = Array.from({ length: historyOrders }, (_, i) => i);
    await warehouse.stage(
      'history_orders',
      {
        rows: historyOrders,
        columns: {
          order_id: orders,
          customer: orders.map((i) => i % customers),
          placed_us: orders.map(() => epochUs - Math.floor(random.unit() * 8 * dayUs)),
          amount_cents: orders.map(() => random.below(10_000)),
          category: orders.map(() => random.below(12)),
        },
      },
      { source: 'history', from: null, to: [1] },
    );
    const refresh = (asOfUs: number) =>
      warehouse.refresh({ view: customerActivity, history: 'history_', changes: 'changes', asOfUs });
    const buildUs = await durationUs(() => refresh(epochUs));

    const seqs = new Uint32Array(customers);
    const batches = Array.from({ length: rounds * stagesPerRound }, (_, i) =>
      changesAt(epochUs + i * 100_000, changesPerRound / stagesPerRound, () => {
        const of = customer();
        return [of, ++seqs[of]!];
      }),
    );
    let [stageUs, mergeUs, refreshUs] = [0, 0, 0];
    for (const [i, batch] of batches.entries()) {
      const position = { source: 'log', from: i === 0 ? null : [i], to: [i + 1] };
      stageUs += await durationUs(() => warehouse.stage('staged', batch, position));
      if ((i + 1) % stagesPerRound !== 0) continue;
      mergeUs += await durationUs(() =>
        warehouse.merge({ from: 'staged', into: 'changes', key: ['customer', 'seq'], duplicatesInto: 'duplicates' }),
      );
      refreshUs += await durationUs(() => refresh(epochUs + (i + 1) * 100_000));
    }

    const readEach = (keys: number) =>
      durationUs(async () => {
        for (let i = 0; i < reads; i++)
          await warehouse.read(customerActivity.name, Array.from({ length: keys }, customer));
      });
    const oneUs = await readEach(1);
    const tenUs = await readEach(10);
    const panelUs = await readEach(200);
    const togetherUs = await durationUs(async () => {
      for (let i = 0; i < reads / 16; i++) {
        await Promise.all(Array.from({ length: 16 }, () => warehouse.read(customerActivity.name, [customer()])));
      }
    });
    const changes = rounds * changesPerRound;
    return [
      { name: 'first refresh', perSecond: perSecond(historyOrders, buildUs), unit: 'facts' },
      { name: 'stage batches of 2,000', perSecond: perSecond(changes, stageUs), unit: 'changes' },
      { name: 'merge 40,000', perSecond: perSecond(changes, mergeUs), unit: 'changes' },
      { name: 'refresh after 40,000', perSecond: perSecond(changes, refreshUs), unit: 'changes' },
      { name: 'read 1 key', perSecond: perSecond(reads, oneUs), unit: 'reads' },
      { name: 'read 10 keys', perSecond: perSecond(reads, tenUs), unit: 'reads' },
      { name: 'read 200 keys', perSecond: perSecond(reads, panelUs), unit: 'reads' },
      { name: 'read 1 key, 16 at a time', perSecond: perSecond(reads, togetherUs), unit: 'reads' },
    ];
  } finally {
    await warehouse.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Orders and clicks by turns. */
function changesAt(atUs: number, rows: number, next: () => readonly [customer: number, seq: number]): ColumnBatch {
  const columns = Object.fromEntries(
    changeSchema.map(({ name, nullable }) => [name, new Array<number | string | null>(rows).fill(nullable ? null : 1)]),
  );
  for (let i = 0; i < rows; i++) {
    const [customer, seq] = next();
    const change = { customer, seq, source_table: i % 2 === 0 ? 'orders' : 'clicks', op: 'c', commit_us: atUs + i };
    const image = { entity: atUs + i, event_us: atUs + i, amount_cents: 100, category: i % 12 };
    for (const [name, value] of Object.entries({ ...change, ...image })) columns[name]![i] = value;
  }
  return { rows, columns: columns as ColumnBatch['columns'] };
}

async function durationUs(work: () => Promise<unknown>): Promise<number> {
  const startUs = monotonicUs();
  await work();
  return monotonicUs() - startUs;
}

function perSecond(count: number, durationInUs: number): number {
  return (count * 1e6) / durationInUs;
}
