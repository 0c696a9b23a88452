/** Deletes data files that nobody may still want to read: neither a snapshot nor the commit of a slow writer. */
import { existing, type Tables, writtenUs } from './data-files.js';

export async function vacuum(
  { log, objects, clock }: Tables,
  table: string,
  retainUs: number,
): Promise<{ readonly deletedFiles: number; readonly deletedBytes: number }> {
  // The listing comes first: a file committed after it is either not in it, or live or young in the state.
  const listed = await objects.list(table);
  const state = existing(table, await log(table).refresh());
  const keepFromUs = clock.nowUs() - retainUs;
  let deletedFiles = 0;
  let deletedBytes = 0;
  for (const { name, bytes } of listed) {
    const sinceUs = unusedSinceUs(name);
    if (sinceUs === null || sinceUs >= keepFromUs) continue;
    await objects.delete(`${table}/${name}`);
    deletedFiles++;
    deletedBytes += bytes;
  }
  return { deletedFiles, deletedBytes };

  /** When the file left the newest snapshot, or was written if it never was in one; null if it is live or not ours. */
  function unusedSinceUs(name: string): number | null {
    if (state.files.has(name)) return null;
    const removed = state.removed.get(name);
    if (removed) return (removed.deletionTimestamp ?? 0) * 1000;
    return writtenUs(name);
  }
}
