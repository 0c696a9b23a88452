import { expect, test } from 'vitest';
import { contractRegistry, createRegistry } from './registry.js';
import { type RowSchema, rowSchemas } from './schemas.js';

const [v1, v2, v3] = rowSchemas.orders as [RowSchema, RowSchema, RowSchema];

test('a nullable field with a default is accepted', () => {
  const registry = createRegistry();
  expect(registry.register('orders', v1)).toEqual({ accepted: true });
  expect(registry.register('orders', v2)).toEqual({ accepted: true });
});

test('a field that changes from integer to text is refused, and the reason names field and versions', () => {
  const registry = contractRegistry();
  const verdict = registry.verdict('orders', 3);
  expect(verdict.accepted).toBe(false);
  if (verdict.accepted) return;
  expect(verdict.reason).toContain('orders version 3 is incompatible with version 1');
  expect(verdict.reason).toContain('amount_cents');
  expect(registry.reader('orders', 3)).toBeNull();
});

test('a refused version is no yardstick for the versions after it', () => {
  const registry = createRegistry();
  registry.register('orders', v1);
  expect(registry.register('orders', v3).accepted).toBe(false);
  expect(registry.register('orders', v2)).toEqual({ accepted: true });
});

test('a new field without a default is refused: it could not be read from older payloads', () => {
  const registry = createRegistry();
  registry.register('orders', v1);
  const required: RowSchema = { ...v1, fields: [...v1.fields, { name: 'channel', type: 'string' }] };
  expect(registry.register('orders', required).accepted).toBe(false);
});

test('a version that nobody registered is not accepted, and says so', () => {
  const registry = contractRegistry();
  expect(registry.verdict('clicks', 7)).toEqual({ accepted: false, reason: 'clicks version 7 is not registered' });
  expect(registry.verdict('clicks', 0).accepted).toBe(false);
  expect(registry.reader('clicks', 7)).toBeNull();
});
