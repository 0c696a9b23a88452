/**
 * Moves files down the tiers. Put first, then committed, removed later: what is moved is a copy until one commit has put it
 * in the place of the file, which stays for readers of older versions until `vacuum` takes it. The rows stay, so the commit
 * says `dataChange: false`.
 */
import { copyFile } from 'node:fs/promises';
import { CallError, messageOf } from '../../errors.js';
import { fileOrder } from './compact.js';
import {
  clusteringOf,
  commitDraft,
  type Draft,
  dataFileName,
  discardFiles,
  draftFiles,
  drafting,
  existing,
  hotBytesOf,
  removalOf,
  type Tables,
  uriOf,
  writtenUs,
} from './data-files.js';
import { type AddFile, commitInfo } from './delta/actions.js';
import { conflictOf } from './delta/conflicts.js';
import type { TableState } from './delta/table-state.js';
import { packAll } from './packing.js';
import { pinnedPaths } from './pins.js';
import type { Moved, Tier, TierPolicy, TierResult } from './port.js';
import { changeProperties } from './properties.js';
import { localFilesOf, rowsOf } from './read-files.js';
import { lastReads } from './read-times.js';
import { byPartition } from './rewrite.js';
import { checkPolicy, policyProperties, tierOf } from './tier-policy.js';

export async function tier(tables: Tables, table: string, policy: TierPolicy): Promise<TierResult> {
  checkPolicy(table, policy);
  await changeProperties(tables, table, (before) => ({ ...before, ...policyProperties(policy) }));
  const state = existing(table, await tables.log(table).refresh());
  const idle = await idleFiles(tables, table, state, policy);
  const warming = byPartition(idle.hot).flatMap((files) => packAll(files, policy.targetFileBytes, fileOrder));
  const draft = draftFiles(tables, table, state);
  const cooled: AddFile[] = [];
  const whole = {
    get files() {
      return [...draft.files, ...cooled];
    },
    discard: () => discardFiles(tables, table, whole.files),
  };
  await drafting(whole, async () => {
    for (const files of warming) await warm(tables, table, state, files, draft);
    for (const file of idle.warm) cooled.push(await cool(tables, table, file));
  });
  const replaced = [...idle.hot, ...idle.warm];
  const nothing = { files: 0, bytesBefore: 0, bytesAfter: 0 };
  if (replaced.length === 0) return { warm: nothing, cold: nothing };
  const { committed } = await commitDraft(tables, table, whole, (newest) => {
    // As with compaction: what another has rewritten meanwhile is hot, and not what was moved.
    if (conflictOf({ from: state, files: replaced }, newest)) return null;
    const nowUs = tables.clock.nowUs();
    return [
      commitInfo(nowUs, 'OPTIMIZE', { tiers: JSON.stringify({ warm: draft.files.length, cold: cooled.length }) }),
      ...replaced.map((file) => ({ remove: removalOf(file, false, nowUs) })),
      ...whole.files.map((add) => ({ add })),
    ];
  });
  if (!committed) return { warm: nothing, cold: nothing };
  return { warm: moved(idle.hot, draft.files), cold: moved(idle.warm, cooled) };
}

function moved(from: readonly AddFile[], to: readonly AddFile[]): Moved {
  const bytes = (files: readonly AddFile[]) => files.reduce((sum, { size }) => sum + size, 0);
  return { files: from.length, bytesBefore: bytes(from), bytesAfter: bytes(to) };
}

/** Hot and warm files that nobody has used for as long as the policy says, but for those of pinned versions. */
async function idleFiles(
  tables: Tables,
  table: string,
  state: TableState,
  { warmAfterUs, coldAfterUs }: TierPolicy,
): Promise<Readonly<Record<Exclude<Tier, 'cold'>, readonly AddFile[]>>> {
  const nowUs = tables.clock.nowUs();
  const bounds = { hot: nowUs - warmAfterUs, warm: nowUs - coldAfterUs };
  const idleSince = (tier: keyof typeof bounds, usedUs: (file: AddFile) => number) => (file: AddFile) =>
    tierOf(file) === tier && usedUs(file) <= bounds[tier];
  const written = ({ path, modificationTime }: AddFile) =>
    writtenUs(decodeURIComponent(path)) ?? modificationTime * 1000;
  const files = Array.from(state.files.values());
  const old = { hot: files.filter(idleSince('hot', written)), warm: files.filter(idleSince('warm', written)) };
  // Who has read what is asked only where it matters.
  if (old.hot.length + old.warm.length === 0) return old;
  const reads = await lastReads(tables.objects, table, state);
  const lastRead = ({ path }: AddFile) => reads.get(path) ?? 0;
  const candidates = {
    hot: old.hot.filter(idleSince('hot', lastRead)),
    warm: old.warm.filter(idleSince('warm', lastRead)),
  };
  const pinned = await pinnedPaths(tables.log(table), state);
  const isFree = ({ path }: AddFile) => !pinned.has(path);
  return { hot: candidates.hot.filter(isFree), warm: candidates.warm.filter(isFree) };
}

async function warm(
  tables: Tables,
  table: string,
  state: TableState,
  files: readonly AddFile[],
  draft: Draft,
): Promise<void> {
  const clusteredBy = clusteringOf(files[0]!);
  const rows = await rowsOf(tables, table, state, files);
  // One file keeps its order; several of the same order are put into it again, unless it is that of a curve.
  const orderBy = files.length === 1 ? [] : clusteredBy;
  const marks = {
    dataChange: false,
    warmOf: files.reduce((sum, file) => sum + hotBytesOf(file), 0),
    clusteredBy,
  };
  await tables.engine.use((connection) => draft.write(connection, { from: rows, orderBy }, marks));
}

/** Byte for byte: what is cold is read seldom, but then as it was. */
async function cool(tables: Tables, table: string, file: AddFile): Promise<AddFile> {
  const { objects, clock } = tables;
  const [local] = await localFilesOf(tables, table, [file]);
  const folder = decodeURIComponent(file.path).split('/').slice(1, -1);
  const path = ['cold', ...folder, dataFileName(clock.nowUs())].join('/');
  const staged = await objects.stage();
  try {
    await copyFile(local!, staged);
    await objects.publish(staged, `${table}/${path}`, 'by reference');
  } catch (error) {
    await objects.discard(staged);
    throw new CallError('failed', `Table ${table}: ${file.path} was not copied: ${messageOf(error)}`, { cause: error });
  }
  return { ...file, path: uriOf(path), dataChange: false };
}
