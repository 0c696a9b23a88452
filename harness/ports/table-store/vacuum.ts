/**
 * Deletes data files that nobody may still want to read: neither a pin, nor a young snapshot, nor the commit of a slow
 * writer. What was never in a version may be on its way into one, whatever its name says: a writer whose clock is wrong gives it
 * a wrong time, and here the clock may be wrong, too. It is deleted by a vacuum that has found it so for the retention. A writer
 * that is slower still looks before it commits (`expectUnswept` of data-files.ts).
 */
import { existing, type Tables, writtenUs } from './data-files.js';
import { deletedFileRetentionUs, logRetentionUs } from './delta/table-properties.js';
import { pinnedPaths, pinsOf } from './pins.js';
import { listDataFiles } from './stored-files.js';

export async function vacuum(
  { log: logOf, objects, clock, strays }: Tables,
  table: string,
  retainUs: number,
): Promise<{ readonly deletedFiles: number; readonly deletedBytes: number }> {
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
  let deletedFiles = 0;
  let deletedBytes = 0;
  const foundBefore = strays.get(table);
  const found = new Map<string, number>();
  strays.set(table, found);
  for (const { name, bytes } of listed) {
    const sinceUs = unusedSinceUs(name);
    if (sinceUs === null || sinceUs >= keepFromUs) continue;
    if (!removed.has(name)) {
      const foundUs = foundBefore?.get(name);
      if (foundUs === undefined || foundUs > keepFromUs) {
        found.set(name, foundUs ?? clock.nowUs());
        continue;
      }
    }
    await objects.delete(`${table}/${name}`);
    deletedFiles++;
    deletedBytes += bytes;
  }
  // A log that is younger has nothing to clean up, and is not looked through for it.
  const oldestUs = (state.metaData.createdTime ?? 0) * 1000;
  if (clock.nowUs() - oldestUs > logRetentionUs(table, state.metaData))
    await log.cleanUp(Math.min(...pinsOf(state.metaData).values()));
  return { deletedFiles, deletedBytes };

  /** When the file left the newest snapshot, or was written if it never was in one; null if it stays or is not ours. */
  function unusedSinceUs(name: string): number | null {
    if (kept.has(name)) return null;
    const left = removed.get(name);
    if (left) return (left.deletionTimestamp ?? 0) * 1000;
    return writtenUs(name);
  }
}
