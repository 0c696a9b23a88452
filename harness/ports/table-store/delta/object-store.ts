/**
 * All that a table needs of the place where its objects lie. Everything a variant (local disk, S3) must provide is
 * here; nothing else in the table store touches a disk. Paths are relative, with `/`.
 */
export interface ObjectStore {
  /**
   * Writes the object unless there is one of that path: false if there is. The one operation that the whole commit
   * protocol rests on: readers never see a part of the object, and of several writers exactly one is told true. Rejects
   * with a `CallError` that is `failed` only if nothing was written for certain; whatever else it rejects with may have.
   */
  putIfAbsent(path: string, text: string): Promise<boolean>;
  /** Writes or replaces the object, as a whole. */
  put(path: string, text: string): Promise<void>;
  /** Null if there is no such object. */
  get(path: string): Promise<string | null>;
  /**
   * The objects directly in a folder, in no promised order; none if there is no such folder. `from`: only those whose
   * name is not before it.
   */
  list(folder: string, from?: string): Promise<readonly ListedObject[]>;
  /** The folders directly in a folder, or at the top. */
  folders(path?: string): Promise<readonly string[]>;
  /** Does nothing if there is no such object. */
  delete(path: string): Promise<void>;
  /**
   * A new local path for a program (DuckDB) to write a file or a folder of files to; a file becomes an object by
   * `publish`, all else goes by `discard`.
   */
  stage(): Promise<string>;
  /**
   * Makes a staged file the object `path`, whole, and durable before any object is there that is put after it: else that
   * put fails, and so do others until the object is deleted.
   */
  publish(staged: string, path: string, found?: Found): Promise<void>;
  discard(staged: string): Promise<void>;
  /**
   * Local files with the contents of these objects, in their order, for a program (DuckDB) to read; they stay for this
   * reading until it is released. For an object that is not there, a path where nothing is.
   */
  localFiles(paths: readonly string[], reading: Reading): Promise<readonly string[]>;
  /** Whoever read has done so. */
  release(reading: Reading): void;
}

/**
 * How readers come to a published object. By reference: from an object that is put after it; so what a crash leaves of it
 * before that is there, nobody reads. By its name, if nothing is said: it is whole from the first moment, whatever crashes.
 */
export type Found = 'by its name' | 'by reference';

/** A piece of work that reads local files. */
export interface Reading {
  /** What was fetched over the wire for it so far; null where nothing has to be. */
  fetchedBytes: number | null;
  /** Something was at hand, or fetched for another: whose reading nobody sees. */
  usesCopies: boolean;
}

/** For one piece of work, which reads local files as `reading` and has done so when it resolves. */
export async function readingOf<T>(
  objects: Pick<ObjectStore, 'release'>,
  work: (reading: Reading) => Promise<T>,
): Promise<T> {
  const reading: Reading = { fetchedBytes: null, usesCopies: false };
  try {
    return await work(reading);
  } finally {
    objects.release(reading);
  }
}

export interface ListedObject {
  readonly name: string;
  readonly bytes: number;
}
