/**
 * The state of a table at one version: what a reader gets by replaying the log up to it (protocol, "Action
 * Reconciliation"). Values, never changed: a reader keeps its snapshot whatever is committed meanwhile.
 */
import type { Schema } from '../../columns.js';
import type { Action, AddFile, MetaData, Protocol, RemoveFile } from './actions.js';
import { decodeSchema } from './schema-string.js';

export interface TableState {
  readonly version: number;
  readonly protocol: Protocol;
  readonly metaData: MetaData;
  readonly schema: Schema;
  /** Live files by path. */
  readonly files: ReadonlyMap<string, AddFile>;
  /** Tombstones: files that left the table, by path. */
  readonly removed: ReadonlyMap<string, RemoveFile>;
  readonly txns: ReadonlyMap<string, { readonly version: number; readonly lastUpdated?: number }>;
  /**
   * The last version that may have added rows, as far as was replayed: while it stands, others have at most rearranged
   * them. What a checkpoint holds may have come up to its version.
   */
  readonly dataVersion: number;
}

export interface Commit {
  readonly version: number;
  readonly actions: readonly Action[];
}

/** The state after `commits`, which follow `base` without a gap; null without commits and base. */
export function replay(table: string, base: TableState | null, commits: readonly Commit[]): TableState | null {
  if (commits.length === 0) return base;
  let protocol = base?.protocol;
  let metaData = base?.metaData;
  let version = base?.version ?? -1;
  let dataVersion = base?.dataVersion ?? -1;
  // Most commits touch few kinds of action: what none touches is shared with the base.
  const files = copyOnWrite(base?.files);
  const removed = copyOnWrite(base?.removed);
  const txns = copyOnWrite(base?.txns);
  for (const commit of commits) {
    version = commit.version;
    for (const action of commit.actions) {
      if ('add' in action) {
        files.write().set(action.add.path, action.add);
        if (removed.read().has(action.add.path)) removed.write().delete(action.add.path);
        if (action.add.dataChange) dataVersion = version;
      } else if ('remove' in action) {
        files.write().delete(action.remove.path);
        removed.write().set(action.remove.path, action.remove);
        if (action.remove.dataChange) dataVersion = version;
      } else if ('txn' in action) {
        const { appId, ...recorded } = action.txn;
        txns.write().set(appId, recorded);
      } else if ('metaData' in action) metaData = action.metaData;
      else if ('protocol' in action) protocol = action.protocol;
    }
  }
  if (!protocol || !metaData) {
    throw new Error(`Table ${table}: its log up to version ${version} has no protocol or no metaData action.`);
  }
  if (protocol.minReaderVersion > 1 || protocol.minWriterVersion > 2) {
    throw new Error(
      `Table ${table} needs Delta reader version ${protocol.minReaderVersion} and writer version ${protocol.minWriterVersion}; this store has 1 and 2.`,
    );
  }
  const schema =
    base?.metaData.schemaString === metaData.schemaString ? base.schema : decodeSchema(table, metaData.schemaString);
  return {
    version,
    protocol,
    metaData,
    schema,
    files: files.read(),
    removed: removed.read(),
    txns: txns.read(),
    dataVersion,
  };
}

/** A map that is copied when it is first written to. */
function copyOnWrite<V>(base: ReadonlyMap<string, V> = new Map()) {
  let copy: Map<string, V> | undefined;
  return {
    read: (): ReadonlyMap<string, V> => copy ?? base,
    write(): Map<string, V> {
      copy ??= new Map(base);
      return copy;
    },
  };
}
