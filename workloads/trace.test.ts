import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ColumnBatch } from '../harness/ports/columns.js';
import { allocateBlock, opNames, tableNames, viewBlock } from './change-batch.js';
import { createContract, type DataContract, refusals } from './data-contract.js';
import { dayUs, hourUs, minuteUs, secondUs } from './durations.js';
import { loadEmissions } from './emissions.js';
import type { HistoryTable } from './source/history.js';
import { historyTables } from './source/history-files.js';
import {
  entryHeaderBytes,
  historyFiles,
  readEntries,
  readTrace,
  type TraceInfo,
  tracePaths,
  verifyTrace,
  writeEntryHeader,
} from './trace.js';
import { generateTrace, openSource } from './trace-generation.js';
import type { Workload } from './workload.js';

const workload: Workload = {
  contract: {
    topic: 'changes',
    partitions: 3,
    customers: 600,
    allowedLatenessUs: 500_000,
    tokenKey: '000102030405060708090a0b0c0d0e0f',
  },
  history: { facts: 20_000, days: 8, lullUs: 0 },
  changes: {
    perSecond: 2_000,
    slotUs: 10_000,
    zipfMilli: 800,
    dirt: { duplicatePpm: 30_000, outOfOrderPpm: 30_000, latePpm: 10_000, violationPpm: 20_000 },
    evolveAfterUs: 3 * secondUs,
    breakAfterUs: 6 * secondUs,
    bursts: [{ afterUs: secondUs, forUs: secondUs, times: 3 }],
    disturbances: [],
  },
  reads: {
    predict: { perSecond: 10, keysPerCall: 1, arrivals: { kind: 'poisson' } },
    lookup: { perSecond: 10, keysPerCall: 2, arrivals: { kind: 'constant' } },
    timeoutUs: secondUs,
    zipfMilli: 800,
  },
  panel: { customers: 50, everyUs: 50_000 },
};
const epochUs = 1_750_000_000 * secondUs + 17 * secondUs;
const durationUs = 10 * secondUs;
const seed = 42;

/** One change of the trace, as read back. */
interface Change {
  slotUs: number;
  partition: number;
  emitUs: number;
  commitUs: number;
  lsn: number;
  customer: number;
  seq: number;
  table: (typeof tableNames)[number];
  op: (typeof opNames)[number];
  schemaVersion: number;
  payload: string;
  /** From truth.bin, and from the contract. */
  truth: (typeof refusals)[number];
  refusal: (typeof refusals)[number];
  entity: number;
  eventUs: number;
  amountCents: number;
  category: number;
  beforeEventUs: number;
  beforeAmountCents: number;
  beforeCategory: number;
}

let folder: string;
let directory: string;
let info: TraceInfo;
let contract: DataContract;
let changes: Change[];
/** Without the copies. */
let originals: Change[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-trace-'));
  directory = join(folder, 'trace');
  info = await generateTrace({ workload, seed, epochUs, durationUs, directory });
  contract = createContract(workload.contract);
  changes = await readChanges(directory);
  originals = changes.filter((change) => change.truth !== 'duplicate');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function readChanges(from: string): Promise<Change[]> {
  const truth = await readFile(tracePaths(from).truth);
  const found: Change[] = [];
  for await (const { slotUs, partition, block } of readEntries(from)) {
    expect(block.byteOffset % 8).toBe(0);
    const batch = viewBlock(block);
    const decoded = contract.decode(batch);
    for (let i = 0; i < batch.count; i++)
      found.push({
        slotUs,
        partition,
        emitUs: batch.emitUs[i]!,
        commitUs: batch.commitUs[i]!,
        lsn: batch.lsn[i]!,
        customer: batch.customer[i]!,
        seq: batch.seq[i]!,
        table: tableNames[batch.table[i]!]!,
        op: opNames[batch.op[i]!]!,
        schemaVersion: batch.schemaVersion[i]!,
        payload: Buffer.from(batch.payloads.subarray(batch.payloadEnd[i - 1] ?? 0, batch.payloadEnd[i])).toString(
          'hex',
        ),
        truth: refusals[truth[found.length]!]!,
        refusal: refusals[decoded.refusal[i]!]!,
        entity: decoded.entity[i]!,
        eventUs: decoded.eventUs[i]!,
        amountCents: decoded.amountCents[i]!,
        category: decoded.category[i]!,
        beforeEventUs: decoded.beforeEventUs[i]!,
        beforeAmountCents: decoded.beforeAmountCents[i]!,
        beforeCategory: decoded.beforeCategory[i]!,
      });
  }
  return found;
}

const share = (predicate: (change: Change) => boolean, of = originals) => of.filter(predicate).length / of.length;

describe('the stream', () => {
  test('has the changes and entries that trace.json says, in order of slot, then partition', async () => {
    expect(changes.length).toBe(info.changes);
    expect((await readFile(tracePaths(directory).truth)).length).toBe(info.changes);
    let entries = 0;
    let previous = [0, 0];
    for await (const { slotUs, partition } of readEntries(directory)) {
      entries++;
      expect(slotUs > previous[0]! || (slotUs === previous[0] && partition > previous[1]!)).toBe(true);
      previous = [slotUs, partition];
    }
    expect(entries).toBe(info.entries);
  });

  test('offers as many changes as asked for, bursts included', () => {
    expect(originals.length).toBe(2_000 * 10 + 2 * 2_000);
  });

  test('emits each change of a slot at the slot, in the partition of its customer, within the duration', () => {
    const wrong = changes.filter(
      ({ slotUs, emitUs, partition, customer }) =>
        emitUs !== slotUs ||
        (emitUs - epochUs) % workload.changes.slotUs !== 0 ||
        emitUs < epochUs ||
        emitUs >= epochUs + durationUs ||
        partition !== contract.partitionOf(customer),
    );
    expect(wrong).toEqual([]);
  });

  test('commits before it emits, at most two slots before unless held back', () => {
    expect(changes.filter(({ emitUs, commitUs }) => commitUs >= emitUs)).toEqual([]);
    const prompt = share(({ emitUs, commitUs }) => emitUs - commitUs <= 2 * workload.changes.slotUs);
    expect(prompt).toBeGreaterThan(0.95);
  });

  test('numbers the changes of each customer 1, 2, 3, ... in commit order, each once', () => {
    const inCommitOrder = [...originals].sort((a, b) => a.lsn - b.lsn);
    const last = new Map<number, number>();
    let commitUs = 0;
    const wrong = inCommitOrder.filter((change, i) => {
      const follows =
        change.lsn === i + 1 && change.commitUs > commitUs && change.seq === (last.get(change.customer) ?? 0) + 1;
      commitUs = change.commitUs;
      last.set(change.customer, change.seq);
      return !follows;
    });
    expect(wrong).toEqual([]);
  });

  test('mixes tables and operations', () => {
    const part = (table: Change['table'], op?: Change['op']) =>
      share((change) => change.table === table && (op === undefined || change.op === op));
    expect(part('clicks')).toBeCloseTo(0.55, 1);
    expect(part('orders', 'c')).toBeCloseTo(0.25, 1);
    expect(part('orders', 'u')).toBeGreaterThan(0.06);
    expect(part('orders', 'd')).toBeGreaterThan(0.015);
    expect(part('devices')).toBeGreaterThan(0.06);
    expect(part('customers')).toBeGreaterThan(0.005);
  });

  test('falls on few customers more than on others', () => {
    const counts = new Map<number, number>();
    for (const { customer } of originals) counts.set(customer, (counts.get(customer) ?? 0) + 1);
    const sorted = [...counts.values()].sort((a, b) => b - a);
    // Ranks 1 to 60 of 600 hold about 0.45 of the weight of r^-0.8.
    const top = sorted.slice(0, 60).reduce((sum, count) => sum + count, 0) / originals.length;
    expect(top).toBeGreaterThan(0.4);
    expect(top).toBeLessThan(0.55);
  });
});

describe('the dirt', () => {
  test('is exactly what the contract refuses', () => {
    expect(changes.filter(({ truth, refusal }) => refusal !== (truth === 'duplicate' ? '' : truth))).toEqual([]);
  });

  test('comes at the rates asked for', () => {
    expect(share(({ truth }) => truth === 'late')).toBeGreaterThan(0.007);
    expect(share(({ truth }) => truth === 'late')).toBeLessThan(0.012);
    const violating = share(({ truth }) => truth === 'undecodable' || truth === 'out_of_range');
    expect(violating).toBeCloseTo(0.02, 2);
    for (const kind of ['undecodable', 'out_of_range'])
      expect(share(({ truth }) => truth === kind)).toBeGreaterThan(0.007);
    expect((changes.length - originals.length) / originals.length).toBeGreaterThan(0.025);
    expect((changes.length - originals.length) / originals.length).toBeLessThan(0.035);
  });

  test('late is the predicate on the record', () => {
    const { allowedLatenessUs } = workload.contract;
    const wrong = changes.filter(
      ({ emitUs, commitUs, truth }) => emitUs - commitUs > allowedLatenessUs !== (truth === 'late'),
    );
    expect(wrong).toEqual([]);
  });

  test('a copy has the bytes of its original and comes in a later slot', () => {
    const keyOf = ({ customer, seq }: Change) => `${customer}/${seq}`;
    const byKey = new Map(originals.map((change) => [keyOf(change), change]));
    for (const copy of changes.filter(({ truth }) => truth === 'duplicate')) {
      const original = byKey.get(keyOf(copy))!;
      expect(original.truth).toBe('');
      expect(copy.emitUs).toBeGreaterThan(original.emitUs);
      const { slotUs, emitUs, truth, ...same } = copy;
      expect(original).toMatchObject(same);
    }
  });

  test('some changes are overtaken by later ones of their customer', () => {
    const highest = new Map<number, number>();
    let overtaken = 0;
    for (const { customer, seq, truth } of originals) {
      if (truth === '' && seq < (highest.get(customer) ?? 0)) overtaken++;
      highest.set(customer, Math.max(seq, highest.get(customer) ?? 0));
    }
    expect(overtaken / originals.length).toBeGreaterThan(0.005);
  });

  test('late and incompatible changes fall on customers alike, not on hot keys', () => {
    const held = originals.filter(({ truth }) => truth === 'late' || truth === 'incompatible_schema');
    const counts = new Map<number, number>();
    for (const { customer } of held) counts.set(customer, (counts.get(customer) ?? 0) + 1);
    expect(Math.max(...counts.values()) / held.length).toBeLessThan(0.04);
  });

  test('orders evolve to version 2 at the time given, and version 3 is tried for a second', () => {
    for (const change of originals) {
      const bornUs = change.commitUs - epochUs;
      if (change.schemaVersion === 2) expect(bornUs).toBeGreaterThan(3 * secondUs - 20_000);
      if (change.table === 'orders' && change.schemaVersion === 1) expect(bornUs).toBeLessThan(3 * secondUs);
    }
    const tried = originals.filter(({ schemaVersion }) => schemaVersion === 3);
    expect(tried.length).toBe(20);
    for (const { truth, commitUs } of tried) {
      expect(truth).toBe('incompatible_schema');
      expect(commitUs - epochUs).toBeGreaterThan(6 * secondUs - 20_000);
      expect(commitUs - epochUs).toBeLessThan(7 * secondUs);
    }
  });
});

/** Of so few facts each table is one part. */
function wholeHistory(): Record<HistoryTable, ColumnBatch> {
  const parts = Array.from(openSource({ workload, seed, epochUs, durationUs }).history);
  return Object.fromEntries(parts.map(({ table, batch }) => [table, batch])) as Record<HistoryTable, ColumnBatch>;
}

test('every sound change retracts exactly what history and the sound changes before it left', () => {
  const history = wholeHistory();
  const live = new Map<number, { eventUs: number; amountCents: number; category: number }>();
  const { order_id, placed_us, amount_cents, category } = history.orders.columns as Record<string, Float64Array>;
  for (let i = 0; i < history.orders.rows; i++)
    live.set(order_id![i]!, { eventUs: placed_us![i]!, amountCents: amount_cents![i]!, category: category![i]! });
  const seen = new Map<number, number>();
  const { device_id, seen_us } = history.devices.columns as Record<string, Float64Array>;
  for (let i = 0; i < history.devices.rows; i++) seen.set(device_id![i]!, seen_us![i]!);

  const sound = originals.filter(({ truth }) => truth === '').sort((a, b) => a.lsn - b.lsn);
  for (const change of sound) {
    const { table, op, entity, eventUs, amountCents, category } = change;
    if (table === 'orders') {
      if (op === 'c') expect(live.has(entity)).toBe(false);
      else
        expect(live.get(entity)).toEqual({
          eventUs: change.beforeEventUs,
          amountCents: change.beforeAmountCents,
          category: change.beforeCategory,
        });
      if (op === 'd') live.delete(entity);
      else live.set(entity, { eventUs, amountCents, category });
    }
    if (table === 'devices') {
      expect(change.beforeEventUs).toBe(seen.get(entity) ?? -1);
      expect(eventUs).toBeGreaterThan(change.beforeEventUs);
      seen.set(entity, eventUs);
    }
  }
});

describe('history', () => {
  test('has the facts asked for, before the epoch, and a row a customer beside them', () => {
    const history = wholeHistory();
    expect(history.orders.rows + history.clicks.rows + history.devices.rows).toBe(20_000);
    expect(history.customers.rows).toBe(600);
    for (const [table, column] of [
      ['orders', 'placed_us'],
      ['clicks', 'clicked_us'],
      ['devices', 'seen_us'],
      ['customers', 'updated_us'],
    ] as const) {
      const times = history[table].columns[column] as Float64Array;
      expect(times.filter((timeUs) => timeUs >= epochUs || timeUs < epochUs - 8 * dayUs - hourUs)).toHaveLength(0);
    }
  });

  test('fills every tile of every window, and some facts lie exactly on their boundaries', () => {
    const history = wholeHistory();
    const times = [...(history.orders.columns.placed_us as Float64Array)];
    for (const [windowUs, tileUs] of [
      [hourUs, minuteUs],
      [dayUs, 15 * minuteUs],
      [7 * dayUs, hourUs],
    ] as const) {
      const end = Math.floor(epochUs / tileUs);
      const inWindow = times.filter((timeUs) => timeUs > end * tileUs - windowUs);
      const filled = new Set(inWindow.map((timeUs) => Math.floor(timeUs / tileUs)));
      for (let tile = end - windowUs / tileUs + 1; tile <= end; tile++) expect(filled.has(tile)).toBe(true);
      expect(inWindow.some((timeUs) => timeUs % tileUs === 0)).toBe(true);
    }
  });

  test('is stored as files that hold what was generated', async () => {
    for (const table of historyTables) expect(historyFiles(directory)[table]).toContain(join('history', table));
    expect((await readdir(tracePaths(directory).history)).sort()).toEqual(
      historyTables.map((table) => `${table}.parquet`).sort(),
    );
    expect(info.history.columnBytes).toBeGreaterThan(20_000 * 4 * 8);
    expect(info.history.parquetBytes).toBeGreaterThan(0);
  });
});

describe('the trace folder', () => {
  // Pinned: the same on every supported Node version. A change here changes every published trace; say so.
  test('has the golden hash', () => {
    expect(info.sha256).toBe('3572c66d44461a8292795c25a970cf2da2c2f6d7f1c99f665a05b819b9847292');
  });

  test('reads back, verifies, and leaves nothing beside it', async () => {
    expect(await readTrace(directory)).toEqual(info);
    expect(await verifyTrace(directory)).toEqual(info);
    expect(await readdir(folder)).toEqual(['trace']);
  });

  test('another seed is another stream', async () => {
    const other = await generateTrace({
      workload,
      seed: seed + 1,
      epochUs,
      durationUs: secondUs,
      directory: join(folder, 'other'),
    });
    const again = await generateTrace({
      workload,
      seed,
      epochUs,
      durationUs: secondUs,
      directory: join(folder, 'again'),
    });
    expect(other.sha256).not.toBe(again.sha256);
    await rm(join(folder, 'other'), { recursive: true });

    await appendFile(tracePaths(join(folder, 'again')).truth, Buffer.from([0]));
    await expect(verifyTrace(join(folder, 'again'))).rejects.toThrow(/generate the trace again/);
    await rm(join(folder, 'again'), { recursive: true });
  });

  test('is never overwritten', async () => {
    await expect(generateTrace({ workload, seed, epochUs, durationUs: secondUs, directory })).rejects.toThrow(
      /cannot be put in place/,
    );
    expect(await readTrace(directory)).toEqual(info);
    expect(await readdir(folder)).toEqual(['trace']);
  });

  test('that is absent or of another schema is refused by name', async () => {
    await expect(readTrace(join(folder, 'none'))).rejects.toThrow(/no trace there/);
    const foreign = await mkdtemp(join(tmpdir(), 'planebench-foreign-'));
    await writeFile(join(foreign, 'trace.json'), '{"schema":"planebench.trace/9"}');
    await expect(readTrace(foreign)).rejects.toThrow(/expected schema planebench.trace\/1, found planebench.trace\/9/);
    await rm(foreign, { recursive: true });
  });

  test('ends within an entry: the reader says so', async () => {
    const cutFolder = await mkdtemp(join(tmpdir(), 'planebench-cut-'));
    const whole = await readFile(tracePaths(directory).changes);
    await writeFile(tracePaths(cutFolder).changes, whole.subarray(0, whole.length - 8));
    const drain = async () => {
      for await (const _ of readEntries(cutFolder));
    };
    await expect(drain()).rejects.toThrow(/ends within an entry/);
    await rm(cutFolder, { recursive: true });
  });

  test('is read in pieces: entries across their borders and longer than one arrive whole', async () => {
    const longFolder = await mkdtemp(join(tmpdir(), 'planebench-long-'));
    const sizes = [3_000_000, 6_000_000, 100, 9_000_000, 3_000_000];
    for (const [i, size] of sizes.entries()) {
      const { block, batch } = allocateBlock(1, size);
      batch.payloads.fill(i + 1);
      const header = new Uint8Array(entryHeaderBytes);
      writeEntryHeader(header, 1_000 * i, i, block.length);
      await appendFile(tracePaths(longFolder).changes, header);
      await appendFile(tracePaths(longFolder).changes, block);
    }
    let i = 0;
    for await (const { slotUs, partition, block } of readEntries(longFolder)) {
      const { payloads } = viewBlock(block);
      expect([slotUs, partition, payloads.length]).toEqual([1_000 * i, i, sizes[i]]);
      expect(payloads.every((byte) => byte === i + 1)).toBe(true);
      i++;
    }
    expect(i).toBe(sizes.length);
    await rm(longFolder, { recursive: true });
  });

  test('names personal data that its changes and history hold', () => {
    expect(info.personalSamples.length).toBeGreaterThanOrEqual(50);
    const payloads = Buffer.from(changes.map(({ payload }) => payload).join(''), 'hex');
    expect(info.personalSamples.some((sample) => payloads.includes(sample))).toBe(true);
  });
});

test('the panel holds distinct customers with changes, hot ones first of all', () => {
  const counts = new Map<number, number>();
  for (const { customer } of originals) counts.set(customer, (counts.get(customer) ?? 0) + 1);
  expect(info.panel.length).toBe(50);
  expect(new Set(info.panel).size).toBe(50);
  const mean = originals.length / 600;
  const panelMean = info.panel.reduce((sum, customer) => sum + counts.get(customer)!, 0) / 50;
  expect(panelMean).toBeGreaterThan(1.5 * mean);
});

test('emissions answer as a search through the trace does', async () => {
  const emissions = await loadEmissions(directory);
  const byCustomer = new Map<number, Change[]>();
  for (const change of originals) byCustomer.set(change.customer, [...(byCustomer.get(change.customer) ?? []), change]);
  for (let customer = 0; customer < 600; customer++) {
    const own = byCustomer.get(customer) ?? [];
    expect(emissions.highestSeq(customer)).toBe(own.length);
    const wrong = own.filter(
      ({ seq, emitUs, commitUs, truth }) =>
        emissions.emitUs(customer, seq) !== emitUs ||
        emissions.commitUs(customer, seq) !== commitUs ||
        emissions.refused(customer, seq) !== (truth !== ''),
    );
    expect(wrong).toEqual([]);
    const versions = Array.from({ length: own.length + 2 }, (_, lastSeq) => lastSeq);
    expect(versions.map((lastSeq) => emissions.nextEmitUs(customer, lastSeq))).toEqual(
      versions.map((lastSeq) =>
        own
          .filter(({ seq, truth }) => seq > lastSeq && truth === '')
          .reduce((earliest, { emitUs }) => Math.min(earliest, emitUs), Number.POSITIVE_INFINITY),
      ),
    );
  }
  expect(() => emissions.emitUs(0, 1_000_000)).toThrow(/no change 1000000/);
});

test('parameters out of bounds are refused by name before anything is written', async () => {
  const impossible = { ...workload, contract: { ...workload.contract, allowedLatenessUs: 20_000 } };
  await expect(
    generateTrace({ workload: impossible, seed, epochUs, durationUs, directory: join(folder, 'impossible') }),
  ).rejects.toThrow(/allowedLatenessUs 20000/);
  expect(await readdir(folder)).toEqual(['trace']);
});
