/**
 * One table's log: reads it into states, and appends commits by optimistic concurrency. See README.md for the rules.
 */
import type { Clock } from '../../../clock.js';
import { CallError, messageOf } from '../../../errors.js';
import type { Random } from '../../../random.js';
import type { Engine } from '../engine.js';
import { type Action, type AddFile, decodeActions, encodeActions } from './actions.js';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { type CommitTime, versionAt } from './history.js';
import {
  checkpointName,
  commitName,
  earliestOf,
  firstMissing,
  firstNameOf,
  type LogListing,
  namesBefore,
  readListing,
} from './log-files.js';
import type { ListedObject, ObjectStore } from './object-store.js';
import { checkpointInterval, logRetentionUs } from './table-properties.js';
import { type Commit, replay, type TableState } from './table-state.js';

export interface DeltaLog {
  /** The newest state; null if there is no such table. */
  refresh(): Promise<TableState | null>;
  /** The state as last seen, which may be old: enough for a writer, whose commit fails if it is. */
  lastSeen(): Promise<TableState | null>;
  /** Time travel: the state of a version, or the newest one that was there at a time. */
  at(point: VersionOrTime): Promise<TableState>;
  /** Files that commits after `version` and up to `upTo` added with new rows, whether or not they are live since. */
  filesAdded(version: number, upTo: number): Promise<AddFile[]>;
  /**
   * Appends one commit. `attempt` is given the newest state that is known, null for no table, and answers the actions
   * that are right in it (see conflicts.ts), or null to give up; it is asked again, with a newer state, each time that
   * another writer was first. It may throw to refuse, and so may `check`, which is asked last before each write. Rejects
   * with CallError if the store fails.
   */
  commit(
    attempt: (state: TableState | null) => readonly Action[] | null,
    check?: () => Promise<void>,
  ): Promise<CommitResult>;
  /**
   * Deletes commits and checkpoints that no version within `delta.logRetentionDuration` needs, nor any from `pinned` on;
   * answers how many files that were. Earlier versions cannot be read any more.
   */
  cleanUp(pinned?: number): Promise<number>;
  /** The earliest version that the log still has. */
  earliest(): Promise<number>;
  /** The earliest from which on no version has a data file for which `gone` holds. */
  earliestWithout(gone: (path: string) => boolean): Promise<number>;
}

export type VersionOrTime = number | { readonly timestampUs: number };

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

const shortestBackoffUs = 500;
const backoffDoublings = 7;
const attemptsAtMost = 1_000;
const concurrentReads = 32;

export function openDeltaLog(context: DeltaLogContext): DeltaLog {
  const { table, objects, engine, clock, random } = context;
  const folder = `${table}/_delta_log`;
  let seen: TableState | null = null;
  let lookedUs = 0;
  /** When versions were committed by their writers' clocks, of all commits read or written so far. */
  const timesMs = new Map<number, number | null>();

  function see(state: TableState | null): TableState | null {
    if (state !== null && state.version > (seen?.version ?? -1)) seen = state;
    return seen;
  }

  /**
   * Forgets what was seen so long ago that the versions after it may have been cleaned up: the next one would then look
   * like one that nobody has written yet.
   */
  function forgetOld(): void {
    if (seen && clock.nowUs() - lookedUs > logRetentionUs(table, seen.metaData) / 2) seen = null;
  }

  async function refresh(): Promise<TableState | null> {
    forgetOld();
    const nowUs = clock.nowUs();
    const state = seen ? replay(table, seen, await commitsAfter(seen.version)) : await firstLook();
    lookedUs = nowUs;
    return see(state);
  }

  async function lastSeen(): Promise<TableState | null> {
    forgetOld();
    return seen ?? refresh();
  }

  /** Versions are named in order, so that a listing can begin at the checkpoint that the hint names. */
  async function firstLook(): Promise<TableState | null> {
    const hinted = await hintedVersion();
    const listing = await listFrom(hinted);
    if (hinted > 0 && !listing.checkpoints.some(({ version }) => version >= hinted)) return rebuild(await listFrom(0));
    return rebuild(listing, hinted);
  }

  /** The state of `version`, or the newest, from the newest checkpoint not after it that can be read. */
  async function rebuild(listing: LogListing, listedFrom = 0, version?: number): Promise<TableState | null> {
    const newest = version ?? newestOf(listing);
    const broken: string[] = [];
    let base: TableState | null = null;
    for (const files of listing.checkpoints.toReversed()) {
      if (files.version > newest) continue;
      try {
        base = await readCheckpoint(engine, objects, table, folder, files);
        break;
      } catch (error) {
        const [reason] = messageOf(error).split('\n');
        broken.push(`Checkpoint ${folder}/${files.names[0]} cannot be read (${reason}).`);
      }
    }
    if (base === null && listedFrom > 0) return rebuild(await listFrom(0), 0, version);
    const missing = firstMissing(listing, (base?.version ?? -1) + 1, newest);
    if (missing !== null) throw missingError(newest, missing, listing, broken);
    for (const text of broken) process.emitWarning(`Table ${table}: ${text} An older one was taken.`);
    const listed = await readCommits((base?.version ?? -1) + 1, newest);
    const later = version === undefined ? await commitsAfter(newest) : [];
    return replay(table, base, [...listed, ...later]);
  }

  function missingError(version: number, missing: number, listing: LogListing, broken: readonly string[]): Error {
    const earliest = earliestOf(listing);
    const which = `Table ${table}: version ${version}`;
    if (broken.length > 0) {
      return new Error(
        `${which} cannot be read. ${broken.join(' ')} Without it, ${folder}/${commitName(missing)} is needed and is not there. Restore one of them from a copy.`,
      );
    }
    if (earliest !== null && version < earliest) {
      return new Error(`${which} was cleaned up; the earliest that can still be read is ${earliest}.`);
    }
    return new Error(
      `${which} cannot be read: the log has a gap, ${folder}/${commitName(missing)} is not there. Restore it from a copy.`,
    );
  }

  async function at(point: VersionOrTime): Promise<TableState> {
    const newest = seen?.version === point ? seen : await refresh();
    if (newest === null) throw new Error(`There is no table ${table}; create it first.`);
    const version = typeof point === 'number' ? point : await versionAtTime(newest.version, point.timestampUs);
    if (version === newest.version) return newest;
    if (version > newest.version || version < 0) {
      throw new Error(`Table ${table} has no version ${version}; the newest is ${newest.version}.`);
    }
    return (await rebuild(await listFrom(0), 0, version))!;
  }

  async function versionAtTime(newest: number, timestampUs: number): Promise<number> {
    const history = await commitTimes(await listFrom(0), newest);
    const version = versionAt(history, timestampUs);
    if (version !== null) return version;
    const [earliest] = history;
    throw new Error(
      `Table ${table} has no version at ${timestampUs} µs; the earliest that can be read, ${earliest?.version}, was committed at ${(earliest?.timestampMs ?? 0) * 1000} µs. Ask for that time or a later one.`,
    );
  }

  /** Of versions that can be read, up to `newest`. */
  async function commitTimes(listing: LogListing, newest: number): Promise<CommitTime[]> {
    const earliest = earliestOf(listing) ?? 0;
    const versions = listing.commits.filter((version) => version >= earliest && version <= newest);
    for (let i = 0; i < versions.length; i += concurrentReads) {
      const unknown = versions.slice(i, i + concurrentReads).filter((version) => !timesMs.has(version));
      await Promise.all(unknown.map(readCommit));
    }
    return versions.map((version) => ({ version, timestampMs: timesMs.get(version) ?? null }));
  }

  async function filesAdded(version: number, upTo: number): Promise<AddFile[]> {
    const commits = await readCommits(version + 1, upTo);
    // Once each: a restore adds again what an earlier one took away.
    const added = new Map<string, AddFile>();
    for (const { actions } of commits)
      for (const action of actions)
        if ('add' in action && action.add.dataChange) added.set(action.add.path, action.add);
    return Array.from(added.values());
  }

  async function commit(
    attempt: (state: TableState | null) => readonly Action[] | null,
    check?: () => Promise<void>,
  ): Promise<CommitResult> {
    let state = await lastSeen();
    for (let lost = 0; lost < attemptsAtMost; lost++) {
      const actions = attempt(state);
      if (actions === null) return { committed: false, version: state?.version ?? -1 };
      const version = (state?.version ?? -1) + 1;
      // Before it is put: what throws afterwards would pass for a commit that did not happen, and its files be taken back.
      const after = replay(table, state, [{ version, actions }])!;
      const interval = checkpointInterval(table, after.metaData);
      await check?.();
      if (await put(version, actions)) {
        timesMs.set(version, timestampOf(actions));
        see(after);
        if (version > 0 && version % interval === 0) await checkpoint(after);
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
      const outcome = error instanceof CallError ? error.outcome : 'indeterminate';
      const happened = outcome === 'failed' ? 'was not written' : 'may or may not have been written';
      throw new CallError(outcome, `Table ${table}: version ${version} ${happened}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** The first retry comes at once; later ones wait a random part of a time that doubles. */
  async function backOff(lost: number): Promise<void> {
    if (lost === 0) return;
    await clock.sleep(random.below(shortestBackoffUs << Math.min(lost, backoffDoublings)));
  }

  /** Versions are contiguous, so asking for the next one costs less than listing them all. */
  async function commitsAfter(version: number): Promise<Commit[]> {
    const commits: Commit[] = [];
    for (let next = await readCommit(version + 1); next !== null; next = await readCommit(next.version + 1)) {
      commits.push(next);
    }
    return commits;
  }

  /** Commits that must be there. */
  async function readCommits(first: number, last: number): Promise<Commit[]> {
    const commits: Commit[] = [];
    for (let from = first; from <= last; from += concurrentReads) {
      const versions = Array.from({ length: Math.min(concurrentReads, last - from + 1) }, (_, i) => from + i);
      for (const [i, commit] of (await Promise.all(versions.map(readCommit))).entries()) {
        if (commit === null) throw missingError(versions[i]!, versions[i]!, await listFrom(0), []);
        commits.push(commit);
      }
    }
    return commits;
  }

  async function readCommit(version: number): Promise<Commit | null> {
    const path = `${folder}/${commitName(version)}`;
    const text = await objects.get(path);
    if (text === null) return null;
    try {
      const actions = decodeActions(text);
      timesMs.set(version, timestampOf(actions));
      return { version, actions };
    } catch (error) {
      throw new Error(
        `Table ${table}: version ${version} cannot be read, ${path} is corrupt: ${messageOf(error)}. Restore it from a copy; until then the table is as it was before, and nothing is written.`,
        { cause: error },
      );
    }
  }

  /** A checkpoint only saves work: if it cannot be written the commit stands, and the next one is tried in its turn. */
  async function checkpoint(state: TableState): Promise<void> {
    try {
      const nowMs = Math.floor(clock.nowUs() / 1000);
      const path = `${folder}/${checkpointName(state.version)}`;
      const { actions } = await writeCheckpoint(engine, objects, table, state, path, nowMs);
      await objects.put(hintPath, JSON.stringify({ version: state.version, size: actions }));
    } catch (error) {
      process.emitWarning(`Table ${table}: no checkpoint of version ${state.version}: ${messageOf(error)}`);
    }
  }

  const hintPath = `${folder}/_last_checkpoint`;

  /** Where to begin to look; 0 if there is no hint or it is none. It may be old, or point to what is not there. */
  async function hintedVersion(): Promise<number> {
    const text = await objects.get(hintPath);
    try {
      const { version } = JSON.parse(text ?? '{}') as { readonly version?: unknown };
      return Number.isSafeInteger(version) ? Math.max(0, version as number) : 0;
    } catch {
      return 0;
    }
  }

  const listObjects = (version: number): Promise<readonly ListedObject[]> => objects.list(folder, firstNameOf(version));

  const listFrom = async (version: number): Promise<LogListing> => readListing(await listObjects(version));

  /** Steps of the protocol's "Metadata Cleanup", with the cut-off at the moment instead of at midnight. */
  async function cleanUp(pinned = Number.POSITIVE_INFINITY): Promise<number> {
    const state = await refresh();
    if (state === null) return 0;
    const objectsThere = await listObjects(0);
    const listing = readListing(objectsThere);
    const history = await commitTimes(listing, state.version);
    const cutOff = versionAt(history, clock.nowUs() - logRetentionUs(table, state.metaData));
    if (cutOff === null) return 0;
    const checkpoint = await cutOffCheckpoint(listing, Math.min(cutOff, pinned));
    if (checkpoint === null) return 0;
    // The earliest first, so that what a clean-up leaves when it breaks off can be read without a gap.
    const names = namesBefore(objectsThere, checkpoint);
    for (const name of names) await objects.delete(`${folder}/${name}`);
    return names.length;
  }

  /** The newest checkpoint not after `version` that can be read: what it replaces is about to go. */
  async function cutOffCheckpoint({ checkpoints }: LogListing, version: number): Promise<number | null> {
    for (const files of checkpoints.toReversed()) {
      if (files.version > version) continue;
      const state = await readCheckpoint(engine, objects, table, folder, files).catch(() => null);
      if (state !== null) return files.version;
    }
    return null;
  }

  async function earliest(): Promise<number> {
    return earliestOf(await listFrom(0)) ?? 0;
  }

  async function earliestWithout(gone: (path: string) => boolean): Promise<number> {
    const newest = (await refresh())?.version ?? -1;
    let found = await earliest();
    for (const { version, actions } of await readCommits(found + 1, newest)) {
      if (actions.some((action) => 'remove' in action && gone(action.remove.path))) found = version;
    }
    return found;
  }

  return { refresh, lastSeen, at, filesAdded, commit, cleanUp, earliest, earliestWithout };
}

function newestOf({ commits, checkpoints }: LogListing): number {
  return Math.max(commits.at(-1) ?? -1, checkpoints.at(-1)?.version ?? -1);
}

function timestampOf(actions: readonly Action[]): number | null {
  for (const action of actions) if ('commitInfo' in action) return action.commitInfo.timestamp ?? null;
  return null;
}
