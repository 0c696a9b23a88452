/**
 * The panel as seen from outside: its probes in order, and its changes in the order in which a plane must show them.
 * Freshness, backlog and recovery are folds over these two.
 */
import type { RunFacts } from '../record/facts.js';
import { orderOf } from '../statistics/order.js';

/** Probes in the order in which they were answered; matrices are row-major, a row a probe, a column a member. */
export interface PanelProbes {
  readonly probes: number;
  readonly members: number;
  readonly sentUs: Float64Array;
  readonly doneUs: Float64Array;
  /** 1 if the probe was answered. */
  readonly answered: Uint8Array;
  /** -1 where the probe failed. */
  readonly lastSeq: Float64Array;
  /** By probe the sum of it over the members; 0 where the probe failed. */
  readonly shown: Float64Array;
}

/** Changes that a plane must come to show (sound and acknowledged), by member and seq. */
export interface AwaitedChanges {
  readonly rows: number;
  readonly seq: Uint32Array;
  readonly member: Uint32Array;
  readonly emitUs: Float64Array;
  /** Member m's changes are rows `firstOf[m]` to `firstOf[m + 1]` - 1. */
  readonly firstOf: Uint32Array;
  /** The earliest emission among this change and the later ones of its member: changes may be emitted out of order. */
  readonly earliestFromUs: Float64Array;
  /** Rows in order of emission. */
  readonly byEmission: Uint32Array;
  /** Left out because nothing is to be awaited of them. */
  readonly refused: number;
  readonly unacknowledged: number;
}

export interface Panel {
  readonly probes: PanelProbes;
  readonly awaited: AwaitedChanges;
  /** Of every change that entered the change log, those to be refused with them; ascending. */
  readonly emissionsUs: Float64Array;
}

export function readPanel(run: RunFacts): Panel {
  return { probes: orderProbes(run), awaited: awaitedChanges(run), emissionsUs: emissionsOf(run) };
}

function orderProbes({ probes, panel }: RunFacts): PanelProbes {
  const members = panel.customers.length;
  const times = new Map<number, { number: number; sentUs: number; doneUs: number }>();
  let before = -1;
  for (let i = 0; i < probes.rows; i++) {
    const number = probes.probe[i] as number;
    // The rows of a probe mostly follow one another.
    if (number === before) continue;
    before = number;
    if (!times.has(number)) {
      times.set(number, { number, sentUs: probes.sentUs[i] as number, doneUs: probes.doneUs[i] as number });
    }
  }
  const ordered = [...times.values()].sort((a, b) => a.doneUs - b.doneUs || a.number - b.number);
  const rowOf = new Map(ordered.map(({ number }, row) => [number, row]));
  const lastSeq = new Float64Array(ordered.length * members).fill(-1);
  const answered = new Uint8Array(ordered.length);
  const shown = new Float64Array(ordered.length);
  before = -1;
  for (let i = 0, row = 0; i < probes.rows; i++) {
    const number = probes.probe[i] as number;
    if (number !== before) row = rowOf.get(number) as number;
    before = number;
    const seen = probes.lastSeq[i] as number;
    lastSeq[row * members + (probes.member[i] as number)] = seen;
    if (seen < 0) continue;
    answered[row] = 1;
    shown[row]! += seen;
  }
  return {
    probes: ordered.length,
    members,
    sentUs: Float64Array.from(ordered, (probe) => probe.sentUs),
    doneUs: Float64Array.from(ordered, (probe) => probe.doneUs),
    answered,
    lastSeq,
    shown,
  };
}

function emissionsOf({ panel: { changes } }: RunFacts): Float64Array {
  const emitUs = new Float64Array(changes.rows);
  let acknowledged = 0;
  for (let i = 0; i < changes.rows; i++) {
    if (changes.acknowledged[i] === 1) emitUs[acknowledged++] = changes.emitUs[i] as number;
  }
  return emitUs.subarray(0, acknowledged).sort();
}

function awaitedChanges({ panel: { changes, customers } }: RunFacts): AwaitedChanges {
  let refused = 0;
  let unacknowledged = 0;
  const awaited = new Uint32Array(changes.rows);
  let count = 0;
  for (let i = 0; i < changes.rows; i++) {
    if (changes.refused[i] === 1) refused++;
    else if (changes.acknowledged[i] === 0) unacknowledged++;
    else awaited[count++] = i;
  }
  const { rows, firstOf } = byMemberAndSeq(changes, awaited.subarray(0, count), customers.length);
  const emitUs = new Float64Array(count);
  const member = new Uint32Array(count);
  const seq = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const row = rows[i] as number;
    emitUs[i] = changes.emitUs[row] as number;
    member[i] = changes.member[row] as number;
    seq[i] = changes.seq[row] as number;
  }
  const earliestFromUs = emitUs.slice();
  for (let i = count - 2; i >= 0; i--) {
    if (member[i] === member[i + 1]) {
      earliestFromUs[i] = Math.min(earliestFromUs[i] as number, earliestFromUs[i + 1] as number);
    }
  }
  return {
    rows: count,
    seq,
    member,
    emitUs,
    firstOf,
    earliestFromUs,
    byEmission: orderOf(emitUs),
    refused,
    unacknowledged,
  };
}

/** The facts list changes as they were emitted, and those of a member are then nearly in the order of their seqs. */
function byMemberAndSeq(
  { member, seq }: RunFacts['panel']['changes'],
  listed: Uint32Array,
  members: number,
): { readonly rows: Uint32Array; readonly firstOf: Uint32Array } {
  const firstOf = new Uint32Array(members + 1);
  for (const row of listed) firstOf[(member[row] as number) + 1]!++;
  for (let m = 0; m < members; m++) firstOf[m + 1]! += firstOf[m]!;
  const next = firstOf.slice();
  const rows = new Uint32Array(listed.length);
  for (const row of listed) {
    const m = member[row] as number;
    let at = next[m]!++;
    for (; at > firstOf[m]! && seq[rows[at - 1]!]! > seq[row]!; at--) rows[at] = rows[at - 1]!;
    rows[at] = row;
  }
  return { rows, firstOf };
}

/** The first row of `member` whose change a row with this `lastSeq` does not show; the end of its rows if there is none. */
export function firstHidden(awaited: AwaitedChanges, member: number, lastSeq: number): number {
  let low = awaited.firstOf[member] as number;
  let high = awaited.firstOf[member + 1] as number;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((awaited.seq[middle] as number) <= lastSeq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** When the harness last looked, whether or not it was answered. */
export function lastLookUs({ probes, sentUs }: PanelProbes): number {
  return probes === 0 ? Number.NEGATIVE_INFINITY : sentUs.reduce((latest, at) => Math.max(latest, at));
}
