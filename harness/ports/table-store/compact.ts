/** Merges small files into larger ones. The rows stay, so the commit says `dataChange: false` and answers stay. */
import { quoteIdentifier } from '../duckdb-columns.js';
import { clusteringOf, commitFiles, existing, removalOf, rowsOf, type Tables, writeDataFile } from './data-files.js';
import { type AddFile, commitInfo } from './delta/actions.js';
import { conflictOf } from './delta/conflicts.js';
import { compareByKey } from './delta/statistics.js';
import type { CompactResult } from './port.js';

export async function compact(
  tables: Tables,
  table: string,
  sizes: { readonly smallFileBytes: number; readonly targetFileBytes: number },
): Promise<CompactResult> {
  const log = tables.log(table);
  const state = existing(table, await log.refresh());
  const filesBefore = state.files.size;
  const small = Array.from(state.files.values()).filter(({ size }) => size < sizes.smallFileBytes);
  const bins = Array.from(byClustering(small).values()).flatMap((files) => pack(files, sizes.targetFileBytes));
  const merged: AddFile[] = [];
  for (const bin of bins) merged.push(await merge(tables, table, bin));
  if (merged.length === 0) return { filesBefore, filesAfter: filesBefore };
  const replaced = bins.flat();
  const result = await commitFiles(tables, table, merged, (newest) => {
    // Appends beside this one do not matter; but if another rewrite took one of the files, these rows are not current.
    if (conflictOf({ from: state, files: replaced }, newest)) return null;
    const nowUs = tables.clock.nowUs();
    return [
      commitInfo(nowUs, 'OPTIMIZE', { targetSize: String(sizes.targetFileBytes) }),
      ...replaced.map((file) => ({ remove: removalOf(file, false, nowUs) })),
      ...merged.map((add) => ({ add })),
    ];
  });
  return { filesBefore, filesAfter: result.committed ? filesBefore - replaced.length + merged.length : filesBefore };
}

/** Only files sorted by the same columns are merged, so that what a fold laid out stays laid out. */
function byClustering(files: readonly AddFile[]): Map<string, AddFile[]> {
  const groups = new Map<string, AddFile[]>();
  for (const file of files) {
    const clustering = JSON.stringify(clusteringOf(file));
    groups.set(clustering, [...(groups.get(clustering) ?? []), file]);
  }
  return groups;
}

/** Neighbours in the order of their keys, or of their arrival, up to the target size; bins of one are left alone. */
function pack(files: readonly AddFile[], targetFileBytes: number): AddFile[][] {
  const bins: AddFile[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files.toSorted((a, b) => compareByKey(a, b, clusteringOf(a)))) {
    if (bytes + file.size > targetFileBytes) {
      bins.push([]);
      bytes = 0;
    }
    bins.at(-1)!.push(file);
    bytes += file.size;
  }
  return bins.filter((bin) => bin.length > 1);
}

async function merge(tables: Tables, table: string, bin: readonly AddFile[]): Promise<AddFile> {
  const { schema } = existing(table, await tables.log(table).lastSeen());
  const clusteredBy = clusteringOf(bin[0]!);
  const order = clusteredBy.length === 0 ? '' : ` ORDER BY ${clusteredBy.map(quoteIdentifier).join(', ')}`;
  const rows = await rowsOf(tables, table, bin);
  return tables.engine.use((connection) =>
    writeDataFile(tables, connection, table, schema, `FROM ${rows}${order}`, {
      dataChange: false,
      ...(clusteredBy.length === 0 ? {} : { clusteredBy }),
    }),
  );
}
