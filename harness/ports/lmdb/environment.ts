/** An LMDB environment as the embedded servers use it: binary keys in byte order, binary values, explicit commits. */
import { mkdirSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import { messageOf } from '../../errors.js';

export type BinaryDatabase = Database<Uint8Array, Uint8Array>;

/**
 * `synced`: a commit returns when it is on the disk (fdatasync, then the meta page through an O_DSYNC descriptor).
 * `process-safe`: when it is in the kernel's page cache, which outlives every process but not the machine.
 */
export type Durability = 'synced' | 'process-safe';

/** Address space, not disk: the file grows as it is filled. */
const mapBytes = 64 * 1024 ** 3;

export function openEnvironment(directory: string, durability: Durability): RootDatabase<Uint8Array, Uint8Array> {
  mkdirSync(directory, { recursive: true });
  return open<Uint8Array, Uint8Array>({
    path: directory,
    noSubdir: false,
    mapSize: mapBytes,
    maxDbs: 8,
    // lmdb-js would by default make a commit visible before it is synced; here a commit is both or neither.
    overlappingSync: false,
    noSync: durability === 'process-safe',
    encoding: 'binary',
    keyEncoding: 'binary',
  });
}

export function openDatabase(root: RootDatabase<Uint8Array, Uint8Array>, name: string): BinaryDatabase {
  return root.openDB<Uint8Array, Uint8Array>(name, { encoding: 'binary', keyEncoding: 'binary' });
}

/** The commit itself failed: nobody knows what is stored, until the environment is opened again. */
export class CommitError extends Error {
  override readonly name = 'CommitError';
}

/** One write transaction. An action that throws leaves nothing behind, and its error passes through. */
export function transact<T>(root: RootDatabase<Uint8Array, Uint8Array>, action: () => T): T {
  let acted = false;
  try {
    return root.transactionSync(() => {
      const result = action();
      acted = true;
      return result;
    });
  } catch (error) {
    if (acted) throw new CommitError(`the commit failed: ${messageOf(error)}`, { cause: error });
    throw error;
  }
}
