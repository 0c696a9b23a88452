/** A table in memory: its log of versions as the files that each added and removed, and who has committed what. */
import type { ColumnBatch, Schema } from '../../columns.js';
import { encodePartitionValue } from '../layout.js';
import { type TableLayout, type Tier, type TierPolicy, type Txn, tierNames } from '../port.js';
import type { FoldIndex } from './fold-index.js';
import { RowHeap, type RowRange, type Rows } from './row-heap.js';
import { compareBy } from './sorted-rows.js';

/** An immutable set of rows; only its place in the log is written after it was made, once each. */
export interface StoredFile {
  path: string;
  readonly bytes: number;
  readonly rows: number;
  /** Row numbers of the table's heap: ranges as they were appended, or numbers by key; null once vacuumed. */
  content: readonly RowRange[] | Uint32Array | null;
  /** The values that all rows have in the partition columns, as JSON; empty if there are none. */
  readonly partition: string;
  /** Columns by which the rows are sorted, outermost first; rows as they came are not. */
  readonly sortedBy: readonly string[];
  readonly tier: Tier;
  /** What its rows took while they were hot. */
  readonly hotBytes: number;
  /** When it was last written or read, as far as readers have told. */
  usedUs: number;
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
  /** The newest. */
  schema: Schema;
  readonly pins = new Map<string, number>();
  /** Null: its files stay hot. */
  policy: TierPolicy | null = null;
  /** Processes that have told of reads. */
  readonly tellers = new Set<object>();
  readonly partitionBy: readonly string[];
  readonly clusterBy: readonly string[];
  private readonly schemas: { readonly version: number; readonly schema: Schema }[] = [];
  /** When each version was committed. */
  private readonly committedUs: number[];
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
    schema: Schema,
    readonly layout: TableLayout,
    nowUs: number,
  ) {
    this.schema = schema;
    this.schemas.push({ version: 0, schema });
    this.partitionBy = layout.partitionBy ?? [];
    this.clusterBy = layout.clusterBy ?? [];
    this.committedUs = [nowUs];
    this.heap = new RowHeap(schema);
  }

  isPartitioned(): boolean {
    return this.partitionBy.length > 0;
  }

  hasEvolved(): boolean {
    return this.schemas.length > 1;
  }

  schemaAt(version: number): Schema {
    return this.schemas.findLast((known) => known.version <= version)!.schema;
  }

  /** The newest version that was there at a moment; times of versions rise, whatever the clocks of their writers say. */
  versionAt(timestampUs: number): number {
    let found = -1;
    let laterUs = 0;
    for (const [version, atUs] of this.committedUs.entries()) {
      laterUs = Math.max(laterUs, atUs);
      if (laterUs > timestampUs) break;
      found = version;
    }
    if (found >= 0) return found;
    throw new Error(
      `Table ${this.name} has no version at ${timestampUs} µs; the earliest that can be read, 0, was committed at ${this.committedUs[0]} µs. Ask for that time or a later one.`,
    );
  }

  /** Copies rows of the newest schema into the heap. */
  append(rows: ColumnBatch): RowRange {
    for (const name of this.partitionBy) {
      if ((rows.columns[name] as ArrayLike<unknown> & unknown[]).includes(''))
        encodePartitionValue(this.name, name, '');
    }
    return this.heap.append(rows, this.schema);
  }

  partitionOf(row: number): string {
    if (this.partitionBy.length === 0) return '';
    return JSON.stringify(this.partitionBy.map((name) => this.heap.column(name).at(row)));
  }

  /** The rows of each partition together, partitions in the order of their values. */
  partitionsOf(rows: Uint32Array): Uint32Array[] {
    if (this.partitionBy.length === 0) return [rows];
    const partitions = new Map<string, number[]>();
    for (const row of rows) {
      const partition = this.partitionOf(row);
      const known = partitions.get(partition);
      if (known) known.push(row);
      else partitions.set(partition, [row]);
    }
    const compare = compareBy(this.heap, this.partitionBy);
    return Array.from(partitions.values(), (part) => Uint32Array.from(part)).sort((a, b) => compare(a[0]!, b[0]!));
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
    // Once each: a restore adds again what an earlier one took away.
    const found = new Map<string, StoredFile>();
    for (let i = this.added.length - 1; i >= 0 && this.added[i]!.addedIn > version; i--) {
      const file = this.added[i]!;
      if (file.addedIn <= upTo && file.dataChange && !found.has(file.path)) found.set(file.path, file);
    }
    return Array.from(found.values()).reverse();
  }

  isRecorded(txns: readonly Txn[]): boolean {
    return txns.some(({ appId, version }) => (this.txns.get(appId) ?? Number.NEGATIVE_INFINITY) >= version);
  }

  /** `run`: who commits. */
  commit(
    replacements: readonly Replacement[],
    txns: readonly Txn[],
    nowUs: number,
    run: string | null,
    schema: Schema = this.schema,
  ): void {
    this.version++;
    this.committedUs.push(nowUs);
    if (schema !== this.schema) {
      this.heap.evolve(schema);
      this.schema = schema;
      this.schemas.push({ version: this.version, schema });
    }
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
      // A restored file has its name already, and who wrote it.
      if (added.path === '') {
        const folder = added.tier === 'hot' ? '' : `${added.tier}/`;
        added.path = `${folder}part-${String(this.added.length).padStart(8, '0')}.parquet`;
        added.usedUs = nowUs;
        // A copy, byte for byte, tells what the file tells.
        added.run ??= run;
      }
      added.addedIn = this.version;
      this.live.add(added);
      this.added.push(added);
    }
  }

  /** Goes back to the files and the schema of an old version; false if they are those of the newest. */
  restore(version: number, nowUs: number): boolean {
    const old = this.filesAt(version);
    const gone = old.filter(({ content }) => content === null);
    if (gone.length > 0) {
      throw new Error(
        `Table ${this.name}: version ${version} cannot be restored: ${gone.length} of its ${old.length} files are gone, ${gone[0]!.path} among them; restore a younger one.`,
      );
    }
    const newest = this.files();
    const added = without(old, newest).map((file) => ({
      ...draftFile({ ...file, content: file.content! }),
      path: file.path,
      usedUs: file.usedUs,
      dataChange: true,
    }));
    const removed = without(newest, old);
    const schema = this.schemaAt(version);
    if (added.length === 0 && removed.length === 0 && schema === this.schema) return false;
    const replacements = added.map((file): Replacement => ({ removed: [], added: file }));
    const all = removed.length === 0 ? replacements : [{ removed, added: null }, ...replacements];
    this.commit(all, [], nowUs, null, schema);
    return true;
  }

  /** Paths of the files of pinned versions. */
  pinnedPaths(): ReadonlySet<string> {
    const versions = new Set(this.pins.values());
    return new Set(Array.from(versions).flatMap((version) => this.filesAt(version).map(({ path }) => path)));
  }

  /** Requests that list all its files: a folder each for the tiers that it may have. */
  get folders(): number {
    if (this.policy !== null) return tierNames.length;
    return foldersOf([...this.live, ...this.removed, { tier: 'hot' }]);
  }

  /** Files that left the table before `keepFromUs`, are not in it again and in no pinned version. */
  unusedFiles(keepFromUs: number): StoredFile[] {
    const kept = new Set([...this.filesAt(this.version).map(({ path }) => path), ...this.pinnedPaths()]);
    for (const { path, removedUs } of this.removed) if (removedUs >= keepFromUs) kept.add(path);
    return this.removed.filter(({ path }) => !kept.has(path));
  }

  forget(files: readonly StoredFile[]): void {
    const gone = new Set(files);
    for (const file of files) file.content = null;
    this.removed = this.removed.filter((file) => !gone.has(file));
  }

  /** Files that are there, each once: one that was restored left the table and is in it again. */
  storedFiles(): Iterable<StoredFile> {
    return new Map([...this.removed, ...this.live].map((file) => [file.path, file])).values();
  }

  /** The distinct texts in its files, those included that only old versions refer to. */
  *texts(): Iterable<string> {
    yield* this.txns.keys();
    const columns = this.schemas.flatMap(({ schema }) => schema).filter(({ type }) => type === 'text');
    for (const name of new Set(columns.map((column) => column.name))) {
      const column = this.heap.column(name);
      const texts = new Set<string>();
      for (const part of rowsOf([...this.live, ...this.removed])) column.addTexts(part, texts);
      yield* texts;
    }
  }
}

function without(files: readonly StoredFile[], others: readonly StoredFile[]): StoredFile[] {
  const paths = new Set(others.map(({ path }) => path));
  return files.filter(({ path }) => !paths.has(path));
}

/** What is of files of the same partition together, partitions in the order in which they first come. */
export function byPartition<T>(all: readonly T[], fileOf: (each: T) => StoredFile): T[][] {
  const partitions = new Map<string, T[]>();
  for (const each of all) {
    const { partition } = fileOf(each);
    const known = partitions.get(partition);
    if (known) known.push(each);
    else partitions.set(partition, [each]);
  }
  return Array.from(partitions.values());
}

/** A file that no commit has added yet. */
export function draftFile(
  draft: Pick<StoredFile, 'bytes' | 'rows' | 'partition' | 'sortedBy' | 'dataChange'> & {
    readonly content: readonly RowRange[] | Uint32Array;
  } & Partial<Pick<StoredFile, 'tier' | 'hotBytes' | 'run'>>,
): StoredFile {
  const { bytes, rows, content, partition, sortedBy, dataChange, tier = 'hot', hotBytes = bytes, run = null } = draft;
  const file = { bytes, rows, content, partition, sortedBy, dataChange, tier, hotBytes, usedUs: 0, run };
  return { ...file, path: '', addedIn: -1, removedIn: Number.POSITIVE_INFINITY, removedUs: 0, successor: null };
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

/** Requests that tell whether the files are there. */
export function foldersOf(files: readonly Pick<StoredFile, 'tier'>[]): number {
  return new Set(files.map(({ tier }) => tier)).size;
}

/** Of files that left the table, `vacuum` may have deleted some. */
export function expectPresent(table: Table, files: readonly StoredFile[], which: string): readonly StoredFile[] {
  const gone = files.filter(({ content }) => content === null);
  if (gone.length === 0) return files;
  throw new Error(
    `Table ${table.name}: ${gone.length} of the ${files.length} files ${which} were vacuumed, ${gone[0]!.path} among them; retain files for longer than the slowest reader needs them, or pin the version.`,
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
