/** Which data files lie in the object store, whatever the log says of them. */
import type { AddFile } from './delta/actions.js';
import type { ListedObject, ObjectStore } from './delta/object-store.js';
import type { TableState } from './delta/table-state.js';
import { type Tier, tierNames } from './port.js';
import { lowerTiers, policyOf, tierOf } from './tier-policy.js';

/** Throws unless the files are in the store. */
export async function expectStored(
  objects: ObjectStore,
  table: string,
  state: TableState,
  files: readonly AddFile[],
  sentence: (gone: number, first: string) => string,
): Promise<void> {
  const gone = await goneFrom(objects, table, state, files);
  if (gone.length > 0) throw new Error(sentence(gone.length, gone[0]!.path));
}

/** Those of the files that are not in the store. */
export async function goneFrom(
  objects: ObjectStore,
  table: string,
  state: TableState,
  files: readonly AddFile[],
): Promise<readonly AddFile[]> {
  if (files.length === 0) return [];
  // Of an old version they may be in tiers of which the newest state knows nothing.
  const listed = await listTiers(objects, table, state, new Set(files.map(tierOf)));
  const there = new Set(listed.map(({ name }) => name));
  return files.filter(({ path }) => !there.has(decodeURIComponent(path)));
}

/**
 * What lies in a table's folder, in those of its partitions and of its tiers, by paths under it. A tier that no file was ever
 * committed to, as far as the log remembers, is not asked for unless the table has a policy for tiers.
 */
export function listDataFiles(
  objects: ObjectStore,
  table: string,
  state: TableState,
): Promise<readonly ListedObject[]> {
  const { metaData, files, removed } = state;
  const tiers = new Set<Tier>(policyOf(metaData) === null ? ['hot'] : tierNames);
  for (const file of [...files.values(), ...removed.values()]) tiers.add(tierOf(file));
  return listTiers(objects, table, state, tiers);
}

async function listTiers(
  objects: ObjectStore,
  table: string,
  { metaData }: TableState,
  tiers: ReadonlySet<Tier>,
): Promise<readonly ListedObject[]> {
  const depth = metaData.partitionColumns.length;
  const found: ListedObject[] = [];
  for (const tier of tierNames) {
    if (!tiers.has(tier)) continue;
    const under = tier === 'hot' ? '' : `${tier}/`;
    for (const { name, bytes } of await listFolders(objects, `${table}/${under}`.replace(/\/$/, ''), depth))
      found.push({ name: `${under}${name}`, bytes });
  }
  return found;
}

async function listFolders(objects: ObjectStore, path: string, depth: number): Promise<ListedObject[]> {
  const found = [...(await objects.list(path))];
  const folders =
    depth === 0
      ? []
      : (await objects.folders(path)).filter(
          // Hidden, but for those of a partition column whose name begins so.
          (name) => (!name.startsWith('_') || name.includes('=')) && !lowerTiers.some((tier) => tier === name),
        );
  for (const folder of folders) {
    for (const { name, bytes } of await listFolders(objects, `${path}/${folder}`, depth - 1)) {
      found.push({ name: `${folder}/${name}`, bytes });
    }
  }
  return found;
}
