/**
 * Objects as files of a directory that several processes of one host share. What a writer has not finished lies in
 * `.staging`. What was written is on the disk: files are synchronised before a call resolves, and so are names, but for those of
 * published files, which nobody knows of before an object that is put says so: they are synchronised before that is there.
 */
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CallError, messageOf } from '../../../errors.js';
import type { ObjectStore } from './object-store.js';
import { discardStaged as discard, openStaging } from './staging.js';

const stagingFolder = '.staging';

export function localObjects(directory: string): ObjectStore {
  const newStaged = openStaging(join(directory, stagingFolder));
  const folders = new Set<string>();
  const targetOf = async (path: string) => {
    const target = join(directory, path);
    const folder = dirname(target);
    if (!folders.has(folder)) await mkdir(folder, { recursive: true });
    folders.add(folder);
    return target;
  };

  const names = publishedNames();

  return {
    async putIfAbsent(path, text) {
      const target = await targetOf(path).catch(asFailed);
      const staged = await newStaged().catch(asFailed);
      try {
        await Promise.all([writeDurably(staged, text), names.sync()]).catch(asFailed);
        return await linkAs(staged, target);
      } finally {
        await discard(staged);
      }
    },
    async put(path, text) {
      const target = await targetOf(path);
      const staged = await newStaged();
      try {
        await Promise.all([writeDurably(staged, text), names.sync()]);
        await rename(staged, target);
      } finally {
        await discard(staged);
      }
      await syncName(target);
    },
    get: (path) => readFile(join(directory, path), 'utf8').catch((error) => orIfAbsent(error, null)),
    async list(folder, from = '') {
      const names = await readdir(join(directory, folder)).catch((error) => orIfAbsent(error, []));
      const listed = [];
      for (const name of names) {
        if (name < from) continue;
        const entry = await stat(join(directory, folder, name)).catch((error) => orIfAbsent(error, null));
        if (entry?.isFile()) listed.push({ name, bytes: entry.size });
      }
      return listed;
    },
    async folders(path = '') {
      const entries = await readdir(join(directory, path), { withFileTypes: true }).catch((error) =>
        orIfAbsent(error, []),
      );
      return entries.filter((entry) => entry.isDirectory() && entry.name !== stagingFolder).map(({ name }) => name);
    },
    delete: (path) => rm(join(directory, path), { force: true }),
    stage: newStaged,
    async publish(staged, path) {
      const target = await targetOf(path);
      await syncPath(staged);
      await rename(staged, target);
      names.add(dirname(target));
    },
    discard,
    localFiles: async (paths) => paths.map((path) => join(directory, path)),
    release() {},
  };
}

/** Folders with names that are not synchronised yet: once a commit, however many files it adds. */
function publishedNames() {
  const waiting = new Set<string>();
  const underWay = new Set<Promise<void>>();
  const begin = (folder: string) => {
    const synced = syncPath(folder)
      .catch((error) => {
        waiting.add(folder);
        throw error;
      })
      .finally(() => underWay.delete(synced));
    underWay.add(synced);
  };
  return {
    add: (folder: string) => void waiting.add(folder),
    /** Also awaits what another call has begun: this one's names may be among them. */
    async sync(): Promise<void> {
      const folders = Array.from(waiting);
      waiting.clear();
      for (const folder of folders) begin(folder);
      await Promise.all(underWay);
    },
  };
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** So far nobody could see anything. */
function asFailed(error: unknown): never {
  throw new CallError('failed', messageOf(error), { cause: error });
}

/** False if the name is taken. Fails as `indeterminate`: once link(2) was called, others may have seen the object. */
async function linkAs(staged: string, target: string): Promise<boolean> {
  try {
    // Atomic, and fails if the name exists; opening the name itself would show a half-written object.
    await link(staged, target);
    await syncName(target);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw new CallError('indeterminate', `${target} may or may not have been written: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** Makes a file's new name durable. */
const syncName = (path: string) => syncPath(dirname(path));

async function syncPath(path: string): Promise<void> {
  // Windows cannot open a directory; there NTFS journals the names by itself.
  if (process.platform === 'win32') return;
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function orIfAbsent<T>(error: unknown, absent: T): T {
  if (codeOf(error) === 'ENOENT') return absent;
  throw error;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
