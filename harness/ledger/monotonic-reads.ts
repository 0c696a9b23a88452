/**
 * Monotonic reads: a read that started after another read of the same key had finished must not show an older version.
 * Reads that overlap in time may answer in either order. While what is served is rolled back, on request, older versions are
 * what was asked for: those reads are not compared.
 */
import type { OperationColumns, ProbeColumns, ReadColumns } from '../record/facts.js';
import { orderOf } from '../statistics/order.js';
import type { Examples } from './examples.js';

export interface MonotonicReads {
  readonly violations: number;
  /** By customer the highest seq that any read has shown; -1: none was read. */
  readonly shownSeq: Float64Array;
}

/** From the request to roll back until everything was read of the newest state again. */
export interface Span {
  readonly fromUs: number;
  readonly untilUs: number;
}

export function checkMonotonicReads(options: {
  readonly operations: OperationColumns;
  readonly reads: ReadColumns;
  readonly probes: ProbeColumns;
  readonly panel: readonly number[];
  readonly customers: number;
  readonly epochUs: number;
  readonly rolledBack: readonly Span[];
  readonly examples: Examples;
}): MonotonicReads {
  const { customers, epochUs, rolledBack, examples } = options;
  const all = joinReads(options);
  const isRolledBack = (read: number) =>
    rolledBack.some(({ fromUs, untilUs }) => all.doneUs[read]! >= fromUs && all.sentUs[read]! <= untilUs);
  const bySent = orderOf(all.sentUs);
  const byDone = orderOf(all.doneUs);
  /** By customer, the highest version of a finished read. */
  const lastSeq = new Float64Array(customers).fill(-1);
  const asOfUs = new Float64Array(customers).fill(-1);
  const shownSeq = new Float64Array(customers).fill(-1);
  for (let read = 0; read < all.rows; read++) {
    const customer = all.customer[read]!;
    shownSeq[customer] = Math.max(shownSeq[customer]!, all.lastSeq[read]!);
  }
  let violations = 0;
  let finished = 0;
  for (const read of bySent) {
    // A read that was done in the very microsecond in which the other was sent may overlap it.
    for (; finished < all.rows && all.doneUs[byDone[finished]!]! < all.sentUs[read]!; finished++) {
      const earlier = byDone[finished]!;
      if (isRolledBack(earlier)) continue;
      const customer = all.customer[earlier]!;
      if (isLower(lastSeq[customer]!, asOfUs[customer]!, all.lastSeq[earlier]!, all.asOfUs[earlier]!)) {
        lastSeq[customer] = all.lastSeq[earlier]!;
        asOfUs[customer] = all.asOfUs[earlier]!;
      }
    }
    const customer = all.customer[read]!;
    if (isRolledBack(read)) continue;
    if (!isLower(all.lastSeq[read]!, all.asOfUs[read]!, lastSeq[customer]!, asOfUs[customer]!)) continue;
    violations++;
    examples.add('not monotonic', () => {
      const at = (us: number) => `+${((us - epochUs) / 1e6).toFixed(6)} s`;
      return `a read of customer ${customer} sent at ${at(all.sentUs[read]!)} showed seq ${all.lastSeq[read]} as of ${at(all.asOfUs[read]!)}, after a finished one had shown seq ${lastSeq[customer]} as of ${at(asOfUs[customer]!)}`;
    });
  }
  return { violations, shownSeq };
}

function isLower(seq: number, asOfUs: number, thanSeq: number, thanAsOfUs: number): boolean {
  return seq < thanSeq || (seq === thanSeq && asOfUs < thanAsOfUs);
}

/** Rows of calls and of probes alike; probes that failed showed nothing. */
function joinReads({ operations, reads, probes, panel }: Parameters<typeof checkMonotonicReads>[0]) {
  const capacity = reads.rows + probes.rows;
  const customer = new Uint32Array(capacity);
  const columns = { sentUs: new Float64Array(capacity), doneUs: new Float64Array(capacity) };
  const versions = { lastSeq: new Float64Array(capacity), asOfUs: new Float64Array(capacity) };
  let rows = 0;
  const push = (id: number, sentUs: number, doneUs: number, seq: number, at: number) => {
    customer[rows] = id;
    columns.sentUs[rows] = sentUs;
    columns.doneUs[rows] = doneUs;
    versions.lastSeq[rows] = seq;
    versions.asOfUs[rows] = at;
    rows++;
  };
  for (let row = 0; row < reads.rows; row++) {
    const call = reads.operation[row]!;
    push(
      reads.customer[row]!,
      operations.sentUs[call]!,
      operations.doneUs[call]!,
      reads.lastSeq[row]!,
      reads.asOfUs[row]!,
    );
  }
  for (let row = 0; row < probes.rows; row++) {
    if (probes.lastSeq[row]! < 0) continue;
    push(
      panel[probes.member[row]!]!,
      probes.sentUs[row]!,
      probes.doneUs[row]!,
      probes.lastSeq[row]!,
      probes.asOfUs[row]!,
    );
  }
  return {
    rows,
    customer,
    sentUs: columns.sentUs.subarray(0, rows),
    doneUs: columns.doneUs.subarray(0, rows),
    ...versions,
  };
}
