import { describe, expect, test } from 'vitest';
import type { Action } from './actions.js';
import { type Computed, conflictOf } from './conflicts.js';
import { creation, file, removal } from './fixture-log.js';
import { replay, type TableState } from './table-state.js';

const from = follow(null, [...creation({ 'delta.appendOnly': 'false' }), { add: file('a') }, { add: file('b') }]);
const [a] = from.files.values();
const [, , { metaData }] = creation({ 'delta.appendOnly': 'false' }) as [
  Action,
  Action,
  Extract<Action, { metaData: unknown }>,
];

function follow(base: TableState | null, ...commits: readonly (readonly Action[])[]): TableState {
  const first = (base?.version ?? -1) + 1;
  return replay(
    't',
    base,
    commits.map((actions, i) => ({ version: first + i, actions })),
  )!;
}

/** What operations have read that were computed from the same state. */
const operations = {
  'blind append': { from, txns: [{ appId: 'writer', version: 7 }] },
  compaction: { from, files: [a!] },
  'upsert of all keys': { from, files: [a!], wouldRead: () => true },
  'upsert of other keys': { from, files: [a!], wouldRead: () => false },
} satisfies Record<string, Computed>;

const conflictsWith = (...commits: readonly (readonly Action[])[]) =>
  Object.values(operations).map((computed) => conflictOf(computed, follow(from, ...commits)));

describe('what another writer did meanwhile, for a blind append, a compaction, an upsert of all keys and of others', () => {
  test('nothing', () => {
    expect(Object.values(operations).map((computed) => conflictOf(computed, from))).toEqual([null, null, null, null]);
  });

  test('appended rows', () => {
    expect(conflictsWith([{ add: file('c') }])).toEqual([null, null, 'ConcurrentAppend', null]);
  });

  test('rearranged files that were not read, or came and went', () => {
    const rearranged = [removal('b', { dataChange: false }), { add: file('c', { dataChange: false }) }];
    expect(conflictsWith(rearranged)).toEqual([null, null, null, null]);
    expect(conflictsWith([{ add: file('c') }], [removal('c')])).toEqual([null, null, null, null]);
  });

  test('appended rows, which were merged with others since', () => {
    expect(
      conflictsWith([{ add: file('c') }], [removal('c'), removal('b'), { add: file('d', { dataChange: false }) }]),
    ).toEqual([null, null, 'ConcurrentAppend', null]);
  });

  test('removed a file that was read, or replaced it', () => {
    const conflicts = [null, 'ConcurrentDelete', 'ConcurrentDelete', 'ConcurrentDelete'];
    expect(conflictsWith([removal('a')])).toEqual(conflicts);
    expect(conflictsWith([removal('a'), { add: file('c', { dataChange: false }) }])).toEqual(conflicts);
  });

  test('changed schema, partitioning or a property of Delta; a property of others is none', () => {
    const change = (change: Partial<typeof metaData>): Action => ({ metaData: { ...metaData, ...change } });
    const all = ['MetadataChanged', 'MetadataChanged', 'MetadataChanged', 'MetadataChanged'];
    expect(conflictsWith([change({ schemaString: '{"type":"struct","fields":[]}' })])).toEqual(all);
    expect(conflictsWith([change({ partitionColumns: ['p'] })])).toEqual(all);
    expect(conflictsWith([change({ configuration: { 'delta.appendOnly': 'true' } })])).toEqual(all);
    const named = { 'planebench.pin.x': '3', 'delta.appendOnly': 'false' };
    expect(conflictsWith([change({ configuration: named })])).toEqual([null, null, null, null]);
  });

  test('changed the protocol', () => {
    const all = ['ProtocolChanged', 'ProtocolChanged', 'ProtocolChanged', 'ProtocolChanged'];
    expect(conflictsWith([{ protocol: { minReaderVersion: 1, minWriterVersion: 1 } }])).toEqual(all);
  });

  test('recorded the same transaction, or a later one; an earlier one is none', () => {
    const record = (version: number): Action => ({ txn: { appId: 'writer', version } });
    for (const version of [7, 8]) expect(conflictsWith([record(version)])[0]).toBe('ConcurrentTransaction');
    expect(conflictsWith([record(6)])[0]).toBeNull();
    expect(conflictOf({ from, txns: [{ appId: 'writer', version: 7 }] }, follow(from, [record(7), removal('a')]))).toBe(
      'ConcurrentTransaction',
    );
  });

  test('wrote so much that the newest state was read from a checkpoint: whatever is there may be new', () => {
    const newest = follow(from, [{ add: file('c', { dataChange: false }) }]);
    const read = { ...newest, metaData: { ...newest.metaData }, dataVersion: newest.version };
    expect(Object.values(operations).map((computed) => conflictOf(computed, read))).toEqual([
      null,
      null,
      'ConcurrentAppend',
      null,
    ]);
  });
});
