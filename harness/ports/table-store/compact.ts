/** Merges small files into larger ones. The rows stay, so the commit says `dataChange: false` and answers stay. */
import { clusterRows } from './cluster.js';
import {
  clusteringOf,
  commitDraft,
  type Draft,
  draftFiles,
  drafting,
  existing,
  removalOf,
  type Tables,
} from './data-files.js';
import { type AddFile, commitInfo } from './delta/actions.js';
import { conflictOf } from './delta/conflicts.js';
import { compareByKey } from './delta/statistics.js';
import type { TableState } from './delta/table-state.js';
import { clusterColumnsOf, clusteringName, cuts } from './layout.js';
import { type FileOrder, packSmall, type Sizes } from './packing.js';
import type { CompactResult } from './port.js';
import { rowsOf } from './read-files.js';
import { byPartition, countRows } from './rewrite.js';
import { tierOf } from './tier-policy.js';

export async function compact(tables: Tables, table: string, sizes: Sizes): Promise<CompactResult> {
  const state = existing(table, await tables.log(table).refresh());
  const filesBefore = state.files.size;
  // What has become warm or cold was merged then.
  const hot = Array.from(state.files.values()).filter((file) => tierOf(file) === 'hot');
  const bins = byPartition(hot).flatMap((files) => binsOf(state, files, sizes));
  if (bins.length === 0) return { filesBefore, filesAfter: filesBefore };
  const draft = draftFiles(tables, table, state);
  await drafting(draft, async () => {
    for (const bin of bins) await merge(tables, table, state, bin, draft);
  });
  const replaced = bins.flatMap(({ files }) => files);
  const result = await commitDraft(tables, table, draft, (newest) => {
    // Appends beside this one do not matter; but if another rewrite took one of the files, these rows are not current.
    if (conflictOf({ from: state, files: replaced }, newest)) return null;
    const nowUs = tables.clock.nowUs();
    return [
      commitInfo(nowUs, 'OPTIMIZE', { targetSize: String(sizes.targetFileBytes) }),
      ...replaced.map((file) => ({ remove: removalOf(file, false, nowUs) })),
      ...draft.files.map((add) => ({ add })),
    ];
  });
  const filesAfter = result.committed ? filesBefore - replaced.length + draft.files.length : filesBefore;
  return { filesBefore, filesAfter };
}

/** Files of one partition that are written as others, so many of them. */
interface Bin {
  readonly files: readonly AddFile[];
  readonly into: number;
  /** Empty: rows stay in the order of the files. */
  readonly clusterBy: readonly string[];
}

function binsOf(state: TableState, files: readonly AddFile[], sizes: Sizes): Bin[] {
  const clusterBy = clusterColumnsOf(state.metaData.configuration);
  if (clusterBy.length > 0) return clusterBins(files, clusterBy, sizes);
  return packSmall(files, sizes, fileOrder).map((bin) => ({ files: bin, into: 1, clusterBy: [] }));
}

/** All that is small or was never clustered is clustered together; what was, and is large enough, stays. */
function clusterBins(files: readonly AddFile[], clusterBy: readonly string[], sizes: Sizes): Bin[] {
  const name = JSON.stringify(clusteringName(clusterBy));
  const isClustered = (file: AddFile) => JSON.stringify(clusteringOf(file)) === name;
  const chosen = files.filter((file) => file.size < sizes.smallFileBytes || !isClustered(file));
  const bytes = chosen.reduce((sum, { size }) => sum + size, 0);
  const into = Math.max(1, Math.round(bytes / sizes.targetFileBytes));
  if (chosen.every(isClustered) && chosen.length <= into) return [];
  return [{ files: chosen, into, clusterBy }];
}

/** In the order of their keys, or of their arrival. */
export const fileOrder: FileOrder<AddFile> = {
  bytesOf: ({ size }) => size,
  clusteringOf,
  inOrder: (files) => files.toSorted((a, b) => compareByKey(a, b, clusteringOf(a))),
};

async function merge(tables: Tables, table: string, state: TableState, bin: Bin, draft: Draft): Promise<void> {
  const rows = await rowsOf(tables, table, state, bin.files);
  await tables.engine.use(async (connection) => {
    if (bin.clusterBy.length === 0) {
      const clusteredBy = clusteringOf(bin.files[0]!);
      await draft.write(connection, { from: rows, orderBy: clusteredBy }, { dataChange: false, clusteredBy });
      return;
    }
    await clusterRows(connection, rows, bin.clusterBy);
    const marks = { dataChange: false, clusteredBy: clusteringName(bin.clusterBy) };
    for (const { first, end } of cuts(await countRows(connection, 'clustered'), bin.into)) {
      const slice = { from: 'clustered', where: [`rowid >= ${first}`, `rowid < ${end}`], orderBy: ['rowid'] };
      await draft.write(connection, slice, marks);
    }
  });
}
