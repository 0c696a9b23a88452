/** Merges small files into larger ones, as compact.ts of the Delta tables does: the same files into the same bins. */
import { clusteringName, cuts } from '../layout.js';
import { type FileOrder, packSmall, type Sizes } from '../packing.js';
import type { CompactResult } from '../port.js';
import { clusterRows } from './cluster.js';
import { forEachRow } from './row-heap.js';
import { compareBy, mergeSorted } from './sorted-rows.js';
import { byPartition, draftFile, type Replacement, rowsOf, type StoredFile, type Table } from './table.js';

export interface Compaction {
  readonly filesBefore: number;
  readonly replacements: readonly Replacement[];
  readonly rows: number;
  readonly bytes: number;
}

export function planCompaction(table: Table, sizes: Sizes): Compaction {
  const files = table.files();
  const hot = files.filter(({ tier }) => tier === 'hot');
  const order = fileOrder(table);
  const replacements = byPartition(hot, (file) => file).flatMap((partition) =>
    table.clusterBy.length > 0
      ? cluster(table, partition, sizes)
      : packSmall(partition, sizes, order).map((removed) => ({ removed, added: merge(table, removed) })),
  );
  const sum = (part: 'rows' | 'bytes') => replacements.reduce((total, { added }) => total + added![part], 0);
  return { filesBefore: files.length, replacements, rows: sum('rows'), bytes: sum('bytes') };
}

/** All that is small or was never clustered is clustered together; what was, and is large enough, stays. */
function cluster(table: Table, files: readonly StoredFile[], sizes: Sizes): Replacement[] {
  const sortedBy = clusteringName(table.clusterBy);
  const isClustered = (file: StoredFile) => file.sortedBy.join() === sortedBy.join();
  const removed = files.filter((file) => file.bytes < sizes.smallFileBytes || !isClustered(file));
  const bytesOfAll = removed.reduce((sum, { bytes }) => sum + bytes, 0);
  const into = Math.max(1, Math.round(bytesOfAll / sizes.targetFileBytes));
  if (removed.every(isClustered) && removed.length <= into) return [];
  const rows = clusterRows(table.heap, allRowsOf(removed), table.clusterBy);
  return cuts(rows.length, into).map(({ first, end }, i) => {
    const content = rows.slice(first, end);
    const { partition } = removed[0]!;
    const bytes = table.heap.bytesOf(content);
    const added = draftFile({ bytes, rows: content.length, content, partition, sortedBy, dataChange: false });
    return { removed: i === 0 ? removed : [], added };
  });
}

/** What a derivation has written is a range of rows, in the order of its key. */
function allRowsOf(files: readonly StoredFile[]): Uint32Array {
  const [file] = files;
  if (files.length === 1 && file?.content instanceof Uint32Array) return file.content;
  const all = new Uint32Array(files.reduce((sum, { rows }) => sum + rows, 0));
  let count = 0;
  for (const part of rowsOf(files)) {
    forEachRow(part, (row) => {
      all[count++] = row;
    });
  }
  return all;
}

/** Gives up if another rewrite took one of the files meanwhile. */
export function commitCompaction(
  table: Table,
  { filesBefore, replacements }: Compaction,
  nowUs: number,
  run: string | null,
): CompactResult {
  const overtaken = replacements.some(({ removed }) => removed.some((file) => !table.isLive(file)));
  if (overtaken || replacements.length === 0) return { filesBefore, filesAfter: filesBefore };
  table.commit(replacements, [], nowUs, run);
  // Rows of one file are in several now: the next fold looks for them.
  if (table.clusterBy.length > 0) table.foldIndexes.clear();
  const fewer = replacements.reduce((total, { removed }) => total + removed.length - 1, 0);
  return { filesBefore, filesAfter: filesBefore - fewer };
}

/** In the order of their keys, or of their arrival. */
export function fileOrder(table: Table): FileOrder<StoredFile> {
  return {
    bytesOf: ({ bytes }) => bytes,
    clusteringOf: ({ sortedBy }) => sortedBy,
    inOrder(files) {
      const { sortedBy } = files[0]!;
      if (sortedBy.length === 0) return files;
      const compare = compareBy(table.heap, sortedBy);
      return files.toSorted((a, b) => compare(firstRow(a), firstRow(b)));
    },
  };
}

function firstRow({ content }: StoredFile): number {
  return content instanceof Uint32Array ? content[0]! : content![0]!.start;
}

export function merge(table: Table, bin: readonly StoredFile[]): StoredFile {
  const { sortedBy } = bin[0]!;
  const compare = compareBy(table.heap, sortedBy);
  const content =
    sortedBy.length === 0
      ? rowsOf(bin).map((rows) => rows as Exclude<typeof rows, Uint32Array>)
      : bin.map((file) => allRowsOf([file])).reduce((merged, content) => mergeSorted(merged, content, compare));
  return draftFile({
    bytes: bin.reduce((sum, { bytes }) => sum + bytes, 0),
    rows: bin.reduce((sum, { rows }) => sum + rows, 0),
    content,
    partition: bin[0]!.partition,
    sortedBy,
    dataChange: false,
  });
}
