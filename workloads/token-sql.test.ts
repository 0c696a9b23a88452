import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createContract } from './data-contract.js';
import { tokenSql } from './token-sql.js';

const params = { topic: 'changes', partitions: 1, customers: 2, allowedLatenessUs: 1 };

test('DuckDB computes the tokens of the contract, whatever the key and the text', async () => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const key = fc.uint8Array({ minLength: 16, maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString('hex'));
  const text = fc.string({ unit: 'grapheme', maxLength: 80 });
  try {
    await fc.assert(
      fc.asyncProperty(key, fc.array(text, { minLength: 1, maxLength: 20 }), async (tokenKey, texts) => {
        const { tokenise } = createContract({ ...params, tokenKey });
        const rows = texts.map((_, i) => `($${i + 1})`).join(', ');
        const sql = `SELECT ${tokenSql({ tokenKey }, 'text')} FROM (VALUES ${rows}) AS given (text)`;
        const answered = await connection.runAndReadAll(sql, texts);
        expect(answered.getColumnsJS()[0]).toEqual(texts.map(tokenise));
      }),
      { numRuns: 25 },
    );
    const [ofNull] = (
      await connection.runAndReadAll(`SELECT ${tokenSql({ tokenKey: 'ab'.repeat(16) }, 'NULL::VARCHAR')}`)
    ).getRows();
    expect(ofNull).toEqual([null]);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});
