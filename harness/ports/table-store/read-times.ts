/**
 * When files were last read: each process that reads tells it of its own reads, in an object of its own, `_reads/<id>`
 * beside the log (a name that Delta readers and vacuums pass over); whoever tiers the table puts them together. A read is
 * told once in a tenth of the time that decides, so that most reads tell nothing; one that is not told, as its process died
 * before, has cost its file a tier, and no row.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.js';
import type { AddFile } from './delta/actions.js';
import type { ObjectStore } from './delta/object-store.js';
import type { TableState } from './delta/table-state.js';
import { policyOf, toldEveryUs } from './tier-policy.js';

export interface ReadTimes {
  /** Files of a table are about to be read. */
  note(table: string, state: TableState, files: readonly AddFile[]): Promise<void>;
}

const folderOf = (table: string) => `${table}/_reads`;

export function noteReads(objects: ObjectStore, clock: Clock): ReadTimes {
  const id = randomUUID();
  const told = new Map<string, Map<string, number>>();
  return {
    async note(table, { metaData }, files) {
      const policy = policyOf(metaData);
      if (policy === null || files.length === 0) return;
      const nowUs = clock.nowUs();
      const times = new Map(told.get(table));
      const isOld = ({ path }: AddFile) => (times.get(path) ?? Number.NEGATIVE_INFINITY) <= nowUs - toldEveryUs(policy);
      if (!files.some(isOld)) return;
      for (const { path } of files) times.set(path, nowUs);
      // Not those that this state does not have: it may be an old one. What is as old as this moves its file no later.
      const forgottenUs = nowUs - Math.max(policy.warmAfterUs, policy.coldAfterUs);
      for (const [path, us] of times) if (us < forgottenUs) times.delete(path);
      try {
        await objects.put(`${folderOf(table)}/${id}`, JSON.stringify(Object.fromEntries(times)));
      } catch {
        return; // a full disk keeps nobody from reading; the next read tells it
      }
      told.set(table, times);
    },
  };
}

/** By path, when a file was last read as far as anybody has told. What says nothing of a live file is removed. */
export async function lastReads(
  objects: ObjectStore,
  table: string,
  { files }: TableState,
): Promise<ReadonlyMap<string, number>> {
  const last = new Map<string, number>();
  for (const { name } of await objects.list(folderOf(table))) {
    const text = await objects.get(`${folderOf(table)}/${name}`);
    const times = Object.entries(JSON.parse(text ?? '{}') as Record<string, number>);
    for (const [path, us] of times) last.set(path, Math.max(us, last.get(path) ?? us));
    if (times.every(([path]) => !files.has(path))) await objects.delete(`${folderOf(table)}/${name}`);
  }
  return last;
}
