/**
 * What a plane must hold, change by change: the trace, copy by copy, crossed with what became of each attempt to append
 * it. One that was acknowledged has put a copy into the change log, one that failed has not, one that is indeterminate may
 * have: a possible copy beside the certain one.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { viewBlock } from '../../workloads/change-batch.js';
import type { EmissionIndex } from '../../workloads/emissions.js';
import { refusals } from '../../workloads/refusals.js';
import { readEntries, type TraceInfo } from '../../workloads/trace.js';
import { HarnessError } from '../errors.js';
import { type AppendColumns, appendOutcomes } from '../record/facts.js';
import { type ChangeNumbers, numberChanges } from './change-numbers.js';

export interface Expectation {
  readonly numbers: ChangeNumbers;
  /** Copies by change number: those that must be applied once, and those that the contract refuses for themselves. */
  readonly sound: Copies;
  readonly refused: Copies;
  /** By change number: the reasons that a listing of the change in quarantine may give, a bit each by refusal code. */
  readonly reasons: Uint8Array;
  /** By customer: every change up to this seq is certainly, or possibly, in the log. */
  readonly certainSeq: Uint32Array;
  readonly possibleSeq: Uint32Array;
  readonly attempted: number;
  readonly acknowledged: number;
  readonly failed: number;
  readonly indeterminate: number;
  /** Changes of entries of the trace that were never acknowledged, or never even offered. */
  readonly unacknowledged: number;
}

interface Copies {
  readonly certain: Uint8Array;
  readonly possible: Uint16Array;
}

const [acknowledged, failed, indeterminate] = [0, 1, 2] as const satisfies readonly (keyof typeof appendOutcomes)[];
const late = refusals.indexOf('late');
const duplicate = refusals.indexOf('duplicate');

export async function expectTables(options: {
  readonly directory: string;
  readonly info: TraceInfo;
  readonly emissions: EmissionIndex;
  readonly appends: AppendColumns;
}): Promise<Expectation> {
  const { directory, info, appends } = options;
  const numbers = numberChanges(options.emissions);
  const attempts = attemptsByEntry(appends, info);
  const truth = await readFile(join(directory, 'truth.bin'));
  const copies = (): Copies => ({
    certain: new Uint8Array(numbers.changes),
    possible: new Uint16Array(numbers.changes),
  });
  const sound = copies();
  const refused = copies();
  const reasons = new Uint8Array(numbers.changes);
  /** The refusal of the first copy, which all later ones share unless they are late themselves. */
  const firstRefusal = new Uint8Array(numbers.changes);

  let at = 0;
  let unacknowledged = 0;
  for await (const entry of readEntries(directory)) {
    const batch = viewBlock(entry.block);
    const { certain, possible, rows } = attempts.get(entryKey(entry, info)) ?? neverTried;
    for (const row of rows) {
      if (appends.changes[row] !== batch.count)
        throw new HarnessError(
          `appends: row ${row} tells of ${appends.changes[row]} changes, the trace has ${batch.count} at +${entry.slotUs - info.epochUs} us in partition ${entry.partition}. The run did not replay this trace.`,
        );
    }
    attempts.delete(entryKey(entry, info));
    if (certain === 0) unacknowledged += batch.count;
    for (let i = 0; i < batch.count; i++, at++) {
      const number = numbers.numberOf(batch.customer[i]!, batch.seq[i]!);
      const told = truth[at]!;
      if (told !== duplicate) firstRefusal[number] = told;
      const isLate = batch.emitUs[i]! - batch.commitUs[i]! > info.contract.allowedLatenessUs;
      const refusal = isLate ? late : firstRefusal[number]!;
      const group = refusal === 0 ? sound : refused;
      group.certain[number]! += certain;
      group.possible[number]! += possible;
      const isAgain = told === duplicate || certain + possible > 1;
      reasons[number]! |= (1 << refusal) | (isAgain ? 1 << duplicate : 0);
    }
  }
  if (attempts.size > 0)
    throw new HarnessError(
      `appends: ${attempts.size} appends are of no entry of the trace. The run did not replay this trace.`,
    );
  return {
    numbers,
    sound,
    refused,
    reasons,
    ...reachOf(numbers, [sound, refused]),
    ...bookkeeping(appends),
    unacknowledged,
  };
}

function entryKey({ slotUs, partition }: { slotUs: number; partition: number }, info: TraceInfo): number {
  return (slotUs - info.epochUs) * info.contract.partitions + partition;
}

/** What the attempts at an entry have put into the log. */
interface Attempts {
  certain: 0 | 1;
  possible: number;
  readonly rows: number[];
}
const neverTried: Attempts = { certain: 0, possible: 0, rows: [] };

function attemptsByEntry(appends: AppendColumns, info: TraceInfo): Map<number, Attempts> {
  const entries = new Map<number, Attempts>();
  for (let row = 0; row < appends.rows; row++) {
    const key = entryKey({ slotUs: appends.slotUs[row]!, partition: appends.partition[row]! }, info);
    const entry: Attempts = entries.get(key) ?? { certain: 0, possible: 0, rows: [] };
    entries.set(key, entry);
    if (appends.outcome[row] === indeterminate) entry.possible++;
    if (appends.outcome[row] === acknowledged) {
      if (entry.certain === 1)
        throw new HarnessError(
          `appends: row ${row} and one of rows ${entry.rows.join(', ')} acknowledge the same entry; the source offers none again that was acknowledged`,
        );
      entry.certain = 1;
    }
    entry.rows.push(row);
  }
  return entries;
}

function reachOf(numbers: ChangeNumbers, groups: readonly Copies[]) {
  const certainSeq = new Uint32Array(numbers.customers);
  const possibleSeq = new Uint32Array(numbers.customers);
  const some = (number: number, kinds: readonly (keyof Copies)[]) =>
    groups.some((copies) => kinds.some((kind) => copies[kind][number]! > 0));
  for (let customer = 0; customer < numbers.customers; customer++) {
    const highest = numbers.highestSeq(customer);
    let certain = 0;
    while (certain < highest && some(numbers.numberOf(customer, certain + 1), ['certain'])) certain++;
    let possible = certain;
    while (possible < highest && some(numbers.numberOf(customer, possible + 1), ['certain', 'possible'])) possible++;
    certainSeq[customer] = certain;
    possibleSeq[customer] = possible;
  }
  return { certainSeq, possibleSeq };
}

/** Changes, copies and attempts included, by what became of their appends. */
function bookkeeping(appends: AppendColumns) {
  const byOutcome = appendOutcomes.map(() => 0);
  let attempted = 0;
  for (let row = 0; row < appends.rows; row++) {
    const changes = appends.changes[row]!;
    attempted += changes;
    byOutcome[appends.outcome[row]!]! += changes;
  }
  return {
    attempted,
    acknowledged: byOutcome[acknowledged]!,
    failed: byOutcome[failed]!,
    indeterminate: byOutcome[indeterminate]!,
  };
}
