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
  const { looks, ...all } = joinReads(options);
  const isRolledBack = (look: number) =>
    rolledBack.some(({ fromUs, untilUs }) => looks.doneUs[look]! >= fromUs && looks.sentUs[look]! <= untilUs);
  const byDone = orderOf(looks.doneUs);
  /** By customer, the highest version of a finished read. */
  const lastSeq = new Float64Array(customers).fill(-1);
  const asOfUs = new Float64Array(customers).fill(-1);
  const shownSeq = new Float64Array(customers).fill(-1);
  for (let read = 0; read < all.rows; read++) {
    const customer = all.customer[read]!;
    shownSeq[customer] = Math.max(shownSeq[customer]!, all.lastSeq[read]!);
  }
  const finish = (look: number) => {
    for (let read = looks.firstRow[look]!; read < looks.firstRow[look + 1]!; read++) {
      const customer = all.customer[read]!;
      if (isLower(lastSeq[customer]!, asOfUs[customer]!, all.lastSeq[read]!, all.asOfUs[read]!)) {
        lastSeq[customer] = all.lastSeq[read]!;
        asOfUs[customer] = all.asOfUs[read]!;
      }
    }
  };
  let violations = 0;
  let finished = 0;
  for (const look of orderOf(looks.sentUs)) {
    const sentUs = looks.sentUs[look]!;
    // A read that was done in the very microsecond in which the other was sent may overlap it.
    for (; finished < byDone.length && looks.doneUs[byDone[finished]!]! < sentUs; finished++) {
      if (!isRolledBack(byDone[finished]!)) finish(byDone[finished]!);
    }
    if (isRolledBack(look)) continue;
    for (let read = looks.firstRow[look]!; read < looks.firstRow[look + 1]!; read++) {
      const customer = all.customer[read]!;
      if (!isLower(all.lastSeq[read]!, all.asOfUs[read]!, lastSeq[customer]!, asOfUs[customer]!)) continue;
      violations++;
      examples.add('not monotonic', () => {
        const at = (us: number) => `+${((us - epochUs) / 1e6).toFixed(6)} s`;
        return `a read of customer ${customer} sent at ${at(sentUs)} showed seq ${all.lastSeq[read]} as of ${at(all.asOfUs[read]!)}, after a finished one had shown seq ${lastSeq[customer]} as of ${at(asOfUs[customer]!)}`;
      });
    }
  }
  return { violations, shownSeq };
}

function isLower(seq: number, asOfUs: number, thanSeq: number, thanAsOfUs: number): boolean {
  return seq < thanSeq || (seq === thanSeq && asOfUs < thanAsOfUs);
}

/** Rows of calls and of probes alike, by the look that read them together; probes that failed showed nothing. */
function joinReads({ operations, reads, probes, panel }: Parameters<typeof checkMonotonicReads>[0]) {
  const capacity = reads.rows + probes.rows;
  const customer = new Uint32Array(capacity);
  const lastSeq = new Float64Array(capacity);
  const asOfUs = new Float64Array(capacity);
  const sentUs = new Float64Array(capacity);
  const doneUs = new Float64Array(capacity);
  const firstRow = new Uint32Array(capacity + 1);
  let rows = 0;
  let count = 0;
  const push = (id: number, sent: number, done: number, seq: number, at: number) => {
    if (count === 0 || sent !== sentUs[count - 1] || done !== doneUs[count - 1]) {
      sentUs[count] = sent;
      doneUs[count] = done;
      firstRow[count] = rows;
      count++;
    }
    customer[rows] = id;
    lastSeq[rows] = seq;
    asOfUs[rows] = at;
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
  firstRow[count] = rows;
  const looks = { sentUs: sentUs.subarray(0, count), doneUs: doneUs.subarray(0, count), firstRow };
  return { rows, customer, lastSeq, asOfUs, looks };
}
