import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { createContract } from '../../workloads/data-contract.js';
import { tokenSql } from './token-sql.js';

const texts = ['', 'a', 'ä.b@example.org', "o'hara", '+49 (0)30 1234', 'x'.repeat(200)];

it.each([16, 20, 64, 65, 100])("is the contract's token, with a key of %i bytes", async (bytes) => {
  const tokenKey = Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 37) % 256)).toString('hex');
  const contract = createContract({ topic: 't', partitions: 1, customers: 2, allowedLatenessUs: 1, tokenKey });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = texts.map((text) => `('${text.replaceAll("'", "''")}')`).join(', ');
  const found = await connection.runAndReadAll(`SELECT ${tokenSql(tokenKey, 'text')} FROM (VALUES ${rows}) AS t(text)`);
  expect(found.getColumnsJS()[0]).toEqual(texts.map((text) => contract.tokenise(text)));
  connection.closeSync();
  instance.closeSync();
});
