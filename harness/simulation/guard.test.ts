import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { PlaneError } from '../errors.js';
import { asHarness, asRole, installGuard } from './guard.js';

installGuard();

const temptations: Readonly<Record<string, () => unknown>> = {
  'Date.now': () => Date.now(),
  'new Date()': () => new Date(),
  'performance.now': () => performance.now(),
  'process.hrtime.bigint': () => process.hrtime.bigint(),
  'Math.random': () => Math.random(),
  setTimeout: () => setTimeout(() => {}, 0),
  setImmediate: () => setImmediate(() => {}),
  'crypto.randomUUID': () => randomUUID(),
  'fs.readFileSync': () => readFileSync('package.json'),
  'fs/promises.readFile': () => readFile('package.json'),
  'net.connect': () => connect(1),
  fetch: () => fetch('http://127.0.0.1:1'),
};

it.each(Object.entries(temptations))('a role that calls %s is told so', (name, call) => {
  let error: unknown;
  try {
    asRole('stream', call);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(PlaneError);
  expect(String(error)).toContain(`role stream called ${name} in a simulated run`);
  expect((error as Error).stack).toContain('guard.test');
});

it('holds for whatever the role awaits, and only for the role', async () => {
  await expect(
    asRole('stream', async () => {
      await Promise.resolve();
      return Date.now();
    }),
  ).rejects.toThrow(PlaneError);
  expect(Date.now()).toBeGreaterThan(0);
  expect(asRole('stream', () => asHarness(() => Date.now()))).toBeGreaterThan(0);
});

it('leaves what only computes', () => {
  asRole('stream', () => {
    expect(new Date(0).toISOString()).toBe('1970-01-01T00:00:00.000Z');
    expect(new Date(0)).toBeInstanceOf(Date);
    expect(Date.UTC(2026, 0)).toBe(1_767_225_600_000);
    expect(Math.max(1, 2)).toBe(2);
  });
});
