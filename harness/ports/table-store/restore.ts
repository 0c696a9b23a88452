/**
 * Goes back to an old version by a new one, as Delta's RESTORE does: nothing that was committed since is lost, and the
 * next restore can undo this one.
 */
import { secondUs } from '../../../workloads/durations.js';
import { existing, refuseSwept, removalOf, type Tables } from './data-files.js';
import { commitInfo } from './delta/actions.js';
import { expectRowsMayGo } from './delta/table-properties.js';
import { expectStored, goneFrom } from './stored-files.js';

/** One that is not faster may have been held for as long as one likes: no vacuum retains files for less. */
const freshUs = 5 * secondUs;

export async function restore(tables: Tables, table: string, version: number): Promise<number> {
  const log = tables.log(table);
  const sinceUs = tables.clock.nowUs();
  const seen = existing(table, await log.refresh());
  const old = await log.at(version);
  const files = Array.from(old.files.values());
  await expectStored(
    tables.objects,
    table,
    seen,
    files,
    (gone, first) =>
      `Table ${table}: version ${version} cannot be restored: ${gone} of its ${old.files.size} files are gone, ${first} among them; restore a younger one.`,
  );
  const result = await log.commit(
    (state) => {
      const newest = existing(table, state);
      const nowUs = tables.clock.nowUs();
      const added = files.filter(({ path }) => !newest.files.has(path));
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
    },
    async () => {
      if (tables.clock.nowUs() - sinceUs < freshUs) return;
      const newest = existing(table, await log.lastSeen());
      refuseSwept(table, files, await goneFrom(tables.objects, table, newest, files));
    },
  );
  return result.version;
}
