/**
 * What lies on the disks of this machine behind the ports: every file is counted, whoever still knows of it. Not what a
 * writer of tables has not finished, which is in no object store either.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type PortName, type StoringPort, storingPorts } from '../ports/ports.js';
import { stagingFolder } from '../ports/table-store/delta/local-objects.js';
import { tierOf } from '../ports/table-store/tier-policy.js';
import type { StoredBytes } from '../record/facts.js';

/** `folderOf`: where the port's server keeps it; that of the tables has a folder a table. */
export async function readStoredBytes(
  uses: readonly PortName[],
  folderOf: (port: StoringPort) => string,
): Promise<StoredBytes> {
  const stored: { -readonly [Port in StoringPort]?: StoredBytes[Port] } = {};
  for (const port of storingPorts) {
    if (!uses.includes(port)) continue;
    const bytes = { hot: 0, warm: 0, cold: 0 };
    for await (const file of filesUnder(folderOf(port))) {
      const tier = port === 'tables' ? tierOf({ path: file.path.slice(file.path.indexOf('/') + 1) }) : 'hot';
      bytes[tier] += file.bytes;
    }
    stored[port] = bytes;
  }
  return stored;
}

/** With paths from there; what goes while one looks is not there. */
async function* filesUnder(folder: string, within = ''): AsyncIterable<{ path: string; bytes: number }> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(noneIfAbsent)) {
    const place = join(folder, entry.name);
    const path = `${within}${entry.name}`;
    if (entry.isDirectory()) {
      if (path !== stagingFolder) yield* filesUnder(place, `${path}/`);
    } else {
      const [found] = await stat(place).then((known) => [known], noneIfAbsent);
      if (found?.isFile()) yield { path, bytes: found.size };
    }
  }
}

function noneIfAbsent(error: unknown): never[] {
  if ((error as NodeJS.ErrnoException | null)?.code === 'ENOENT') return [];
  throw error;
}
