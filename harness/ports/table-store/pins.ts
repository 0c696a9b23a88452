/**
 * Pins: names for versions that stay readable, kept as properties in the table's own log, so that whoever vacuums the
 * table or cleans its log up, in whatever process, knows of them.
 */
import { existing, type Tables } from './data-files.js';
import type { MetaData } from './delta/actions.js';
import type { DeltaLog } from './delta/log.js';
import type { TableState } from './delta/table-state.js';
import { changeProperties } from './properties.js';
import { expectStored } from './stored-files.js';

const prefix = 'planebench.pin.';

/** Pinned versions by name. */
export function pinsOf({ configuration }: Pick<MetaData, 'configuration'>): ReadonlyMap<string, number> {
  const pins = Object.entries(configuration).filter(([name]) => name.startsWith(prefix));
  return new Map(pins.map(([name, version]) => [name.slice(prefix.length), Number(version)]));
}

/** Paths, as the log has them, of the files of pinned versions. */
export async function pinnedPaths(log: DeltaLog, { metaData }: TableState): Promise<ReadonlySet<string>> {
  const paths = new Set<string>();
  for (const version of new Set(pinsOf(metaData).values()))
    for (const path of (await log.at(version)).files.keys()) paths.add(path);
  return paths;
}

export function pinnedVersion(table: string, pins: ReadonlyMap<string, number>, name: string): number {
  const version = pins.get(name);
  if (version !== undefined) return version;
  const known = pins.size === 0 ? 'none' : Array.from(pins.keys()).sort().join(', ');
  throw new Error(`Table ${table} has no pinned snapshot ${name}; pinned are ${known}.`);
}

/** A vacuum that has begun before may still take files: what is pinned should be younger than its retention. */
export async function pin(tables: Tables, table: string, name: string, version: number): Promise<void> {
  if (name === '') throw new Error(`Table ${table}: a pin needs a name.`);
  const log = tables.log(table);
  const newest = existing(table, await log.refresh());
  const pinned = await log.at(version);
  const left = Array.from(pinned.files.values()).filter(({ path }) => !newest.files.has(path));
  await expectStored(
    tables.objects,
    table,
    newest,
    left,
    (gone, first) =>
      `Table ${table}: version ${version} cannot be pinned as ${name}: ${gone} of its ${pinned.files.size} files were vacuumed, ${first} among them.`,
  );
  await changeProperties(tables, table, (configuration) => ({
    ...configuration,
    [`${prefix}${name}`]: String(version),
  }));
}

export async function unpin(tables: Tables, table: string, name: string): Promise<void> {
  const seen = await tables.log(table).lastSeen();
  // Somebody else may have pinned it.
  if (seen !== null && !pinsOf(seen.metaData).has(name)) await tables.log(table).refresh();
  await changeProperties(tables, table, (configuration) => {
    pinnedVersion(table, pinsOf({ configuration }), name);
    const { [`${prefix}${name}`]: _, ...others } = configuration;
    return others;
  });
}
