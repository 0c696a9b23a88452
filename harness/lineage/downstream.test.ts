import { expect, it } from 'vitest';
import { seededRandom } from '../random.js';
import { downstreamOf, inputVersion } from './downstream.js';
import { model, namespaces, runEvent, storedTable, topic } from './event.js';
import { testOrigin } from './fixture-origin.js';

const origin = testOrigin('batch', seededRandom(1));
const events = [
  runEvent(origin, 'START', 0, { into: [storedTable('scored')], from: [model(2), storedTable('features', 3)] }),
  runEvent(origin, 'START', 0, { into: [storedTable('features')], from: [storedTable('changes', 7)] }),
  // A merge: of itself.
  runEvent(origin, 'START', 0, { into: [storedTable('changes')], from: [storedTable('changes', 7)] }),
  runEvent(origin, 'START', 0, { into: [storedTable('changes')], from: [topic('changes', [0])] }),
  runEvent(origin, 'START', 0, { into: [storedTable('history')], from: [topic('other', [0])] }),
];

it('finds what was made of a table, directly and by way of others, and nothing else', () => {
  const names = (from: ReturnType<typeof storedTable>) => downstreamOf(events, from).map(({ name }) => name);
  expect(names(storedTable('changes'))).toEqual(['features', 'scored']);
  expect(names(topic('changes', []))).toEqual(['changes', 'features', 'scored']);
  expect(names(storedTable('scored'))).toEqual([]);
});

it('knows the version that a run has read', () => {
  expect(inputVersion(events, origin.runId, namespaces.models)).toBe(2);
  expect(inputVersion(events, 'another', namespaces.models)).toBeNull();
});
