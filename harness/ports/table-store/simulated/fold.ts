/**
 * Folds changes into a table of current rows, copy-on-write like fold.ts of the Delta tables: the same files are written
 * again, with as many rows. An index by key takes the place of its joins, and files are lists of row numbers, so that a
 * fold costs what has changed.
 *
 *     files added to `from` -> changed: latest row a key -> winners: those that beat the current row
 *       -> edits: files of `into` with a current row of a winner -> their other rows + winners, sorted -> commit
 */
import type { Schema } from '../../columns.js';
import { versionsUntilTold } from '../fold-position.js';
import type { FoldResult, FoldSpec } from '../port.js';
import { type FoldIndex, openFoldIndex } from './fold-index.js';
import { forEachRow, type RowRange } from './row-heap.js';
import { type CompareRows, compareBy, lowerBound, mergeSorted } from './sorted-rows.js';
import {
  byPartition,
  draftFile,
  expectPresent,
  liveFileOf,
  type Replacement,
  rowsOf,
  type StoredFile,
  type Table,
} from './table.js';

const rowsPerFile = 65_536;

/** A fold that was computed and not committed. It holds while nothing else is committed to `into`. */
export interface Fold {
  readonly appId: string;
  readonly fromVersion: number;
  readonly intoVersion: number;
  readonly foldedRows: number;
  /** Of the changes that were read and of the files that were written. */
  readonly rows: number;
  readonly bytes: number;
  /** Files of changes that were read. */
  readonly news: number;
  /** Null: no commit, as there was nothing to fold. */
  readonly rewrite: Rewrite | null;
}

interface Rewrite {
  readonly index: FoldIndex;
  readonly changed: Changed;
  readonly winners: Winners;
  readonly replacements: readonly Replacement[];
  /** The winners' rows in the heap of `into`. */
  readonly written: RowRange;
}

/** The latest new row of each key, in parallel lists. */
interface Changed {
  /** Of the index. */
  readonly slots: number[];
  /** In the heap of `from`. */
  readonly rows: number[];
  readonly orders: number[];
  readonly foldedRows: number;
}

/** Positions in the lists of what changed. */
interface Winners {
  readonly replacing: readonly number[];
  readonly deleting: readonly number[];
  readonly inserting: readonly number[];
}

export function planFold(from: Table, into: Table, spec: FoldSpec): Fold {
  const appId = `fold:${spec.from}`;
  const position = into.txns.get(appId) ?? -1;
  const base = { appId, fromVersion: from.version, intoVersion: into.version };
  const news = from.filesAdded(position, from.version);
  if (news.length === 0) return { ...base, foldedRows: 0, rows: 0, bytes: 0, news: 0, rewrite: null };
  expectPresent(from, news, `added after version ${position}`);
  checkTables(spec, from, into);
  const index = openFoldIndex(spec, from, into, position, news);
  const changed = findChanged(spec, from, index, news);
  const winners = findWinners(spec, from, index, changed);
  const written = copyWinners(from, into, changed, winners);
  const writing = { into, key: spec.key, compare: compareBy(into.heap, spec.key) };
  const firstInsert = written.start + winners.replacing.length;
  const inserts = Uint32Array.from({ length: written.end - firstInsert }, (_, i) => firstInsert + i);
  const replacements = [
    ...writeAgain(writing, findEdits(index, changed, winners, written)),
    ...writeInserts(writing, inserts),
  ];
  const files = [...news, ...replacements.flatMap(({ added }) => added ?? [])];
  return {
    ...base,
    foldedRows: changed.foldedRows,
    rows: files.reduce((sum, { rows }) => sum + rows, 0),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    news: news.length,
    rewrite: { index, changed, winners, replacements, written },
  };
}

export function holds(into: Table, { intoVersion }: Fold): boolean {
  return into.version === intoVersion;
}

/** Takes back what a fold has written that will not be committed. */
export function discardFold(into: Table, { rewrite }: Fold): void {
  if (rewrite) into.heap.discard(rewrite.written);
}

/** Of one without new rows: see fold-position.ts. */
function isToBeTold(into: Table, { appId, fromVersion }: Fold): boolean {
  return fromVersion - (into.txns.get(appId) ?? -1) >= versionsUntilTold;
}

export function commitFold(into: Table, fold: Fold, nowUs: number, run: string | null): FoldResult {
  const { rewrite, foldedRows, appId, fromVersion } = fold;
  if (!rewrite) {
    if (isToBeTold(into, fold)) into.commit([], [{ appId, version: fromVersion }], nowUs, run);
    return { foldedRows, version: into.version };
  }
  into.commit(rewrite.replacements, [{ appId, version: fromVersion }], nowUs, run);
  if (into.isPartitioned()) {
    // A row may have gone to another partition than the rest of its file: the next fold looks for it.
    into.foldIndexes.clear();
    return { foldedRows, version: into.version };
  }
  updateIndex(rewrite);
  rewrite.index.rowsVersion = into.rowsVersion;
  rewrite.index.position = fromVersion;
  return { foldedRows, version: into.version };
}

function checkTables(spec: FoldSpec, from: Table, into: Table): void {
  const needed: Schema = [...into.schema, ...[spec.order, ...spec.key].map((name) => columnOf(into, name))];
  for (const { name, type } of needed) {
    if (columnOf(from, name).type !== type) {
      throw new Error(`Column ${name} is of another type in ${spec.from} than in ${spec.into}; a fold needs the same.`);
    }
  }
  columnOf(from, spec.deletion.column);
  if (spec.unless !== undefined) columnOf(from, spec.unless);
}

function columnOf({ name: table, schema }: Table, name: string): Schema[number] {
  const column = schema.find((candidate) => candidate.name === name);
  if (column) return column;
  throw new Error(
    `Table ${table} has no column ${name}, which the fold names; it has ${schema.map((c) => c.name).join(', ')}.`,
  );
}

function findChanged(spec: FoldSpec, { heap }: Table, index: FoldIndex, news: readonly StoredFile[]): Changed {
  const key = spec.key.map((name) => heap.column(name));
  const order = heap.column(spec.order);
  const unless = spec.unless === undefined ? null : heap.column(spec.unless);
  const slots: number[] = [];
  const rows: number[] = [];
  const orders: number[] = [];
  const positions = new Map<number, number>();
  let foldedRows = 0;
  let withoutKey = 0;
  const consider = (row: number) => {
    if (unless !== null && unless.at(row) !== null) return;
    foldedRows++;
    const at = order.at(row) as number | null;
    if (at === null || key.some((column) => column.at(row) === null)) {
      withoutKey++;
      return;
    }
    const slot = index.slotOf(key, row);
    const position = positions.get(slot);
    if (position === undefined) {
      positions.set(slot, slots.length);
      slots.push(slot);
      rows.push(row);
      orders.push(at);
    } else if (at > orders[position]!) {
      rows[position] = row;
      orders[position] = at;
    }
  };
  for (const part of rowsOf(news)) forEachRow(part, consider);
  if (withoutKey > 0) {
    throw new Error(
      `Table ${spec.from}: ${withoutKey} rows to fold have a null in ${[...spec.key, spec.order].join(', ')}; a fold needs key and order.`,
    );
  }
  return { slots, rows, orders, foldedRows };
}

/** A change that arrives after a later one of its key loses, whether the key is still there or was deleted. */
function findWinners(spec: FoldSpec, { heap }: Table, index: FoldIndex, { slots, rows, orders }: Changed): Winners {
  const mark = heap.column(spec.deletion.column);
  const replacing: number[] = [];
  const deleting: number[] = [];
  const inserting: number[] = [];
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i]!;
    const deletes = mark.at(rows[i]!) === spec.deletion.value;
    if (index.row[slot] !== -1) {
      if (orders[i]! > index.order[slot]!) (deletes ? deleting : replacing).push(i);
    } else if (!deletes && orders[i]! >= index.folded[slot]!) inserting.push(i);
  }
  return { replacing, deleting, inserting };
}

/** Those that replace first, then those that are new. */
function copyWinners(from: Table, into: Table, { rows }: Changed, { replacing, inserting }: Winners): RowRange {
  return into.heap.appendFrom(
    from.heap,
    Uint32Array.from([...replacing, ...inserting], (position) => rows[position]!),
  );
}

/** In one file: old rows, and at the same place what replaces each; -1: nothing does. */
export interface Edits {
  readonly old: number[];
  readonly replacement: number[];
}

function findEdits(
  index: FoldIndex,
  { slots }: Changed,
  { replacing, deleting }: Winners,
  written: RowRange,
): Map<StoredFile, Edits> {
  const edits = new Map<StoredFile, Edits>();
  const add = (file: StoredFile, old: number, replacement: number) => {
    const live = liveFileOf(file);
    let known = edits.get(live);
    if (known === undefined) {
      known = { old: [], replacement: [] };
      edits.set(live, known);
    }
    known.old.push(old);
    known.replacement.push(replacement);
  };
  const supersede = (position: number, replacement: number) => {
    const slot = slots[position]!;
    add(index.file[slot]!, index.row[slot]!, replacement);
    for (const other of index.others.get(slot) ?? []) add(other.file, other.row, -1);
  };
  replacing.forEach((position, i) => {
    supersede(position, written.start + i);
  });
  for (const position of deleting) supersede(position, -1);
  return edits;
}

export interface Writing {
  readonly into: Table;
  readonly key: readonly string[];
  readonly compare: CompareRows;
}

/**
 * Files of a partition side by side in the order of their keys are written as one, as many as make up one of the usual
 * size.
 */
export function writeAgain({ into, key, compare }: Writing, edits: ReadonlyMap<StoredFile, Edits>): Replacement[] {
  const affected = Array.from(edits, ([file, made]) => ({ file, made, rows: sortedRowsOf(file, key, compare) }));
  affected.sort((a, b) => compare(a.rows[0]!, b.rows[0]!));
  const groups: (typeof affected)[] = [];
  for (const partition of byPartition(affected, ({ file }) => file)) {
    let rows = Number.POSITIVE_INFINITY;
    for (const next of partition) {
      if (rows + next.file.rows > rowsPerFile) {
        groups.push([]);
        rows = 0;
      }
      groups.at(-1)!.push(next);
      rows += next.file.rows;
    }
  }
  return groups.flatMap((group): Replacement[] => {
    const content = group
      .map((each) => edited(each.rows, each.made, compare))
      .reduce((merged, next) => mergeSorted(merged, next, compare));
    const removed = group.map(({ file }) => file);
    if (content.length === 0) return [{ removed, added: null }];
    if (into.isPartitioned() || into.hasEvolved()) {
      return into.partitionsOf(content).map((part, i) => ({
        removed: i === 0 ? removed : [],
        added: keyedFile(into, key, part, into.heap.bytesOf(part)),
      }));
    }
    let bytes = 0;
    for (const { file, made } of group) {
      const replacements = made.replacement.filter((row) => row !== -1);
      bytes += file.bytes - into.heap.bytesOf(Uint32Array.from(made.old));
      bytes += into.heap.bytesOf(Uint32Array.from(replacements));
    }
    return [{ removed, added: keyedFile(into, key, content, bytes) }];
  });
}

/** Files that a fold wrote are sorted; what somebody appended is not. */
function sortedRowsOf(file: StoredFile, key: readonly string[], compare: CompareRows): Uint32Array {
  const { content, sortedBy } = file;
  if (content instanceof Uint32Array && sortedBy.join() === key.join()) return content;
  const rows = new Uint32Array(file.rows);
  let count = 0;
  for (const part of rowsOf([file])) {
    forEachRow(part, (row) => {
      rows[count++] = row;
    });
  }
  return rows.sort(compare);
}

/** A row and its replacement have the same key, so the order stays. */
function edited(sorted: Uint32Array, { old, replacement }: Edits, compare: CompareRows): Uint32Array {
  const rows = sorted.slice();
  const gone: number[] = [];
  for (let i = 0; i < old.length; i++) {
    let at = lowerBound(rows, old[i]!, compare);
    while (rows[at] !== old[i]) at++;
    if (replacement[i] === -1) gone.push(at);
    else rows[at] = replacement[i]!;
  }
  gone.sort((a, b) => a - b);
  let kept = gone[0] ?? rows.length;
  gone.forEach((at, i) => {
    const next = gone[i + 1] ?? rows.length;
    rows.copyWithin(kept, at + 1, next);
    kept += next - at - 1;
  });
  return rows.subarray(0, kept);
}

export function writeInserts({ into, key, compare }: Writing, inserts: Uint32Array): Replacement[] {
  const { partitionBy } = into;
  const rows = inserts.sort(partitionBy.length === 0 ? compare : compareBy(into.heap, [...partitionBy, ...key]));
  const files = Math.ceil(rows.length / rowsPerFile);
  return Array.from({ length: files }, (_, i) => {
    const content = rows.slice(Math.floor((i * rows.length) / files), Math.floor(((i + 1) * rows.length) / files));
    return into.partitionsOf(content).map((part) => ({
      removed: [],
      added: keyedFile(into, key, part, into.heap.bytesOf(part)),
    }));
  }).flat();
}

function keyedFile(into: Table, key: readonly string[], content: Uint32Array, bytes: number): StoredFile {
  return draftFile({
    bytes,
    rows: content.length,
    content,
    partition: into.partitionOf(content[0]!),
    sortedBy: key,
    dataChange: true,
  });
}

function updateIndex({ index, changed, winners, replacements, written }: Rewrite): void {
  const { slots, orders } = changed;
  slots.forEach((slot, i) => {
    index.folded[slot] = Math.max(index.folded[slot]!, orders[i]!);
  });
  winners.replacing.forEach((position, i) => {
    const slot = slots[position]!;
    index.setCurrent(slot, written.start + i, orders[position]!, liveFileOf(index.file[slot]!));
  });
  for (const position of winners.deleting) index.setCurrent(slots[position]!, -1, Number.NEGATIVE_INFINITY, null);
  const firstInsert = written.start + winners.replacing.length;
  for (const { removed, added } of replacements) {
    if (removed.length > 0 || added === null) continue;
    forEachRow(added.content as Uint32Array, (row) => {
      const position = winners.inserting[row - firstInsert]!;
      index.setCurrent(slots[position]!, row, orders[position]!, added);
    });
  }
}
