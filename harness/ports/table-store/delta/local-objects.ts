/**
 * Objects as files of a directory that several processes of one host share. What a writer has not finished lies in
 * `.staging`. What was written is on the disk: files are synchronised before a call resolves, and so are names, but for those of
 * published files, which nobody knows of before an object that is put says so: they are synchronised before that is there, and
 * so are their contents where it is that object that leads to them.
 */
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CallError, messageOf } from '../../../errors.js';
import type { Found, ObjectStore } from './object-store.js';
import { discardStaged as discard, openStaging } from './staging.js';

/** What a writer has not finished. */
export const stagingFolder = '.staging';

export function localObjects(directory: string): ObjectStore {
  const newStaged = openStaging(join(directory, stagingFolder));
  const folders = new Set<string>();
  const targetOf = async (path: string) => {
    const target = join(directory, path);
    const folder = dirname(target);
    if (!folders.has(folder)) {
      const first = await mkdir(folder, { recursive: true });
      // A name that is durable in a folder that is not would be lost with it.
      if (first !== undefined)
        for (let made = folder; made.length >= first.length; made = dirname(made)) published.addName(made);
    }
    folders.add(folder);
    return target;
  };

  const published = publishedFiles();

  return {
    async putIfAbsent(path, text) {
      const target = await targetOf(path).catch(asFailed);
      const staged = await newStaged().catch(asFailed);
      try {
        await allDone([writeDurably(staged, text), published.sync()]).catch(asFailed);
        return await linkAs(staged, target);
      } finally {
        await discard(staged);
      }
    },
    async put(path, text) {
      const target = await targetOf(path);
      const staged = await newStaged();
      try {
        await allDone([writeDurably(staged, text), published.sync()]);
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
    delete(path) {
      const target = join(directory, path);
      published.forget(target);
      return rm(target, { force: true });
    },
    stage: newStaged,
    async publish(staged, path, found = 'by its name') {
      const target = await targetOf(path);
      if (found === 'by its name') await syncPath(staged);
      await rename(staged, target);
      published.add(target, found);
    },
    discard,
    localFiles: async (paths) => paths.map((path) => join(directory, path)),
    release() {},
  };
}

/**
 * What is published and not synchronised yet. A disk takes contents and names in one go if it is asked for them together:
 * a commit waits once for both, and for its own entry.
 */
function publishedFiles() {
  const contents = new Map<string, Promise<void>>();
  const folders = publishedNames();
  return {
    /** Of what stands in its folder and needs nothing else. */
    addName: (path: string) => folders.add(dirname(path)),
    add(target: string, found: Found): void {
      folders.add(dirname(target));
      if (found === 'by its name') return;
      const synced = syncPath(target).then(
        () => void contents.delete(target),
        (error) => {
          // It stays: the disk may have dropped it, and synchronising it again would not tell (fsync(2), EIO).
          if (contents.has(target)) throw new Error(`${target} is not on the disk: ${messageOf(error)}`);
        },
      );
      contents.set(target, synced);
      synced.catch(() => {}); // told to whoever puts the next object
    },
    forget: (target: string) => void contents.delete(target),
    async sync(): Promise<void> {
      await Promise.all([folders.sync(), ...contents.values()]);
    },
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

/** Rejects when all have ended, if one does: what is staged can be discarded then. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  for (const done of await Promise.allSettled(work)) if (done.status === 'rejected') throw done.reason;
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
