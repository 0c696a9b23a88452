/**
 * Deletes data files that nobody may still want to read: neither a pin, nor a young snapshot, nor the commit of a slow
 * writer. What was never in a version may be on its way into one, whatever its name says: a writer whose clock is wrong gives it
 * a wrong time, and here the clock may be wrong, too. It is deleted by a vacuum that has found it so for the retention, and has
 * condemned it: for a writer that is slower still the log says that it may not be committed any more (`commitDraft`).
 */
import { existing, type Tables, uriOf, writtenUs } from './data-files.js';
import { commitInfo } from './delta/actions.js';
import type { ListedObject } from './delta/object-store.js';
import { deletedFileRetentionUs, logRetentionUs } from './delta/table-properties.js';
import { pinnedPaths, pinsOf } from './pins.js';
import { listDataFiles } from './stored-files.js';

export async function vacuum(
  tables: Tables,
  table: string,
  retainUs: number,
): Promise<{ readonly deletedFiles: number; readonly deletedBytes: number }> {
  const { log: logOf, objects, clock, strays } = tables;
  // The listing comes first: a file committed after it is either not in it, or live or young in the state.
  const log = logOf(table);
  const listed = await listDataFiles(objects, table, existing(table, await log.lastSeen()));
  const state = existing(table, await log.refresh());
  const rememberedUs = deletedFileRetentionUs(table, state.metaData);
  if (retainUs > rememberedUs)
    throw new Error(
      `Table ${table} remembers files that left it for ${rememberedUs} µs, and ${retainUs} µs are to be kept: raise delta.deletedFileRetentionDuration first.`,
    );
  const kept = new Set(Array.from([...state.files.keys(), ...(await pinnedPaths(log, state))], decodeURIComponent));
  const removed = new Map(Array.from(state.removed, ([path, file]) => [decodeURIComponent(path), file]));
  const keepFromUs = clock.nowUs() - retainUs;
  const unused: ListedObject[] = [];
  const strayed: ListedObject[] = [];
  const foundBefore = strays.get(table);
  const found = new Map<string, number>();
  strays.set(table, found);
  for (const file of listed) {
    const { name } = file;
    const sinceUs = unusedSinceUs(name);
    if (sinceUs === null || sinceUs >= keepFromUs) continue;
    const foundUs = foundBefore?.get(name);
    if (removed.has(name)) unused.push(file);
    else if (foundUs !== undefined && foundUs <= keepFromUs) strayed.push(file);
    else found.set(name, foundUs ?? clock.nowUs());
  }
  for (const { name } of unused) await objects.delete(`${table}/${name}`);
  const condemned = await condemn(tables, table, strayed);
  for (const { name } of condemned) await objects.delete(`${table}/${name}`);
  // A log that is younger has nothing to clean up, and is not looked through for it.
  const oldestUs = (state.metaData.createdTime ?? 0) * 1000;
  if (clock.nowUs() - oldestUs > logRetentionUs(table, state.metaData))
    await log.cleanUp(Math.min(...pinsOf(state.metaData).values()));
  const deleted = [...unused, ...condemned];
  return { deletedFiles: deleted.length, deletedBytes: deleted.reduce((sum, { bytes }) => sum + bytes, 0) };

  /** When the file left the newest snapshot, or was written if it never was in one; null if it stays or is not ours. */
  function unusedSinceUs(name: string): number | null {
    if (kept.has(name)) return null;
    const left = removed.get(name);
    if (left) return (left.deletionTimestamp ?? 0) * 1000;
    return writtenUs(name);
  }
}

/**
 * Of files of no version, those that will never be in one: tombstones in a version of its own say so before any of them is
 * deleted. Whoever is about to commit such a file, as a version that is not later, finds that taken, and the tombstone when it
 * looks again. Whoever was first has made it known: then it is not condemned.
 */
async function condemn(
  { log, clock }: Tables,
  table: string,
  files: readonly ListedObject[],
): Promise<readonly ListedObject[]> {
  if (files.length === 0) return [];
  let condemned = files;
  await log(table).commit((state) => {
    const newest = existing(table, state);
    const known = new Set(Array.from([...newest.files.keys(), ...newest.removed.keys()], decodeURIComponent));
    condemned = files.filter(({ name }) => !known.has(name));
    if (condemned.length === 0) return null;
    const nowUs = clock.nowUs();
    const deletionTimestamp = Math.ceil(nowUs / 1000);
    return [
      commitInfo(nowUs, 'VACUUM START', { files: String(condemned.length) }),
      ...condemned.map(({ name, bytes }) => ({
        remove: { path: uriOf(name), deletionTimestamp, dataChange: false, size: bytes },
      })),
    ];
  });
  return condemned;
}
