/**
 * What one process that keeps Delta tables would ask of its object store for the calls that it makes of simulated ones:
 * the rule of delta/log.ts and data-files.ts, with tables that have neither. A reader asks for each version that it has
 * not seen and for one that is not there yet; a writer that was overtaken has put in vain. The bytes are left out, as
 * simulated files are not compressed.
 */
import { checkpointEvery } from '../delta/table-properties.js';
import type { CountRequest, RequestKind } from '../object-requests.js';

/** A table's log, as far as there are requests for it. */
interface Log {
  readonly name: string;
  readonly version: number;
}

export interface Requests {
  ask(kind: RequestKind, requests: number): void;
  /** Reads the log up to its newest version. */
  refresh(log: Log): void;
  /** Reads it only if this process never has. */
  open(log: Log): void;
  /** Reads an older version than the newest. */
  goBack(log: Log, version: number): void;
  /** The table was looked for, not found and created. */
  create(log: Log): void;
  /** An append of so many files that another had made before: who has not seen that writes, in vain. */
  refuse(log: Log, files: number): void;
  /** A commit, which has made the newest version. */
  commit(log: Log): void;
}

export function followRequests(count: CountRequest): Requests {
  /** The newest version of each table that this process knows. */
  const seen = new Map<string, number>();

  function ask(kind: RequestKind, requests: number): void {
    for (let i = 0; i < requests; i++) count(kind, 0);
  }

  /** From the newest checkpoint not after `version`, which is read first. */
  function readFromCheckpoint(version: number): void {
    const checkpoint = Math.floor(version / checkpointEvery) * checkpointEvery;
    ask('get', checkpoint > 0 ? 1 + version - checkpoint : version + 1);
  }

  function refresh({ name, version }: Log): void {
    const before = seen.get(name);
    if (before === undefined) {
      ask('get', 1); // the hint at a checkpoint, from which on the log is listed
      ask('list', 1);
      readFromCheckpoint(version);
    } else ask('get', version - before);
    ask('get', 1); // the version after it, which is not there
    seen.set(name, version);
  }

  return {
    ask,
    refresh,
    open(log) {
      if (!seen.has(log.name)) refresh(log);
    },
    goBack(log, version) {
      if (seen.get(log.name) === version) return;
      refresh(log);
      if (version === log.version) return;
      ask('list', 1);
      readFromCheckpoint(version);
    },
    create({ name }) {
      ask('get', 2); // no hint, no version
      ask('list', 1);
      ask('put', 1);
      seen.set(name, 0);
    },
    refuse(log, files) {
      if (seen.get(log.name) === log.version) return;
      ask('put', files + 1);
      refresh(log);
      ask('delete', files);
    },
    commit(log) {
      const before = log.version - 1;
      this.open({ ...log, version: before });
      if ((seen.get(log.name) as number) < before) {
        ask('put', 1);
        refresh({ name: log.name, version: before });
      }
      ask('put', 1);
      seen.set(log.name, log.version);
      if (log.version > 0 && log.version % checkpointEvery === 0) ask('put', 2); // the checkpoint, and the hint at it
    },
  };
}
