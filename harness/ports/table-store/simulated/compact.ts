/** Merges small files into larger ones, as compact.ts of the Delta tables does: the same files into the same bins. */
import type { CompactResult } from '../port.js';
import { compareBy, mergeSorted } from './sorted-rows.js';
import { draftFile, type Replacement, rowsOf, type StoredFile, type Table } from './table.js';

export interface Compaction {
  readonly filesBefore: number;
  readonly replacements: readonly Replacement[];
  readonly rows: number;
  readonly bytes: number;
}

export function planCompaction(
  table: Table,
  sizes: { readonly smallFileBytes: number; readonly targetFileBytes: number },
): Compaction {
  const files = table.files();
  const groups = new Map<string, StoredFile[]>();
  for (const file of files) {
    if (file.bytes >= sizes.smallFileBytes) continue;
    const sorting = JSON.stringify(file.sortedBy);
    const group = groups.get(sorting);
    if (group) group.push(file);
    else groups.set(sorting, [file]);
  }
  const replacements = Array.from(groups.values()).flatMap((group) =>
    pack(inOrder(table, group), sizes.targetFileBytes).map((removed) => ({ removed, added: merge(table, removed) })),
  );
  const sum = (part: 'rows' | 'bytes') => replacements.reduce((total, { added }) => total + added[part], 0);
  return { filesBefore: files.length, replacements, rows: sum('rows'), bytes: sum('bytes') };
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
  const fewer = replacements.reduce((total, { removed }) => total + removed.length - 1, 0);
  return { filesBefore, filesAfter: filesBefore - fewer };
}

/** In the order of their keys, or of their arrival. */
export function inOrder(table: Table, files: readonly StoredFile[]): readonly StoredFile[] {
  const { sortedBy } = files[0]!;
  if (sortedBy.length === 0) return files;
  const compare = compareBy(table.heap, sortedBy);
  return files.toSorted((a, b) => compare(firstRow(a), firstRow(b)));
}

function firstRow({ content }: StoredFile): number {
  return content instanceof Uint32Array ? content[0]! : content![0]!.start;
}

/** Neighbours up to the target size; bins of one are left alone. */
function pack(files: readonly StoredFile[], targetFileBytes: number): StoredFile[][] {
  const bins: StoredFile[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    if (bytes + file.bytes > targetFileBytes) {
      bins.push([]);
      bytes = 0;
    }
    bins.at(-1)!.push(file);
    bytes += file.bytes;
  }
  return bins.filter((bin) => bin.length > 1);
}

function merge(table: Table, bin: readonly StoredFile[]): StoredFile {
  const { sortedBy } = bin[0]!;
  const compare = compareBy(table.heap, sortedBy);
  const content =
    sortedBy.length === 0
      ? rowsOf(bin).map((rows) => rows as Exclude<typeof rows, Uint32Array>)
      : bin
          .map((file) => file.content as Uint32Array)
          .reduce((merged, content) => mergeSorted(merged, content, compare));
  return draftFile({
    bytes: bin.reduce((sum, { bytes }) => sum + bytes, 0),
    rows: bin.reduce((sum, { rows }) => sum + rows, 0),
    content,
    sortedBy,
    dataChange: false,
  });
}
