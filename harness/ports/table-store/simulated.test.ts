import { beforeEach, describe, expect, test } from 'vitest';
import { type Clock, hostClock } from '../../clock.js';
import type { Resource } from '../../simulation/resource.js';
import type { ColumnBatch, Schema } from '../columns.js';
import { tableStoreContract } from './contract.js';
import { schema as foldSchema, sizes, spec } from './fold.fixture.js';
import type { Snapshot } from './port.js';
import { type SimulatedTableStore, simulateTableStore } from './simulated.js';

const free: Resource = { use: async () => {}, busyUs: () => 0 };

tableStoreContract('simulated', () => {
  let store: SimulatedTableStore | undefined;
  return {
    open(clock, client) {
      store ??= simulateTableStore({ clock, resource: free, parquet: () => [], host: (work) => work() });
      return client ? store.connect(clock, client.onRequest ?? (() => {}), client.run) : store;
    },
    destroy: async () => {},
  };
});

const schema: Schema = [...foldSchema, { name: 'note', type: 'text', nullable: true }];
type Row = readonly [entity: number, lsn: number, op: string, note?: string];

describe('simulated: what is its own', () => {
  let store: SimulatedTableStore;
  let time: { nowUs: number };
  let used: (readonly [operation: string, rows: number, bytes: number])[];
  /** Is served before the next call of `operation`, once. */
  let overtake: { readonly operation: string; run(): Promise<unknown> } | null;
  let files: Record<string, readonly ColumnBatch[]>;

  beforeEach(async () => {
    time = { nowUs: 1_700_000_000_000_000 };
    const clock: Clock = { ...hostClock, nowUs: () => time.nowUs };
    used = [];
    overtake = null;
    files = {};
    const resource: Resource = {
      async use(operation, rows, bytes) {
        used.push([operation, rows, bytes]);
        const first = overtake?.operation === operation ? overtake : null;
        if (first) overtake = null;
        await first?.run();
      },
      busyUs: () => 0,
    };
    store = simulateTableStore({ clock, resource, parquet: (path) => files[path] ?? [], host: (work) => work() });
    await store.create('changes', schema);
    await store.create('current', schema);
    used.length = 0;
  });

  const append = (table: string, rows: readonly Row[], txn?: number) =>
    store.append(table, batch(rows), txn === undefined ? [] : [{ appId: 'app', version: txn }]);

  async function rowsIn(table: string, version?: number): Promise<string[]> {
    const rows: string[] = [];
    for await (const page of store.scan(await store.snapshot(table, version), { columns: ['entity', 'lsn'] })) {
      for (let i = 0; i < page.rows; i++) rows.push(`${page.columns.entity?.[i]}@${page.columns.lsn?.[i]}`);
    }
    return rows.sort();
  }

  test('every call is served once, for the rows and bytes that it moves', async () => {
    await append('changes', [
      [1, 1, 'c', 'four'],
      [2, 2, 'c'],
    ]);
    await append('changes', [], 1);
    await append('changes', [[3, 3, 'c']], 1);
    await store.fold(spec);
    await append('changes', [[2, 4, 'u']]);
    await store.fold(spec);
    await store.fold(spec);
    await store.compact('changes', sizes);
    await rowsIn('changes');
    // A row: two integers of 8 bytes, an op of 2, a note of its length and 1.
    expect(used).toEqual([
      ['append', 2, 42],
      ['append', 0, 0],
      ['append', 0, 0],
      ['fold', 4, 84],
      ['append', 1, 19],
      ['fold', 3, 61],
      ['fold', 0, 0],
      ['compact', 3, 61],
      ['snapshot', 0, 0],
      ['scan', 3, 48],
    ]);
    expect((await store.snapshot('changes')).files.map(({ rows, bytes }) => [rows, bytes])).toEqual([[3, 61]]);
  });

  test('a derivation is served for what it reads and writes, and takes effect then, in the same order each time', async () => {
    await append('changes', [
      [2, 1, 'c', 'four'],
      [1, 2, 'c'],
      [3, 3, 'd'],
    ]);
    files['labels.parquet'] = [{ rows: 2, columns: { entity: [2, 1], label: [1, 0], unused: ['x', 'y'] } }];
    await store.create('labelled', [
      schema[0] as (typeof schema)[number],
      { name: 'label', type: 'int', nullable: true },
    ]);
    const labels: Schema = ['entity', 'label'].map((name) => ({ name, type: 'int', nullable: false }));
    const spec = {
      into: 'labelled',
      from: {
        changes: { snapshot: await store.snapshot('changes'), where: { column: 'lsn', to: 3 } },
        labels: { parquet: ['labels.parquet'], schema: labels },
      },
      sql: 'SELECT entity, label FROM changes LEFT JOIN labels USING (entity)',
      mode: 'replace',
      txns: [],
    } as const;
    const rowsOf = async () => {
      const rows: string[] = [];
      for await (const { columns } of store.scan(await store.snapshot('labelled'), { columns: ['entity', 'label'] })) {
        rows.push(`${columns.entity} ${columns.label}`);
      }
      return rows;
    };
    used.length = 0;
    let seenBefore: unknown;
    overtake = { operation: 'derive', run: async () => (seenBefore = await rowsOf()) };
    const derived = await store.derive(spec);
    expect(seenBefore).toEqual([]);
    expect(await rowsOf()).toEqual(['1,2 0,1']);
    // Three rows with entity and lsn of 8 bytes were read, of which two were asked for; two of labels; two were written.
    expect(used[0]).toEqual(['derive', 3 + 2 + 2, 3 * 16 + 2 * 16 + 2 * 16]);
    expect(derived.scanned).toEqual({ liveBytes: 32, requestedBytes: 48, readBytes: null });
    const query = { from: spec.from, sql: `${spec.sql} ORDER BY entity DESC`, schema: labels };
    for await (const { columns } of store.query(query)) expect(Array.from(columns.entity as number[])).toEqual([2, 1]);
    expect(used.at(-1)).toEqual(['query', 5, 80]);
  });

  test('columns may be used again at once, and what was answered stays', async () => {
    const rows = batch([
      [1, 1, 'c', 'first'],
      [2, 2, 'c'],
    ]);
    const appended = store.append('changes', rows, []);
    (rows.columns.lsn as number[])[0] = 99;
    await appended;
    const answered: ColumnBatch[] = [];
    for await (const page of store.scan(await store.snapshot('changes'), { columns: ['lsn', 'note'] })) {
      answered.push(page);
    }
    await append('changes', [[3, 3, 'c', 'later']]);
    expect(answered).toEqual([{ rows: 2, columns: { lsn: Float64Array.of(1, 2), note: ['first', null] } }]);
  });

  test('rows that cannot be stored leave nothing behind', async () => {
    await append('changes', [[1, 1, 'c', 'kept']]);
    const refused = (columns: ColumnBatch['columns']) => store.append('changes', { rows: 1, columns }, []);
    const good = { entity: [2], lsn: [2], op: ['c'], note: ['lost'] };
    await expect(refused({ ...good, op: [null] })).rejects.toThrow(/Column op, row 0: null .* not nullable/);
    await expect(refused({ ...good, lsn: [0.5] })).rejects.toThrow(/Column lsn, row 0: 0.5 is not an integer/);
    await expect(refused({ ...good, lsn: Float64Array.of(2 ** 53) })).rejects.toThrow(/Column lsn, row 0/);
    await expect(refused({ ...good, note: [] })).rejects.toThrow(/Column note has 0 values in a batch of 1 rows/);
    await expect(refused({ entity: [2], lsn: [2], note: ['lost'] })).rejects.toThrow(/no column op/);
    await expect(refused({ ...good, nte: ['lost'] })).rejects.toThrow(/Table changes has no column nte/);
    await append('changes', [[3, 3, 'c', 'too']]);
    expect(await rowsIn('changes')).toEqual(['1@1', '3@3']);
    expect(new Set(store.stored())).toEqual(new Set(['changes', 'current', 'c', 'kept', 'too']));
  });

  test('an append whose transaction was recorded meanwhile is not committed', async () => {
    overtake = { operation: 'append', run: () => append('changes', [[1, 1, 'c']], 1) };
    expect(await append('changes', [[1, 1, 'c']], 1)).toEqual({ committed: false, version: 1 });
    await append('changes', [[2, 2, 'c']], 2);
    expect(await rowsIn('changes')).toEqual(['1@1', '2@2']);
  });

  test('a fold that another overtook folds nothing twice, one that an older overtook takes what is left', async () => {
    await append('changes', [[1, 1, 'c']]);
    overtake = { operation: 'fold', run: () => store.fold(spec) };
    expect(await store.fold(spec)).toEqual({ foldedRows: 0, version: 1 });
    await append('changes', [[1, 2, 'u']]);
    overtake = {
      operation: 'fold',
      async run() {
        await store.fold(spec);
        await append('changes', [
          [1, 3, 'd'],
          [2, 4, 'c'],
        ]);
      },
    };
    expect(await store.fold(spec)).toEqual({ foldedRows: 2, version: 3 });
    expect(await rowsIn('current')).toEqual(['2@4']);
  });

  test('a fold sees rows that came into its table, and files that were merged, while it waited', async () => {
    await append('changes', [[1, 1, 'c']]);
    overtake = { operation: 'fold', run: () => append('current', [[1, 0, 'c']]) };
    await store.fold(spec);
    expect(await rowsIn('current')).toEqual(['1@1']);
    await append('changes', [[2, 2, 'c']]);
    await store.fold(spec);
    await append('changes', [[1, 3, 'u']]);
    overtake = { operation: 'fold', run: () => store.compact('current', sizes) };
    await store.fold(spec);
    expect(await rowsIn('current')).toEqual(['1@3', '2@2']);
  });

  test('a fold replaces every row of a key that others appended, in old files and new', async () => {
    await append('changes', [
      [1, 1, 'c'],
      [2, 2, 'c'],
    ]);
    await store.fold(spec);
    await append('current', [
      [3, 0, 'c'],
      [1, 0, 'c'],
      [1, 5, 'c'],
    ]);
    await append('changes', [[1, 4, 'u']]);
    await store.fold(spec);
    expect(await rowsIn('current')).toEqual(['1@0', '1@1', '1@5', '2@2', '3@0']);
    await append('changes', [
      [1, 6, 'u'],
      [3, 7, 'd'],
    ]);
    await store.fold(spec);
    expect(await rowsIn('current')).toEqual(['1@6', '2@2']);
  });

  test('a compaction whose files were taken gives up, and goes on behind an append', async () => {
    for (const i of [1, 2]) await append('changes', [[i, i, 'c']]);
    overtake = { operation: 'compact', run: () => append('changes', [[3, 3, 'c']]) };
    expect(await store.compact('changes', sizes)).toEqual({ filesBefore: 2, filesAfter: 1 });
    overtake = { operation: 'compact', run: () => store.compact('changes', sizes) };
    expect(await store.compact('changes', sizes)).toEqual({ filesBefore: 2, filesAfter: 2 });
    expect(await rowsIn('changes')).toEqual(['1@1', '2@2', '3@3']);
  });

  test('a scan that has begun ends, though its files are vacuumed', async () => {
    await append('changes', [[1, 1, 'c']]);
    await append('changes', [[2, 2, 'c']]);
    overtake = {
      operation: 'scan',
      async run() {
        await store.compact('changes', sizes);
        time.nowUs++;
        expect((await store.vacuum('changes', { retainUs: 0 })).deletedFiles).toBe(2);
      },
    };
    expect(await rowsIn('changes')).toEqual(['1@1', '2@2']);
    await expect(rowsIn('changes', 2)).rejects.toThrow(/2 of the 2 files of version 2 were vacuumed/);
  });

  test('what it holds are the texts of its files, until they are vacuumed', async () => {
    await append('current', [[1, 1, 'c', 'gone']], 1);
    await append('changes', [[1, 2, 'd', 'deletes']]);
    await store.fold(spec);
    expect(await rowsIn('current')).toEqual([]);
    const texts = ['changes', 'd', 'deletes', 'current', 'app', 'fold:changes'];
    expect(new Set(store.stored())).toEqual(new Set([...texts, 'c', 'gone']));
    const before = store.storedBytes();
    time.nowUs++;
    expect(await store.vacuum('current', { retainUs: 0 })).toEqual({ deletedFiles: 1, deletedBytes: 23 });
    expect(new Set(store.stored())).toEqual(new Set(texts));
    expect(store.storedBytes()).toEqual({ ...before, hot: before.hot - 23 });
  });

  test('Parquet comes in pages, in the order of the file, the columns that are asked for', async () => {
    const part = (first: number, rows: number): ColumnBatch => ({
      rows,
      columns: {
        id: Float64Array.from({ length: rows }, (_, i) => first + i),
        name: Array.from({ length: rows }, (_, i) => `n${first + i}`),
        score: rows % 2 ? Array.from({ length: rows }, () => null) : new Uint8Array(rows),
        unwanted: new Uint8Array(rows),
      },
    });
    files.history = [part(0, 7_000), part(7_000, 12_999), part(19_999, 50_002)];
    const wanted: Schema = [
      { name: 'id', type: 'int', nullable: false },
      { name: 'name', type: 'text', nullable: false },
      { name: 'score', type: 'int', nullable: true },
    ];
    const pages: ColumnBatch[] = [];
    for await (const page of store.readParquet('history', wanted)) pages.push(page);
    expect(pages.map(({ rows }) => rows)).toEqual([20_000, 20_000, 20_000, 10_001]);
    expect(Object.keys(pages[0]!.columns)).toEqual(['id', 'name', 'score']);
    const ids = pages.flatMap(({ columns }) => Array.from(columns.id as Float64Array));
    expect(ids).toEqual(Array.from({ length: 70_001 }, (_, i) => i));
    expect(pages.flatMap(({ columns }) => columns.name as string[])).toEqual(ids.map((id) => `n${id}`));
    expect(pages[0]!.columns.score?.[6_999]).toBe(0);
    expect(pages[0]!.columns.score?.[7_000]).toBe(null);
    expect(pages[1]!.columns.score).toEqual(new Float64Array(20_000));
    expect(used.map(([operation, rows]) => [operation, rows])).toEqual(pages.map(({ rows }) => ['readParquet', rows]));
    const absent = store.readParquet('history', [{ name: 'nothing', type: 'int', nullable: false }]);
    await expect(
      (async () => {
        for await (const _ of absent) throw new Error('a page came');
      })(),
    ).rejects.toThrow(/history has no column nothing/);
  });

  test('a scan goes over pages, and pages over files', async () => {
    const rows = Array.from({ length: 40_000 }, (_, i): Row => [i, i, 'c', i % 3 ? undefined : `n${i}`] as never);
    for (let i = 0; i < rows.length; i += 1_000) await append('changes', rows.slice(i, i + 1_000));
    const snapshot: Snapshot = await store.snapshot('changes');
    expect(snapshot.files.length).toBe(40);
    const pages: ColumnBatch[] = [];
    for await (const page of store.scan(snapshot, { columns: ['note', 'entity'] })) pages.push(page);
    expect(pages.map((page) => page.rows)).toEqual([16_384, 16_384, 7_232]);
    for (const { rows: count, columns } of pages) {
      expect(Object.values(columns).map(({ length }) => length)).toEqual([count, count]);
    }
    expect(pages.flatMap(({ columns }) => columns.note as (string | null)[])).toEqual(
      rows.map((row) => row[3] ?? null),
    );
    expect(pages.flatMap(({ columns }) => Array.from(columns.entity as Float64Array))).toEqual(
      rows.map((row) => row[0]),
    );
  });
});

function batch(rows: readonly Row[]): ColumnBatch {
  return {
    rows: rows.length,
    columns: {
      entity: rows.map((row) => row[0]),
      lsn: rows.map((row) => row[1]),
      op: rows.map((row) => row[2]),
      note: rows.map((row) => row[3] ?? null),
    },
  };
}
