/** The simulated tables ask of an object store what the Delta tables do: the same calls of both, counted call by call. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Clock, hostClock } from '../../clock.js';
import type { ColumnBatch } from '../columns.js';
import { openTableStore } from './embedded.js';
import { schema, sizes, spec } from './fold.fixture.js';
import { type CountRequest, type RequestKind, requestKinds } from './object-requests.js';
import type { TableStore } from './port.js';
import { simulateTableStore } from './simulated.js';

let nowUs = 1_700_000_000_000_000;
const clock: Clock = { ...hostClock, nowUs: () => nowUs };
let directory: string;
let open: { store: TableStore; counts: Record<RequestKind, number>; bytes: Record<RequestKind, number> }[];
/** As many stores of each kind as there are processes; those of a kind share their tables. */
let processes: (typeof open)[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'planebench-requests-'));
  const simulated = simulateTableStore({
    clock,
    resource: { use: async () => {}, busyUs: () => 0 },
    parquet: () => [],
    host: (work) => work(),
  });
  const counted = (connect: (onRequest: CountRequest) => TableStore) => {
    const zero = () => Object.fromEntries(requestKinds.map((kind) => [kind, 0])) as Record<RequestKind, number>;
    const counts = zero();
    const bytes = zero();
    const store = connect((kind, size) => {
      counts[kind]++;
      bytes[kind] += size;
    });
    return { store, counts, bytes };
  };
  processes = [0, 1].map(() => [
    counted((onRequest) => openTableStore({ directory, clock, onRequest })),
    counted((onRequest) => simulated.connect(clock, onRequest)),
  ]);
  open = processes.flat();
});
afterEach(async () => {
  for (const { store } of open) await store.close();
  await rm(directory, { recursive: true, force: true });
});

/** What a call asks of the object store; expects both kinds to ask the same. */
async function requestsOf(process: number, call: (store: TableStore) => Promise<unknown>) {
  const asked = [];
  for (const { store, counts } of processes[process]!) {
    const before = { ...counts };
    await call(store);
    asked.push(Object.fromEntries(requestKinds.map((kind) => [kind, counts[kind] - before[kind]])));
  }
  const [delta, simulated] = asked;
  expect(simulated).toEqual(delta);
  return delta;
}

let lsn = 0;
const batch = (entities: readonly number[]): ColumnBatch => ({
  rows: entities.length,
  columns: { entity: [...entities], lsn: entities.map(() => ++lsn), op: entities.map(() => 'c') },
});
const append = (entities: readonly number[], txn?: number) => {
  const rows = batch(entities);
  return (store: TableStore) =>
    store.append('changes', rows, txn === undefined ? [] : [{ appId: 'app', version: txn }]);
};
async function readAll(store: TableStore, version?: number, since?: number): Promise<void> {
  const snapshot = await store.snapshot('changes', version);
  const query = { columns: ['entity'], ...(since === undefined ? {} : { since }) };
  for await (const page of store.scan(snapshot, query)) expect(page.rows).toBeGreaterThan(0);
}

it('a table is looked for and created; an append is a data file and a log entry', async () => {
  expect(await requestsOf(0, (store) => store.create('changes', schema))).toEqual({
    put: 1,
    get: 2,
    list: 1,
    delete: 0,
  });
  expect(await requestsOf(0, (store) => store.create('changes', schema))).toEqual({
    put: 0,
    get: 0,
    list: 0,
    delete: 0,
  });
  expect(await requestsOf(0, append([1, 2], 1))).toEqual({ put: 2, get: 0, list: 0, delete: 0 });
  expect(await requestsOf(0, append([1, 2], 1))).toEqual({ put: 0, get: 0, list: 0, delete: 0 });
  expect(await requestsOf(0, append([], 2))).toEqual({ put: 1, get: 0, list: 0, delete: 0 });
});

it('a reader asks for the versions that it has not seen, and for the files', async () => {
  await requestsOf(0, (store) => store.create('changes', schema));
  for (let i = 0; i < 3; i++) await requestsOf(0, append([i]));
  // The hint, a listing, four versions, one that is not there; then three files.
  expect(await requestsOf(1, (store) => readAll(store))).toEqual({ put: 0, get: 9, list: 1, delete: 0 });
  expect(await requestsOf(1, (store) => readAll(store))).toEqual({ put: 0, get: 4, list: 0, delete: 0 });
  expect(await requestsOf(1, (store) => readAll(store, undefined, 2))).toEqual({ put: 0, get: 3, list: 0, delete: 0 });
  expect(await requestsOf(1, (store) => store.txns('changes'))).toEqual({ put: 0, get: 1, list: 0, delete: 0 });
  expect(await requestsOf(1, (store) => readAll(store, 1))).toMatchObject({ put: 0, delete: 0 });
  expect(await requestsOf(1, (store) => store.tables())).toEqual({ put: 0, get: 0, list: 2, delete: 0 });
});

it('a writer that was overtaken puts in vain, reads the log and puts again', async () => {
  await requestsOf(0, (store) => store.create('changes', schema));
  await requestsOf(1, append([1]));
  expect(await requestsOf(0, append([2]))).toEqual({ put: 3, get: 2, list: 0, delete: 0 });
  await requestsOf(1, append([3], 7));
  // It sees too late that the transaction is there already, and takes its file back.
  expect(await requestsOf(0, append([3], 7))).toEqual({ put: 2, get: 2, list: 0, delete: 1 });
});

it('every fiftieth commit writes a checkpoint, which the next reader begins with', async () => {
  await requestsOf(0, (store) => store.create('changes', schema));
  for (let version = 1; version < 50; version++) await requestsOf(0, append([], version));
  expect(await requestsOf(0, append([], 50))).toEqual({ put: 3, get: 0, list: 0, delete: 0 });
  await requestsOf(0, append([], 51));
  expect(await requestsOf(1, (store) => store.txns('changes'))).toEqual({ put: 0, get: 4, list: 1, delete: 0 });
});

it('folds, compactions and vacuums ask for what they read, write and delete', async () => {
  for (const table of ['changes', 'current']) await requestsOf(0, (store) => store.create(table, schema));
  for (let i = 0; i < 3; i++) await requestsOf(0, append([i]));
  await requestsOf(0, (store) => store.fold(spec));
  await requestsOf(0, append([1, 7]));
  await requestsOf(0, (store) => store.fold(spec));
  await requestsOf(0, (store) => store.fold(spec));
  expect(await requestsOf(0, (store) => store.compact('changes', sizes))).toEqual({
    put: 2,
    get: 5,
    list: 0,
    delete: 0,
  });
  nowUs += 10_000_000;
  expect(await requestsOf(0, (store) => store.vacuum('changes', { retainUs: 1 }))).toEqual({
    put: 0,
    get: 1,
    list: 1,
    delete: 4,
  });
});

it('moving files down the tiers asks for what it reads and writes, and who has read them', async () => {
  const policy = { warmAfterUs: 1_000_000, coldAfterUs: 1_000_000, targetFileBytes: 1e6 };
  await requestsOf(0, (store) => store.create('changes', schema));
  for (let i = 0; i < 3; i++) await requestsOf(0, append([i]));
  // The policy, and a look at the log; nothing is old.
  expect(await requestsOf(0, (store) => store.tier('changes', policy))).toEqual({ put: 1, get: 1, list: 0, delete: 0 });
  nowUs += 10_000_000;
  expect(await requestsOf(0, (store) => store.tier('changes', policy))).toEqual({ put: 2, get: 4, list: 1, delete: 0 });
  // The log, the file, and that it was read.
  expect(await requestsOf(0, async (store) => readAll(store))).toEqual({ put: 1, get: 2, list: 0, delete: 0 });
  nowUs += 10_000_000;
  expect(await requestsOf(0, (store) => store.vacuum('changes', { retainUs: 1 }))).toEqual({
    put: 0,
    get: 1,
    list: 3,
    delete: 3,
  });
});

it('a derivation asks for the files of its snapshots and puts its own', async () => {
  for (const table of ['changes', 'current']) await requestsOf(0, (store) => store.create(table, schema));
  for (let i = 0; i < 3; i++) await requestsOf(0, append([i]));
  const derive = (mode: 'append' | 'replace', txn: number, sql = 'FROM c') => {
    return async (store: TableStore) => {
      const from = { c: { snapshot: await store.snapshot('changes') } };
      await store.derive({ into: 'current', from, sql, mode, txns: [{ appId: 'app', version: txn }] });
    };
  };
  // The snapshot asks for the version after the newest.
  expect(await requestsOf(0, derive('append', 1))).toEqual({ put: 2, get: 4, list: 0, delete: 0 });
  expect(await requestsOf(0, derive('append', 1))).toEqual({ put: 0, get: 1, list: 0, delete: 0 });
  expect(await requestsOf(0, derive('replace', 2, 'FROM c WHERE false'))).toEqual({
    put: 1,
    get: 4,
    list: 0,
    delete: 0,
  });
  expect(await requestsOf(1, derive('replace', 3))).toMatchObject({ put: 2, delete: 0 });
});

it('the bytes of what is written come back when it is read', async () => {
  const [{ store, bytes }] = processes[0] as [(typeof open)[number]];
  await store.create('changes', schema);
  const before = bytes.put;
  await append([1, 2, 3])(store);
  const file = (await store.snapshot('changes')).files[0]!;
  expect(bytes.put - before).toBeGreaterThan(file.bytes);
  const read = bytes.get;
  await readAll(store);
  expect(bytes.get - read).toBe(file.bytes);
});
