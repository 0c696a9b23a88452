/**
 * One table's log: reads it into states, and appends commits by optimistic concurrency. See README.md for the rules.
 */
import type { Clock } from '../../../clock.js';
import { CallError, messageOf } from '../../../errors.js';
import type { Random } from '../../../random.js';
import type { Engine } from '../engine.js';
import { type Action, type AddFile, decodeActions, encodeActions } from './actions.js';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import type { ObjectStore } from './object-store.js';
import { type Commit, replay, type TableState } from './table-state.js';

export interface DeltaLog {
  /** The newest state; null if there is no such table. */
  refresh(): Promise<TableState | null>;
  /** The state as last seen, which may be old: enough for a writer, whose commit fails if it is. */
  lastSeen(): Promise<TableState | null>;
  /** Time travel. */
  at(version: number): Promise<TableState>;
  /** Files that commits after `version` and up to `upTo` added with new rows, whether or not they are live since. */
  filesAdded(version: number, upTo: number): Promise<AddFile[]>;
  /**
   * Appends one commit. `attempt` is given the newest state that is known, null for no table, and answers the actions
   * that are right in it, or null to give up; it is asked again, with a newer state, each time that another writer was
   * first. It may throw to refuse. Rejects with CallError if the store fails.
   */
  commit(attempt: (state: TableState | null) => readonly Action[] | null): Promise<CommitResult>;
}

export interface CommitResult {
  readonly committed: boolean;
  /** The version written, or the newest one known (-1: no table). */
  readonly version: number;
}

export interface DeltaLogContext {
  readonly table: string;
  readonly objects: ObjectStore;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
}

/** Commits between two checkpoints: a reader replays at most so many, and a writer pays for one in so many commits. */
export const checkpointEvery = 50;
const shortestBackoffUs = 500;
const backoffDoublings = 7;
const attemptsAtMost = 1_000;

export function openDeltaLog(context: DeltaLogContext): DeltaLog {
  const { table, objects, engine, clock, random } = context;
  const folder = `${table}/_delta_log`;
  let seen: TableState | null = null;

  function see(state: TableState | null): TableState | null {
    if (state !== null && state.version > (seen?.version ?? -1)) seen = state;
    return seen;
  }

  async function refresh(): Promise<TableState | null> {
    const base = seen ?? (await newestCheckpoint());
    return see(replay(table, base, await commitsAfter(base?.version ?? -1)));
  }

  const lastSeen = async () => seen ?? refresh();

  async function at(version: number): Promise<TableState> {
    const newest = seen?.version === version ? seen : await refresh();
    if (newest?.version === version) return newest;
    if (newest === null || version > newest.version) {
      throw new Error(`Table ${table} has no version ${version}; the newest is ${newest?.version ?? 'none'}.`);
    }
    const base = await listedCheckpoint(version);
    const state = replay(table, base, await commitsAfter(base?.version ?? -1, version));
    if (state?.version !== version) throw new Error(`Table ${table}: the log has no commits up to version ${version}.`);
    return state;
  }

  async function filesAdded(version: number, upTo: number): Promise<AddFile[]> {
    const commits = await commitsAfter(version, upTo);
    if (commits.length !== Math.max(0, upTo - version)) {
      throw new Error(`Table ${table}: the log lacks commits between versions ${version} and ${upTo}.`);
    }
    return commits.flatMap(({ actions }) =>
      actions.flatMap((action) => ('add' in action && action.add.dataChange ? [action.add] : [])),
    );
  }

  async function commit(attempt: (state: TableState | null) => readonly Action[] | null): Promise<CommitResult> {
    let state = await lastSeen();
    for (let lost = 0; lost < attemptsAtMost; lost++) {
      const actions = attempt(state);
      if (actions === null) return { committed: false, version: state?.version ?? -1 };
      const version = (state?.version ?? -1) + 1;
      if (await put(version, actions)) {
        const after = replay(table, state, [{ version, actions }]);
        see(after);
        if (after && version > 0 && version % checkpointEvery === 0) await checkpoint(after);
        return { committed: true, version };
      }
      await backOff(lost);
      state = await refresh();
    }
    throw new CallError('failed', `Table ${table}: ${attemptsAtMost} commits in a row were overtaken by others.`);
  }

  async function put(version: number, actions: readonly Action[]): Promise<boolean> {
    try {
      return await objects.putIfAbsent(`${folder}/${commitName(version)}`, encodeActions(actions));
    } catch (error) {
      if (error instanceof CallError) throw error;
      throw new CallError('failed', `Table ${table}: version ${version} was not written: ${messageOf(error)}.`, {
        cause: error,
      });
    }
  }

  /** The first retry comes at once; later ones wait a random part of a time that doubles. */
  async function backOff(lost: number): Promise<void> {
    if (lost === 0) return;
    await clock.sleep(random.below(shortestBackoffUs << Math.min(lost, backoffDoublings)));
  }

  async function commitsAfter(version: number, upTo = Number.POSITIVE_INFINITY): Promise<Commit[]> {
    const commits: Commit[] = [];
    // Versions are contiguous, so asking for the next one costs less than listing them all.
    for (let next = version + 1; next <= upTo; next++) {
      const text = await objects.get(`${folder}/${commitName(next)}`);
      if (text === null) break;
      commits.push({ version: next, actions: decodeActions(text) });
    }
    return commits;
  }

  /** A checkpoint only saves work: if it cannot be written the commit stands, and the next one is tried in its turn. */
  async function checkpoint(state: TableState): Promise<void> {
    try {
      const nowMs = Math.floor(clock.nowUs() / 1000);
      const { actions } = await writeCheckpoint(
        engine,
        objects,
        state,
        `${folder}/${checkpointName(state.version)}`,
        nowMs,
      );
      await objects.put(`${folder}/_last_checkpoint`, JSON.stringify({ version: state.version, size: actions }));
    } catch (error) {
      process.emitWarning(`Table ${table}: no checkpoint of version ${state.version}: ${messageOf(error)}`);
    }
  }

  async function newestCheckpoint(): Promise<TableState | null> {
    const hint = await objects.get(`${folder}/_last_checkpoint`);
    const { version, parts } = (hint === null ? {} : JSON.parse(hint)) as { version?: number; parts?: number };
    // Without a hint, or with one at a checkpoint of several parts, which others may write, any whole one will do.
    if (version === undefined || parts !== undefined) return listedCheckpoint(Number.POSITIVE_INFINITY);
    return readCheckpoint(engine, objects, table, `${folder}/${checkpointName(version)}`, version);
  }

  /** The newest checkpoint not after `version`. */
  async function listedCheckpoint(version: number): Promise<TableState | null> {
    let newest = -1;
    for (const { name } of await objects.list(folder)) {
      const found = /^(\d{20})\.checkpoint\.parquet$/.exec(name);
      if (found && Number(found[1]) <= version) newest = Math.max(newest, Number(found[1]));
    }
    return newest < 0 ? null : readCheckpoint(engine, objects, table, `${folder}/${checkpointName(newest)}`, newest);
  }

  return { refresh, lastSeen, at, filesAdded, commit };
}

function commitName(version: number): string {
  return `${String(version).padStart(20, '0')}.json`;
}

function checkpointName(version: number): string {
  return `${String(version).padStart(20, '0')}.checkpoint.parquet`;
}
