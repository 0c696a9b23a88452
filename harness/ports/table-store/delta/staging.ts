/**
 * Files that only this process knows of, each under its process id, so that whoever opens the folder can sweep what dead
 * processes left there.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** A new path with each call, of nothing yet. */
export function openStaging(folder: string): () => Promise<string> {
  let prepared: Promise<void> | undefined;
  return async () => {
    prepared ??= mkdir(folder, { recursive: true }).then(() => sweep(folder));
    try {
      await prepared;
    } catch (error) {
      prepared = undefined;
      throw error;
    }
    return join(folder, `${process.pid}-${randomUUID()}`);
  };
}

/** What cannot be removed now is swept when this process is gone; no reason to fail what was done. */
export const discardStaged = (staged: string): Promise<void> =>
  rm(staged, { recursive: true, force: true }).catch(() => {});

/** Removes what processes that are no more left in the folder. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number.parseInt(name, 10);
    if (pid !== process.pid && !isAlive(pid)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
