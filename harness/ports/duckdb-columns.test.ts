import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ColumnBatch, IntValues, Schema, TextValues } from './columns.js';
import { appendColumns, createTableSql, quoteIdentifier, quoteText, readColumns } from './duckdb-columns.js';

const schema: Schema = [
  { name: 'whole', type: 'int', nullable: false },
  { name: 'maybe', type: 'int', nullable: true },
  { name: 'text "quoted"', type: 'text', nullable: false },
  { name: 'maybe_text', type: 'text', nullable: true },
];

let instance: DuckDBInstance;
let connection: DuckDBConnection;
beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

async function fill(batch: ColumnBatch, of: Schema = schema): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS t');
  await connection.run(createTableSql('t', of));
  await appendColumns(connection, 't', of, batch);
}

async function collect(query: string, of: Schema = schema): Promise<Record<string, unknown[]>> {
  const columns: Record<string, unknown[]> = Object.fromEntries(of.map(({ name }) => [name, []]));
  for await (const batch of readColumns(connection, query, of)) {
    for (const { name } of of) {
      const values = batch.columns[name] as IntValues | TextValues;
      expect(values.length).toBe(batch.rows);
      columns[name]?.push(...values);
    }
  }
  return columns;
}

const int = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.constantFrom(0, -1, 1, 2 ** 32, -(2 ** 32), 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1),
);
// Few distinct values as well as many, on both sides of the 12 bytes that DuckDB keeps inline, with NUL, BOM and emoji.
const text = fc.oneof(
  fc.constantFrom(
    '',
    'c',
    'orders',
    'exactly 12 b',
    'thirteen byte',
    '\u0000a',
    '\ufeffbom',
    'äöüäöü',
    'äöüäöü1',
    '🙂🙂🙂',
    '🙂🙂🙂.',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

describe('columns through DuckDB', () => {
  test('what goes in comes out, whatever the values, nulls and sizes', async () => {
    const row = fc.tuple(int, fc.option(int), text, fc.option(text));
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 300 }), fc.integer({ min: 1, max: 20 }), async (some, times) => {
        const rows = Array.from({ length: times }, () => some).flat();
        const columns = Object.fromEntries(
          schema.map(({ name }, index) => [name, rows.map((values) => values[index])]),
        );
        await fill({ rows: rows.length, columns: columns as ColumnBatch['columns'] });
        expect(await collect('FROM t')).toEqual(columns);
        // DuckDB itself sees the same values as it would by SQL.
        const [counted] = (
          await connection.runAndReadAll(
            'SELECT count(*), count("maybe"), count("maybe_text"), sum("whole")::VARCHAR FROM t',
          )
        ).getRows();
        const whole = rows.reduce((sum, values) => sum + BigInt(values[0]), 0n);
        expect(counted).toEqual([
          BigInt(rows.length),
          BigInt(rows.filter((values) => values[1] !== null).length),
          BigInt(rows.filter((values) => values[3] !== null).length),
          rows.length === 0 ? null : String(whole),
        ]);
      }),
      { numRuns: 60 },
    );
  });

  test('typed arrays of every kind are taken as they are, and read back as Float64Array', async () => {
    const ints: Schema = ['f64', 'i32', 'u32', 'u8'].map((name) => ({ name, type: 'int', nullable: false }));
    const rows = 5000;
    const columns = {
      f64: Float64Array.from({ length: rows }, (_, i) => (i - 2500) * 1e12),
      i32: Int32Array.from({ length: rows }, (_, i) => (i - 2500) * 800_000),
      u32: Uint32Array.from({ length: rows }, (_, i) => i * 850_000),
      u8: Uint8Array.from({ length: rows }, (_, i) => i),
    };
    await fill({ rows, columns }, ints);
    expect(await collect('FROM t', ints)).toEqual(
      Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, [...values]])),
    );
    for await (const batch of readColumns(connection, 'SELECT f64, i32::INTEGER AS i32, u32, u8 FROM t', ints)) {
      for (const { name } of ints) expect(batch.columns[name]).toBeInstanceOf(Float64Array);
    }
  });

  test('a batch of fewer rows than its arrays hold appends only those rows', async () => {
    const of: Schema = [{ name: 'a', type: 'int', nullable: false }];
    await fill({ rows: 2, columns: { a: new Float64Array([1, 2, 3]) } }, of);
    expect(await collect('FROM t', of)).toEqual({ a: [1, 2] });
  });

  test.each<[string, ColumnBatch, RegExp]>([
    ['a fraction', { rows: 1, columns: { a: [1.5], b: ['x'] } }, /Column a, row 0: 1\.5 is not an integer/],
    [
      'not a number',
      { rows: 2, columns: { a: new Float64Array([1, Number.NaN]), b: ['x', 'y'] } },
      /Column a, row 1: NaN/,
    ],
    ['an integer beyond 2^53', { rows: 1, columns: { a: [2 ** 53], b: ['x'] } }, /Column a, row 0: 9007199254740992/],
    ['a null', { rows: 1, columns: { a: [null], b: ['x'] } }, /Column a, row 0: null in a column that is not nullable/],
    ['a null text', { rows: 1, columns: { a: [1], b: [null] } }, /Column b, row 0: null/],
    ['a missing column', { rows: 1, columns: { a: [1] } }, /no column b/],
    ['a short column', { rows: 2, columns: { a: [1], b: ['x', 'y'] } }, /Column a has 1 values in a batch of 2 rows/],
  ])('refuses %s and appends nothing', async (_, batch, message) => {
    const of: Schema = [
      { name: 'a', type: 'int', nullable: false },
      { name: 'b', type: 'text', nullable: false },
    ];
    await expect(fill(batch, of)).rejects.toThrow(message);
    expect(await collect('FROM t', of)).toEqual({ a: [], b: [] });
  });

  test('refuses to read what has no exact number, or another type', async () => {
    const of: Schema = [{ name: 'a', type: 'int', nullable: true }];
    await expect(collect('SELECT 9007199254740993 AS a', of)).rejects.toThrow(/beyond 2\^53/);
    await expect(collect('SELECT sum(1) AS a', of)).rejects.toThrow(
      /HUGEINT where int was expected; cast it to BIGINT/,
    );
    await expect(collect('SELECT 1::BIGINT AS b', of)).rejects.toThrow(/no column a; it has b/);
    expect(await collect('SELECT NULL::BIGINT AS a', of)).toEqual({ a: [null] });
  });

  test('reads a prepared statement', async () => {
    const of: Schema = [{ name: 'a', type: 'int', nullable: false }];
    const statement = await connection.prepare('SELECT range AS a FROM range($1::BIGINT)');
    statement.bindBigInt(1, 3n);
    const values: number[] = [];
    for await (const batch of readColumns(connection, statement, of)) values.push(...(batch.columns.a as Float64Array));
    expect(values).toEqual([0, 1, 2]);
  });

  test('quotes are doubled', async () => {
    const name = 'a"b;--';
    const value = "it's; -- \\ \n";
    const rows = (
      await connection.runAndReadAll(`SELECT ${quoteText(value)} AS ${quoteIdentifier(name)}`)
    ).getRowObjects();
    expect(rows).toEqual([{ [name]: value }]);
  });
});
