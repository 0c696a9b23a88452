/**
 * Goes back to an old version by a new one, as Delta's RESTORE does: nothing that was committed since is lost, and the
 * next restore can undo this one.
 */
import { existing, removalOf, type Tables } from './data-files.js';
import { commitInfo } from './delta/actions.js';
import { expectRowsMayGo } from './delta/table-properties.js';
import { expectStored } from './read-files.js';

export async function restore(tables: Tables, table: string, version: number): Promise<number> {
  const log = tables.log(table);
  const seen = existing(table, await log.refresh());
  const old = await log.at(version);
  await expectStored(
    tables.objects,
    table,
    seen,
    Array.from(old.files.values()),
    (gone, first) =>
      `Table ${table}: version ${version} cannot be restored: ${gone} of its ${old.files.size} files are gone, ${first} among them; restore a younger one.`,
  );
  const result = await log.commit((state) => {
    const newest = existing(table, state);
    const nowUs = tables.clock.nowUs();
    const added = Array.from(old.files.values()).filter(({ path }) => !newest.files.has(path));
    const removed = Array.from(newest.files.values()).filter(({ path }) => !old.files.has(path));
    const isSameSchema = newest.metaData.schemaString === old.metaData.schemaString;
    if (added.length === 0 && removed.length === 0 && isSameSchema) return null;
    if (removed.length > 0) expectRowsMayGo(table, newest.metaData, 'a restore');
    return [
      commitInfo(nowUs, 'RESTORE', { version: String(version) }),
      ...(isSameSchema ? [] : [{ metaData: { ...newest.metaData, schemaString: old.metaData.schemaString } }]),
      ...removed.map((file) => ({ remove: removalOf(file, true, nowUs) })),
      ...added.map((file) => ({ add: { ...file, dataChange: true } })),
    ];
  });
  return result.version;
}
