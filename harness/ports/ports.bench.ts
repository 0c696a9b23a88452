/** How fast the embedded ports are, through their real server processes. For `bench:micro`, never for a report. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostClock } from '../clock.js';
import { seededRandom } from '../random.js';
import { connectChangeLog } from './change-log/embedded.js';
import { startChangeLogServer } from './change-log/embedded-process.js';
import { connectOnlineStore } from './online-store/embedded.js';
import { startOnlineStoreServer } from './online-store/embedded-process.js';
import type { RowBatch } from './online-store/port.js';

export interface PortFigure {
  readonly name: string;
  readonly perSecond: number;
  /** What is counted; for latencies `1/s` of one call after the other, so that 10000 is 100 us. */
  readonly unit: string;
}

const origin = { epochUs: 0, zeroNs: null };

export async function portBenchmarks(): Promise<PortFigure[]> {
  return [...(await inDirectory(changeLogFigures)), ...(await inDirectory(onlineStoreFigures))];
}

export async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'planebench-bench-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function changeLogFigures(directory: string): Promise<PortFigure[]> {
  const server = await startChangeLogServer({ directory, port: 0 });
  const log = connectChangeLog({ port: server.port });
  const figures: PortFigure[] = [];
  try {
    const topic = 'bench';
    const partitions = 4;
    await log.createTopic(topic, partitions);
    for (const [entryBytes, inFlight, appends] of [
      [1_000, 1, 500],
      [1_000, 64, 20_000],
      [100_000, 8, 1_500],
    ] as const) {
      const entry = [new Uint8Array(entryBytes).fill(1)];
      const seconds = await timed(() =>
        inParallel(inFlight, appends, async (i) => void (await log.append(topic, i % partitions, entry))),
      );
      const name = `append, ${entryBytes} B entries, ${inFlight} in flight`;
      figures.push({ name, perSecond: appends / seconds, unit: 'entries' });
      figures.push({ name, perSecond: (appends * entryBytes) / 1e6 / seconds, unit: 'MB' });
    }
    let readBytes = 0;
    const seconds = await timed(async () => {
      for (let partition = 0; partition < partitions; partition++) {
        for (let offset = 0; ; ) {
          const slice = await log.read(topic, partition, offset, { maxBytes: 1 << 20, maxWaitUs: 0 });
          if (slice.entries.length === 0) break;
          offset += slice.entries.length;
          for (const entry of slice.entries) readBytes += entry.length;
        }
      }
    });
    figures.push({ name: 'read in pages of 1 MiB', perSecond: readBytes / 1e6 / seconds, unit: 'MB' });
  } finally {
    await log.close();
    await server.child.stop();
  }
  return figures;
}

async function onlineStoreFigures(directory: string): Promise<PortFigure[]> {
  const server = await startOnlineStoreServer({ directory, port: 0 }, origin);
  const store = connectOnlineStore({ port: server.port });
  const random = seededRandom(1);
  const figures: PortFigure[] = [];
  const customers = 100_000;
  const valueBytes = 120;
  const batchOf = (customer: (i: number) => number, size: number, seq: number): RowBatch => ({
    keys: Array.from({ length: size }, (_, i) => String(customer(i))),
    seqs: new Array<number>(size).fill(seq),
    asOfUs: new Array<number>(size).fill(seq),
    values: Array.from({ length: size }, () => new Uint8Array(valueBytes).fill(seq)),
  });
  const anyOf = () => random.below(customers);
  try {
    const load = Array.from({ length: customers / 5000 }, (_, n) => batchOf((i) => n * 5000 + i, 5000, 1));
    const loading = await timed(async () => {
      for (const batch of load) await store.put('bench', batch);
    });
    figures.push({ name: 'put, first load, 5000 rows a call', perSecond: customers / loading, unit: 'rows' });

    for (const size of [100, 1000, 5000]) {
      const calls = 100_000 / size;
      const batches = Array.from({ length: calls }, (_, n) => batchOf(anyOf, size, size + n));
      const seconds = await timed(() =>
        inParallel(2, calls, async (n) => void (await store.put('bench', batches[n]!))),
      );
      figures.push({ name: `put, random keys, ${size} rows a call`, perSecond: 100_000 / seconds, unit: 'rows' });
    }

    for (const size of [1, 50, 200]) {
      const get = () =>
        store.get(
          'bench',
          Array.from({ length: size }, () => String(anyOf())),
        );
      figures.push(...(await latencies(`get, ${size} keys`, get)));
      const calls = 4000;
      const seconds = await timed(() => inParallel(16, calls, async () => void (await get())));
      figures.push({ name: `get, ${size} keys, 16 in flight`, perSecond: calls / seconds, unit: 'calls' });
    }

    const churn = Array.from({ length: 40 }, (_, n) => batchOf(anyOf, 5000, 1_000_000 + n));
    let putting = true;
    const puts = inParallel(2, churn.length, async (n) => void (await store.put('bench', churn[n]!)));
    void puts.then(() => {
      putting = false;
    });
    const get = () =>
      store.get(
        'bench',
        Array.from({ length: 50 }, () => String(anyOf())),
      );
    figures.push(...(await latencies('get, 50 keys, beside puts of 5000 rows', get, () => putting)));
    await puts;
  } finally {
    await store.close();
    await server.child.stop();
  }
  return figures;
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = hostClock.nowUs();
  await work();
  return (hostClock.nowUs() - start) / 1e6;
}

/** Runs `work(0)` to `work(count - 1)`, `width` at a time. */
export async function inParallel(width: number, count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** One call after the other, 4000 times or while `during` holds. */
async function latencies(name: string, call: () => Promise<unknown>, during?: () => boolean): Promise<PortFigure[]> {
  const us: number[] = [];
  while (during ? during() : us.length < 4000) us.push(1e6 * (await timed(call)));
  us.sort((a, b) => a - b);
  return [50, 99].map((percent) => ({
    name: `${name}, p${percent}`,
    perSecond: 1e6 / us[Math.floor((us.length * percent) / 100)]!,
    unit: '1/s',
  }));
}
