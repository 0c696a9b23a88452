/**
 * Which files become one: neighbours of the same clustering, up to a size. The same for tables on the disk and for those of
 * a simulation, which differ in what a file is.
 */
export interface FileOrder<File> {
  readonly bytesOf: (file: File) => number;
  /** The columns by which its rows are sorted; none if nobody said. */
  readonly clusteringOf: (file: File) => readonly string[];
  /** Of one clustering: in the order of their keys, or of their arrival. */
  readonly inOrder: (files: readonly File[]) => readonly File[];
}

export interface Sizes {
  readonly smallFileBytes: number;
  readonly targetFileBytes: number;
}

/**
 * Small files of a partition, by what is merged into one. Only files sorted by the same columns are, so that what a fold laid
 * out stays laid out.
 */
export function packSmall<File>(files: readonly File[], sizes: Sizes, order: FileOrder<File>): File[][] {
  return byClustering(files, order).flatMap((group) => packSmallOf(group, sizes, order));
}

/** All files of a partition, by what may become one; those along a curve, whose order no sorting restores, stay alone. */
export function packAll<File>(files: readonly File[], targetFileBytes: number, order: FileOrder<File>): File[][] {
  return byClustering(files, order).flatMap((group) =>
    order.clusteringOf(group[0]!)[0] === 'zorder'
      ? group.map((file) => [file])
      : packNeighbours(order.inOrder(group), targetFileBytes, order),
  );
}

function byClustering<File>(files: readonly File[], { clusteringOf }: FileOrder<File>): File[][] {
  const groups = new Map<string, File[]>();
  for (const file of files) {
    const clustering = JSON.stringify(clusteringOf(file));
    const group = groups.get(clustering);
    if (group) group.push(file);
    else groups.set(clustering, [file]);
  }
  return Array.from(groups.values());
}

/** A small file that is alone goes to a large one: only where nothing was added since, so not while much is. */
function packSmallOf<File>(
  files: readonly File[],
  { smallFileBytes, targetFileBytes }: Sizes,
  order: FileOrder<File>,
): File[][] {
  const small = files.filter((file) => order.bytesOf(file) < smallFileBytes);
  const [alone] = small;
  if (alone === undefined) return [];
  // Bins of one are left alone.
  if (small.length > 1)
    return packNeighbours(order.inOrder(small), targetFileBytes, order).filter((bin) => bin.length > 1);
  const ordered = order.inOrder(files);
  const at = ordered.indexOf(alone);
  const pairs = [ordered.slice(Math.max(0, at - 1), at + 1), ordered.slice(at, at + 2)];
  const fitting = pairs.find((pair) => pair.length === 2 && sizeOf(pair, order) <= targetFileBytes);
  return fitting ? [fitting] : [];
}

function packNeighbours<File>(files: readonly File[], targetFileBytes: number, { bytesOf }: FileOrder<File>): File[][] {
  const bins: File[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    if (bytes + bytesOf(file) > targetFileBytes) {
      bins.push([]);
      bytes = 0;
    }
    bins.at(-1)!.push(file);
    bytes += bytesOf(file);
  }
  return bins;
}

function sizeOf<File>(files: readonly File[], { bytesOf }: FileOrder<File>): number {
  return files.reduce((sum, file) => sum + bytesOf(file), 0);
}
