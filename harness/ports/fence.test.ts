import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hostClock } from '../clock.js';
import { CallError } from '../errors.js';
import { seededRandom } from '../random.js';
import type { ColumnBatch } from './columns.js';
import { takeOver } from './fence.js';
import { openTableStore } from './table-store/embedded.js';
import type { TableStore } from './table-store/port.js';

let directory: string;
let tables: TableStore;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fence-'));
  tables = openTableStore({ directory, clock: hostClock });
});
afterAll(async () => {
  await tables.close();
  await rm(directory, { recursive: true });
});

const caller = { clock: hostClock, random: seededRandom(1), signal: new AbortController().signal };
const row = (id: number): ColumnBatch => ({ rows: 1, columns: { id: [id] } });

async function create(table: string): Promise<void> {
  await tables.create(table, [{ name: 'id', type: 'int', nullable: false }]);
}

async function idsIn(table: string): Promise<number[]> {
  const ids: number[] = [];
  for await (const { rows, columns } of tables.scan(await tables.snapshot(table), { columns: ['id'] }))
    for (let i = 0; i < rows; i++) ids.push(columns.id?.[i] as number);
  return ids.sort((a, b) => a - b);
}

it('refuses a writer that was replaced, whatever it has read since, and leaves its successor alone', async () => {
  await create('replaced');
  const zombie = await takeOver(caller, tables, 'replaced', 'writer');
  await zombie.append(row(1), [{ appId: 'offset', version: 1 }]);
  const successor = await takeOver(caller, tables, 'replaced', 'writer');
  await expect(zombie.append(row(3), [{ appId: 'offset', version: 3 }])).rejects.toThrow(
    /table replaced: writer is at \d+, expected \d+: another one has taken over/,
  );
  await successor.append(row(2), [{ appId: 'offset', version: 2 }]);
  await expect(zombie.append(row(4), [{ appId: 'offset', version: 4 }])).rejects.toThrow('taken over');
  expect(await idsIn('replaced')).toEqual([1, 2]);
});

it('appends once, in order, when answers are lost and calls fail', async () => {
  await create('lossy');
  const random = seededRandom(2);
  let calls = 0;
  const lossy: Pick<TableStore, 'append' | 'txns'> = {
    txns: (table) => tables.txns(table),
    async append(...args) {
      calls++;
      const draw = random.below(3);
      if (draw === 0) throw new CallError('failed', 'by the test');
      const answer = await tables.append(...args);
      if (draw === 1) throw new CallError('indeterminate', 'by the test');
      return answer;
    },
  };
  const writer = await takeOver(caller, lossy, 'lossy', 'writer');
  const ids = Array.from({ length: 12 }, (_, i) => i);
  const done: number[] = [];
  await Promise.all(ids.map((id) => writer.append(row(id), []).then(() => done.push(id))));
  expect(calls).toBeGreaterThan(2 * ids.length);
  expect(done).toEqual(ids);
  expect(await idsIn('lossy')).toEqual(ids);
});
