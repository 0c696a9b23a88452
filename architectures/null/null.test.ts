import { expect, it } from 'vitest';
import type { Plane, RoleContext } from '../../harness/architecture.js';
import { UsageError } from '../../harness/errors.js';
import { customerActivity } from '../../workloads/feature-view.js';
import { predict } from '../../workloads/model.js';
import nothing from './index.js';

it('serves what is known of customers without facts, at the time of the read, until it is stopped', async () => {
  const { roles, uses } = nothing();
  expect(uses).toEqual([]);
  const abort = new AbortController();
  let plane: Partial<Plane> = {};
  let nowUs = 10;
  const isReady = new Promise<void>((ready) => {
    const context = {
      clock: { nowUs: () => nowUs },
      contract: { view: customerActivity },
      signal: abort.signal,
      ready,
      serve: async (operations: Partial<Plane>) => {
        plane = operations;
      },
    } as unknown as RoleContext;
    roles[0]!.run(context).catch(() => {});
  });
  await isReady;
  nowUs = 20;
  const features = [...new Array(9).fill(0), null, null, null, null];
  expect(await plane.lookup?.({ keys: ['1', '2'] })).toEqual([
    { key: '1', lastSeq: 0, asOfUs: 20, features },
    { key: '2', lastSeq: 0, asOfUs: 20, features },
  ]);
  expect(await plane.predict?.({ keys: ['1'] })).toEqual([
    { key: '1', score: predict(features), modelVersion: 1, lastSeq: 0, asOfUs: 20 },
  ]);
  expect(Object.keys(plane)).toEqual(['lookup', 'predict']);
  abort.abort();
});

it('has no parameters', () => {
  expect(() => nothing({ speed: 1 })).toThrow(UsageError);
});
