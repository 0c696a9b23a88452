/** What the harness holds between two runs: over an hour it must level off. Null where the operating system does not tell. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Residue {
  /** Of the harness process. */
  readonly rssBytes: number;
  readonly descriptors: number | null;
  /** Processes whose parent the harness is; its janitor is always one of them. */
  readonly children: number | null;
  readonly scratchBytes: number;
}

export async function readResidue(scratch: string): Promise<Residue> {
  const [descriptors, children, scratchBytes] = await Promise.all([
    countDescriptors(),
    countChildren(),
    bytesUnder(scratch),
  ]);
  return { rssBytes: process.memoryUsage().rss, descriptors, children, scratchBytes };
}

async function countDescriptors(): Promise<number | null> {
  const names = await readdir('/proc/self/fd').catch(() => null);
  return names?.length ?? null;
}

/** The fourth field of proc(5)'s stat is the parent; the second, in parentheses, may hold anything. */
async function countChildren(): Promise<number | null> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  if (pids.length === 0) return null;
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
    }),
  );
  return parents.filter((parent) => parent === process.pid).length;
}

async function bytesUnder(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    // One that is gone meanwhile takes no room.
    files.map(({ parentPath, name }) =>
      stat(join(parentPath, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
