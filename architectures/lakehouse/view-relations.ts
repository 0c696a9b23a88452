/** What the view in SQL reads: the tables at versions that are pinned, without changes that were quarantined. */
import type { Predicate, Relation, TableStore } from '../../harness/ports/table-store/port.js';
import { viewTables } from '../../workloads/view-sql.js';
import { quarantinedTable } from './batch-tables.js';

/** By table: what derived rows are a function of. Pinned, as long as anybody may ask for them again. */
export type Versions = Readonly<Record<string, number>>;

export async function newestVersions(tables: TableStore): Promise<Versions> {
  const versions = [...viewTables, quarantinedTable].map(
    async (table) => [table, (await tables.snapshot(table)).version] as const,
  );
  return Object.fromEntries(await Promise.all(versions));
}

export async function pinTables(tables: TableStore, name: string, versions: Versions): Promise<void> {
  for (const [table, version] of Object.entries(versions)) await tables.pin(table, name, version);
}

type StoredRelation = Extract<Relation, { readonly snapshot: unknown }>;

/** `where`: each without what other customers have. Where the files are clustered, most of them are not read. */
export async function relationsAt(
  tables: TableStore,
  versions: Versions,
  where?: Predicate,
): Promise<Record<string, StoredRelation>> {
  const relations = Object.entries(versions).map(
    async ([table, version]): Promise<[string, StoredRelation]> => [
      table,
      { snapshot: await tables.snapshot(table, version), ...(where && { where }) },
    ],
  );
  return Object.fromEntries(await Promise.all(relations));
}

/** The relations, and SQL over them, for which quarantined changes are refused ones. */
export function withoutQuarantined(
  { changes, [quarantinedTable]: quarantined, ...others }: Readonly<Record<string, StoredRelation>>,
  sql: string,
): { readonly from: Readonly<Record<string, Relation>>; readonly sql: string } {
  const stored = changes as StoredRelation;
  if (!quarantined || quarantined.snapshot.files.length === 0) return { from: { ...others, changes: stored }, sql };
  return {
    from: { ...others, stored_changes: stored, quarantined },
    sql: `
      WITH changes AS (
        SELECT * REPLACE (
          CASE WHEN (customer, seq) IN (SELECT (customer, seq) FROM quarantined) THEN 'quarantined' ELSE refused END AS refused
        ) FROM stored_changes
      ) ${sql}`,
  };
}
