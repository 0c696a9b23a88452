/** What the load processes record, and its way into the columns of facts. A recording that was never begun has no rows. */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { LoadedTrace } from '../loaded-trace.js';
import { allocateColumns, type Columns, type Layout } from '../record/column-files.js';
import { columnSets } from '../record/column-sets.js';
import { appendOutcomes, type PanelFacts, type RunFacts } from '../record/facts.js';
import { readRecording } from '../record/recordings.js';
import { orderOf } from '../statistics/order.js';

export interface RecordingPaths {
  /** Of a connector that died, one an incarnation: the first name, and this with a number. */
  readonly appends: string;
  readonly commits: string;
  readonly operations: string;
  readonly reads: string;
  readonly probes: string;
  readonly live: string;
}

export function recordingPaths(directory: string): RecordingPaths {
  const path = (name: string) => join(directory, `${name}.recording`);
  return {
    appends: path('appends'),
    commits: path('commits'),
    operations: path('operations'),
    reads: path('reads'),
    probes: path('probes'),
    live: path('live'),
  };
}

export const appendLayout = columnSets.appends;
export const commitLayout = columnSets.commits;
/** Calls are recorded when they are done, so `operation` carries the order in which they were due. */
export const operationLayout = { operation: 'u32', ...columnSets.operations } as const;
export const readLayout = { operation: 'u32', customer: 'u32', lastSeq: 'f64', asOfUs: 'f64' } as const;
export const probeLayout = columnSets.probes;

/** What went wrong, by operation and message; reported at the end. */
export interface LoadErrors {
  readonly errors: readonly { readonly operation: string; readonly message: string; readonly count: number }[];
}

export type Recorded = Pick<RunFacts, 'operations' | 'reads' | 'probes' | 'appends' | 'commits' | 'panel'>;

export async function readRecorded(paths: RecordingPaths, trace: LoadedTrace): Promise<Recorded> {
  const appends = await readAppends(paths.appends);
  const { operations, numberOf } = inOrder(await readIfBegun(paths.operations, operationLayout));
  const reads = await readIfBegun(paths.reads, readLayout);
  const probes = await readIfBegun(paths.probes, probeLayout);
  return {
    appends,
    operations,
    reads: {
      ...reads,
      operation: reads.operation.map((operation) => numberOf[operation] ?? 0),
      nextEmitUs: reads.lastSeq.map((lastSeq, i) => trace.emissions.nextEmitUs(reads.customer[i] as number, lastSeq)),
    },
    probes,
    commits: await readIfBegun(paths.commits, commitLayout),
    panel: panelFacts(trace, appends),
  };
}

/** Of a run that never had a trace. */
export function noRecordings(): Recorded {
  return {
    appends: allocateColumns(columnSets.appends, 0),
    commits: allocateColumns(columnSets.commits, 0),
    operations: allocateColumns(columnSets.operations, 0),
    reads: allocateColumns(columnSets.reads, 0),
    probes: allocateColumns(columnSets.probes, 0),
    panel: { customers: [], share: 0, changes: allocateColumns(columnSets['panel.changes'], 0) },
  };
}

/** Where the nth incarnation of a connector records its appends; an emitter has one. */
export const appendsOf = (path: string, incarnation: number): string =>
  incarnation === 0 ? path : `${path}-${incarnation}`;

/** Of all incarnations. One may find in the log, and record, what the one before it had recorded: the first one counts. */
async function readAppends(path: string): Promise<Columns<typeof appendLayout>> {
  const parts: Columns<typeof appendLayout>[] = [];
  // One that died before it recorded anything hides none of those after it.
  const incarnations = await incarnationsOf(path);
  for (let incarnation = 0; incarnation < incarnations; incarnation++)
    parts.push(await readIfBegun(appendsOf(path, incarnation), appendLayout));
  if (parts.length === 1) return parts[0] as Columns<typeof appendLayout>;
  const acknowledged = new Set<string>();
  const kept = parts.flatMap((part, number) =>
    Array.from({ length: part.rows }, (_, row) => ({ number, row })).filter(({ row }) => {
      if (appendOutcomes[part.outcome[row] as number] !== 'acknowledged') return true;
      const entry = `${part.slotUs[row]} ${part.partition[row]}`;
      return !acknowledged.has(entry) && acknowledged.add(entry);
    }),
  );
  const merged = allocateColumns(appendLayout, kept.length);
  for (const name of Object.keys(appendLayout) as (keyof typeof appendLayout)[]) {
    kept.forEach(({ number, row }, at) => {
      merged[name][at] = parts[number]?.[name][row] as number;
    });
  }
  return merged;
}

/** By the last of them that began to record; at least one. */
async function incarnationsOf(path: string): Promise<number> {
  const later = new RegExp(`^${basename(path)}-(\\d+)$`);
  const names = await readdir(dirname(path));
  return 1 + Math.max(0, ...names.map((name) => Number(later.exec(name)?.[1] ?? 0)));
}

async function readIfBegun<L extends Layout>(path: string, layout: L): Promise<Columns<L>> {
  const isBegun = existsSync(path) && (await stat(path)).size > 0;
  return isBegun ? readRecording(path, layout) : allocateColumns(layout, 0);
}

/** Operations in the order in which they were due, and the row that each operation's number has now. */
function inOrder(done: Columns<typeof operationLayout>): {
  operations: RunFacts['operations'];
  numberOf: Uint32Array;
} {
  const order = orderOf(done.intendedUs);
  const numberOf = new Uint32Array(done.operation.reduce((highest, operation) => Math.max(highest, operation + 1), 0));
  order.forEach((row, position) => {
    numberOf[done.operation[row] as number] = position;
  });
  const sorted = <T extends Float64Array | Uint32Array | Uint8Array>(values: T): T =>
    values.map((_, i) => values[order[i] as number] as number) as T;
  const { rows, kind, intendedUs, sentUs, doneUs, outcome, keys } = done;
  return {
    operations: {
      rows,
      kind: sorted(kind),
      intendedUs: sorted(intendedUs),
      sentUs: sorted(sentUs),
      doneUs: sorted(doneUs),
      outcome: sorted(outcome),
      keys: sorted(keys),
    },
    numberOf,
  };
}

/** Every change of the panel, with what came of its append. */
function panelFacts({ info, emissions }: LoadedTrace, appends: RunFacts['appends']): PanelFacts {
  const { partitions } = info.contract;
  const entryOf = (slotUs: number, partition: number) => (slotUs - info.epochUs) * partitions + partition;
  const acknowledged = new Set<number>();
  for (let i = 0; i < appends.rows; i++) {
    if (appendOutcomes[appends.outcome[i] as number] === 'acknowledged')
      acknowledged.add(entryOf(appends.slotUs[i] as number, appends.partition[i] as number));
  }
  const total = info.panel.reduce((sum, customer) => sum + emissions.highestSeq(customer), 0);
  const changes = allocateColumns(columnSets['panel.changes'], total);
  let row = 0;
  info.panel.forEach((customer, member) => {
    for (let seq = 1; seq <= emissions.highestSeq(customer); seq++, row++) {
      const slotUs = emissions.emitUs(customer, seq);
      changes.member[row] = member;
      changes.seq[row] = seq;
      changes.emitUs[row] = slotUs;
      changes.refused[row] = emissions.refused(customer, seq) ? 1 : 0;
      changes.acknowledged[row] = acknowledged.has(entryOf(slotUs, customer % partitions)) ? 1 : 0;
    }
  });
  return {
    customers: info.panel,
    share: info.changes === 0 ? 0 : total / info.changes,
    changes,
  };
}
