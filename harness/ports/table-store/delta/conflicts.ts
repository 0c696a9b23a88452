/**
 * What another writer's commit means for one that was computed before it. The classes are those of Delta
 * ("Concurrency control: conflict exceptions"), at its level Serializable: rows that others appended conflict with an
 * operation that would have read them. They are found by comparing states, the one a commit was computed from with the
 * one it would follow, not by reading the winners' actions: what was added and removed again meanwhile is no conflict.
 *
 * | another writer              | class                 | blind append    | compaction | fold, upsert   |
 * | --------------------------- | --------------------- | --------------- | ---------- | -------------- |
 * | appended rows it never read | none                  | goes on         | goes on    | goes on        |
 * | appended rows it would read | ConcurrentAppend      | -               | -          | starts again   |
 * | removed a file it read      | ConcurrentDelete      | -               | gives up   | starts again   |
 * | changed the metadata        | MetadataChanged       | fails           | gives up   | starts again   |
 * | changed the protocol        | ProtocolChanged       | fails           | gives up   | starts again   |
 * | recorded its transaction    | ConcurrentTransaction | nothing to do   | -          | starts again   |
 */
import type { AddFile, MetaData, SetTransaction } from './actions.js';
import type { TableState } from './table-state.js';

export type Conflict =
  | 'ProtocolChanged'
  | 'MetadataChanged'
  | 'ConcurrentTransaction'
  /** Delta tells ConcurrentDeleteRead from ConcurrentDeleteDelete; here whatever removes a file has read it. */
  | 'ConcurrentDelete'
  | 'ConcurrentAppend';

export interface Computed {
  /** The state that was read. */
  readonly from: TableState;
  /** Files whose rows were read, which includes those that it removes. */
  readonly files?: readonly AddFile[];
  /** Whether it would have read a file that was not there yet; absent: it looks for no rows, as blind appends. */
  readonly wouldRead?: (added: AddFile) => boolean;
  /** Transactions that must not be recorded with these versions or later ones. */
  readonly txns?: readonly Pick<SetTransaction, 'appId' | 'version'>[];
}

/** Why what was computed does not hold in the state `newest`; null if it does. A recorded transaction comes first. */
export function conflictOf({ from, files = [], wouldRead, txns = [] }: Computed, newest: TableState): Conflict | null {
  if (isRecorded(newest, txns)) return 'ConcurrentTransaction';
  if (newest === from) return null;
  if (!sameProtocol(from, newest)) return 'ProtocolChanged';
  if (!sameMetaData(from.metaData, newest.metaData)) return 'MetadataChanged';
  if (files.some(({ path }) => !newest.files.has(path))) return 'ConcurrentDelete';
  if (wouldRead && newest.dataVersion !== from.dataVersion) {
    // Compaction may have moved new rows into a file that says `dataChange: false`, so any file is looked at.
    for (const file of newest.files.values()) {
      if (!from.files.has(file.path) && wouldRead(file)) return 'ConcurrentAppend';
    }
  }
  return null;
}

export function isRecorded(state: TableState, txns: readonly Pick<SetTransaction, 'appId' | 'version'>[]): boolean {
  return txns.some(({ appId, version }) => (state.txns.get(appId)?.version ?? Number.NEGATIVE_INFINITY) >= version);
}

function sameProtocol({ protocol: a }: TableState, { protocol: b }: TableState): boolean {
  return a.minReaderVersion === b.minReaderVersion && a.minWriterVersion === b.minWriterVersion;
}

/**
 * By value: the same metaData read from a checkpoint is another object. Of the properties only Delta's own tell a writer
 * what to do; others, such as pins, may change beside it.
 */
function sameMetaData(a: MetaData, b: MetaData): boolean {
  return a === b || rulesOf(a) === rulesOf(b);
}

function rulesOf({ id, schemaString, partitionColumns, configuration }: MetaData): string {
  const properties = Object.entries(configuration).filter(([name]) => name.startsWith('delta.'));
  return JSON.stringify([id, schemaString, partitionColumns, properties.sort()]);
}
