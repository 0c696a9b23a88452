/** A table in memory: its log of versions as the files that each added and removed, and who has committed what. */
import type { Schema } from '../../columns.js';
import type { Txn } from '../port.js';
import type { FoldIndex } from './fold-index.js';
import { forEachRow, RowHeap, type RowRange, type Rows } from './row-heap.js';

/** An immutable set of rows; only its place in the log is written after it was made, once each. */
export interface StoredFile {
  path: string;
  readonly bytes: number;
  readonly rows: number;
  /** Row numbers of the table's heap: ranges as they were appended, or numbers by key; null once vacuumed. */
  content: readonly RowRange[] | Uint32Array | null;
  /** Columns by which the rows are sorted, outermost first; rows as they came are not. */
  readonly sortedBy: readonly string[];
  /** Whether it brought rows or only rearranged them. */
  readonly dataChange: boolean;
  addedIn: number;
  /** Id of the run that wrote it. */
  run: string | null;
  removedIn: number;
  removedUs: number;
  /** The file that took over those of its rows that lived on. */
  successor: StoredFile | null;
}

/** Part of a commit: files that leave the table and the one that takes over what is left of their rows. */
export interface Replacement {
  readonly removed: readonly StoredFile[];
  readonly added: StoredFile | null;
}

export class Table {
  version = 0;
  /** The last version that added or removed rows: while it stands, others have at most rearranged them. */
  rowsVersion = 0;
  readonly txns = new Map<string, number>();
  readonly heap: RowHeap;
  /** What the folds into this table know of it, each by its spec. */
  readonly foldIndexes = new Map<string, FoldIndex>();
  private readonly live = new Set<StoredFile>();
  /** Every file that there ever was, by the version that added it. */
  private readonly added: StoredFile[] = [];
  /** Files that left the table and were not vacuumed, by the time they left. */
  private removed: StoredFile[] = [];

  constructor(
    readonly name: string,
    readonly schema: Schema,
  ) {
    this.heap = new RowHeap(schema);
  }

  files(): StoredFile[] {
    return Array.from(this.live);
  }

  isLive(file: StoredFile): boolean {
    return this.live.has(file);
  }

  filesAt(version: number): StoredFile[] {
    if (version === this.version) return this.files();
    if (!Number.isInteger(version) || version < 0 || version > this.version) {
      throw new Error(`Table ${this.name} has no version ${version}; the newest is ${this.version}.`);
    }
    return this.added.filter(({ addedIn, removedIn }) => addedIn <= version && removedIn > version);
  }

  /** Files that commits after `version` and up to `upTo` added with new rows, whether or not they are live since. */
  filesAdded(version: number, upTo: number): StoredFile[] {
    const found: StoredFile[] = [];
    for (let i = this.added.length - 1; i >= 0 && this.added[i]!.addedIn > version; i--) {
      const file = this.added[i]!;
      if (file.addedIn <= upTo && file.dataChange) found.push(file);
    }
    return found.reverse();
  }

  isRecorded(txns: readonly Txn[]): boolean {
    return txns.some(({ appId, version }) => (this.txns.get(appId) ?? Number.NEGATIVE_INFINITY) >= version);
  }

  /** `run`: who commits. */
  commit(replacements: readonly Replacement[], txns: readonly Txn[], nowUs: number, run: string | null): void {
    this.version++;
    for (const { appId, version } of txns) this.txns.set(appId, version);
    for (const { removed, added } of replacements) {
      if (added === null || added.dataChange) this.rowsVersion = this.version;
      for (const file of removed) {
        file.removedIn = this.version;
        file.removedUs = nowUs;
        file.successor = added;
        this.live.delete(file);
        this.removed.push(file);
      }
    }
    for (const { added } of replacements) {
      if (added === null) continue;
      added.path = `part-${String(this.added.length).padStart(8, '0')}.parquet`;
      added.addedIn = this.version;
      added.run = run;
      this.live.add(added);
      this.added.push(added);
    }
  }

  /** Files that left the table before `keepFromUs`. */
  unusedFiles(keepFromUs: number): StoredFile[] {
    return this.removed.filter(({ removedUs }) => removedUs < keepFromUs);
  }

  forget(files: readonly StoredFile[]): void {
    const gone = new Set(files);
    for (const file of files) file.content = null;
    this.removed = this.removed.filter((file) => !gone.has(file));
  }

  /** The distinct texts in its files, those included that only old versions refer to. */
  *texts(): Iterable<string> {
    yield* this.txns.keys();
    for (const { name, type } of this.schema) {
      if (type !== 'text') continue;
      const column = this.heap.column(name);
      const texts = new Set<string>();
      for (const part of rowsOf([...this.live, ...this.removed])) {
        forEachRow(part, (row) => {
          const text = column.at(row);
          if (text !== null) texts.add(text as string);
        });
      }
      yield* texts;
    }
  }
}

/** A file that no commit has added yet. */
export function draftFile(
  draft: Pick<StoredFile, 'bytes' | 'rows' | 'sortedBy' | 'dataChange'> & {
    readonly content: readonly RowRange[] | Uint32Array;
  },
): StoredFile {
  return {
    ...draft,
    path: '',
    addedIn: -1,
    run: null,
    removedIn: Number.POSITIVE_INFINITY,
    removedUs: 0,
    successor: null,
  };
}

/** The rows of files that are still there, in the order of the files; neighbours are put together. */
export function rowsOf(files: Iterable<StoredFile>): Rows[] {
  const found: Rows[] = [];
  for (const { content } of files) {
    if (content instanceof Uint32Array) {
      found.push(content);
      continue;
    }
    for (const range of content ?? []) {
      const last = found.at(-1);
      if (last && !(last instanceof Uint32Array) && last.end === range.start) {
        found[found.length - 1] = { start: last.start, end: range.end };
      } else found.push(range);
    }
  }
  return found;
}

/** Of files that left the table, `vacuum` may have deleted some. */
export function expectPresent(table: Table, files: readonly StoredFile[], which: string): readonly StoredFile[] {
  const gone = files.filter(({ content }) => content === null).length;
  if (gone === 0) return files;
  throw new Error(
    `Table ${table.name}: ${gone} of the ${files.length} files ${which} were vacuumed; retain files for longer than the slowest reader needs them.`,
  );
}

/** The file of the newest version that holds what is left of the rows of `file`. */
export function liveFileOf(file: StoredFile): StoredFile {
  let newest = file;
  while (newest.successor !== null) newest = newest.successor;
  // Shorter for the next one who asks.
  for (let at = file; at.successor !== null && at.successor !== newest; ) {
    const { successor } = at;
    at.successor = newest;
    at = successor;
  }
  return newest;
}
