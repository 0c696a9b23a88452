/** Of the plane `template`: node --import tsx --test template.test.ts */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import plane, { type Change, createCustomers } from './plane.js';

const nowUs = 1_768_478_400_000_000;
const fact = { entity: 1, eventUs: nowUs - 1_000_000, amountCents: 250, category: 3, risk: -1 };
const order = (seq: number, more: Partial<Change> = {}): Change => ({
  seq,
  commitUs: nowUs - 500_000,
  table: 'orders',
  op: 'c',
  refused: false,
  fact: { ...fact, entity: seq },
  ...more,
});

/** The row of customer 7 after these changes. */
function rowAfter(changes: readonly Change[], atUs = nowUs) {
  const customers = createCustomers();
  for (const change of changes) customers.take(7, change);
  return customers.rowOf('7', atUs);
}

test('is a plane with one role that ingests', () => {
  const { name, roles } = plane();
  assert.equal(name, 'template');
  assert.deepEqual(
    roles.map(({ ingests }) => ingests),
    [true],
  );
});

test('a customer without facts has zeros and nulls', () => {
  const { lastSeq, features } = createCustomers().rowOf('8', nowUs);
  assert.equal(lastSeq, 0);
  assert.deepEqual(features, [0, 0, 0, 0, 0, 0, 0, 0, 0, null, null, null, null]);
});

test('each change counts once, in the order of seq, whatever the order in which they come', () => {
  const inOrder = rowAfter([order(1), order(2), order(3)]);
  assert.equal(inOrder.lastSeq, 3);
  assert.deepEqual(inOrder.features.slice(0, 4), [3, 3, 3, 750]);
  assert.deepEqual(rowAfter([order(3), order(1), order(1), order(2), order(3)]), inOrder);
  assert.equal(rowAfter([order(1), order(3)]).lastSeq, 1, 'seq 2 has not come yet');
});

test('a refused change is seen and not applied; a deleted order is gone', () => {
  const { lastSeq, features } = rowAfter([
    order(1),
    order(2, { refused: true }),
    order(3, { op: 'd', fact: { ...fact, entity: 1 } }),
  ]);
  assert.equal(lastSeq, 3);
  assert.equal(features[0], 0);
});

test('an order leaves the hour, but not the day', () => {
  const { features } = rowAfter([order(1)], nowUs + 3_600_000_000);
  assert.deepEqual(features.slice(0, 2), [0, 1]);
});

test('a row is never older than its last change', () => {
  assert.equal(rowAfter([order(1, { commitUs: nowUs + 5 })]).asOfUs, nowUs + 5);
});
