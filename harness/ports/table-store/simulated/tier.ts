/** Moves files down the tiers, as tier.ts of the Delta tables does. Rows in memory are not compressed: what is warm takes as much. */

import { packAll } from '../packing.js';
import type { Moved, TierPolicy, TierResult } from '../port.js';
import { fileOrder, merge } from './compact.js';
import { byPartition, draftFile, type Replacement, type StoredFile, type Table } from './table.js';

export interface Tiering {
  readonly warm: readonly Replacement[];
  readonly cold: readonly Replacement[];
  readonly rows: number;
  readonly bytes: number;
}

export function planTiering(table: Table, policy: TierPolicy, nowUs: number): Tiering {
  const pinned = table.pinnedPaths();
  const idle = (tier: StoredFile['tier'], forUs: number) =>
    table.files().filter((file) => file.tier === tier && file.usedUs <= nowUs - forUs && !pinned.has(file.path));
  const warm = byPartition(idle('hot', policy.warmAfterUs), (file) => file)
    .flatMap((files) => packAll(files, policy.targetFileBytes, fileOrder(table)))
    .map((removed) => ({ removed, added: warmed(table, removed) }));
  const cold = idle('warm', policy.coldAfterUs).map((file) => ({
    removed: [file],
    added: draftFile({ ...file, content: file.content!, dataChange: false, tier: 'cold', run: file.run }),
  }));
  const all = [...warm, ...cold].map(({ added }) => added);
  const sum = (part: 'rows' | 'bytes') => all.reduce((total, file) => total + file[part], 0);
  return { warm, cold, rows: sum('rows'), bytes: sum('bytes') };
}

function warmed(table: Table, files: readonly StoredFile[]): StoredFile {
  const file = files.length === 1 ? files[0]! : merge(table, files);
  const hotBytes = files.reduce((sum, each) => sum + each.hotBytes, 0);
  return draftFile({ ...file, content: file.content!, dataChange: false, tier: 'warm', hotBytes, run: null });
}

/** Gives up if another rewrite took one of the files meanwhile. */
export function commitTiering(table: Table, { warm, cold }: Tiering, nowUs: number, run: string | null): TierResult {
  const replacements = [...warm, ...cold];
  const overtaken = replacements.some(({ removed }) => removed.some((file) => !table.isLive(file)));
  if (overtaken || replacements.length === 0) return { warm: moved([]), cold: moved([]) };
  table.commit(replacements, [], nowUs, run);
  return { warm: moved(warm), cold: moved(cold) };
}

function moved(replacements: readonly Replacement[]): Moved {
  const bytes = (files: readonly StoredFile[]) => files.reduce((sum, file) => sum + file.bytes, 0);
  const from = replacements.flatMap(({ removed }) => removed);
  return {
    files: from.length,
    bytesBefore: bytes(from),
    bytesAfter: bytes(replacements.flatMap(({ added }) => added ?? [])),
  };
}
