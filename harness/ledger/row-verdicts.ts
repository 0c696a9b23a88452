/**
 * Served rows against the oracle, each at its own (lastSeq, asOfUs).
 *
 * A row that is not right is *torn* if the customer had exactly these features at another seq or moment, else *over* or
 * *under* if its counts and sums differ to one side only, else *wrong*. Counts alone cannot tell a torn row from an
 * event that was lost or doubled (one click more is the next version as often as not), so a row of which nothing but
 * counts differ is over or under. A row that claims the impossible (a change that cannot have reached the log, a moment
 * before the commit of lastSeq or after the answer) is wrong whatever it holds.
 */

import type { EmissionIndex } from '../../workloads/emissions.js';
import { customerActivity } from '../../workloads/feature-view.js';
import type { RowVerdicts } from '../record/facts.js';
import type { Examples } from './examples.js';
import type { Expectation } from './expectation.js';
import { type Features, type Oracle, type RowVersion, sameFeatures } from './oracle.js';

const { features } = customerActivity;
const isCount = features.map(({ kind }) => kind === 'count');
const isAdditive = features.map(({ kind }) => kind === 'count' || kind === 'sum');
const age = features.findIndex(({ kind }) => kind === 'age');
const batchRows = 16_384;

export interface ServedRow {
  readonly key: string;
  readonly lastSeq: number;
  readonly asOfUs: number;
  readonly features: Features;
  /** When the answer had come, where that was recorded. */
  readonly doneUs?: number;
}

type Verdict = Exclude<keyof RowVerdicts, 'checked'>;

export async function judgeRows(options: {
  /** 'final row', 'live row': for the examples. */
  readonly what: string;
  readonly rows: Iterable<ServedRow>;
  readonly oracle: Oracle;
  readonly expectation: Expectation;
  readonly emissions: EmissionIndex;
  readonly epochUs: number;
  readonly examples: Examples;
}): Promise<RowVerdicts> {
  const verdicts = { checked: 0, right: 0, over: 0, under: 0, torn: 0, wrong: 0 };
  for (const batch of batches(options.rows)) await judgeBatch(batch);
  return verdicts;

  async function judgeBatch(rows: readonly ServedRow[]): Promise<void> {
    const possible: Judged[] = [];
    for (const row of rows) {
      const impossible = whyImpossible(row, options);
      if (impossible) count(row, 'wrong', impossible);
      else possible.push({ row, version: versionOf(row) });
    }
    const expected = await options.oracle.evaluate(possible.map(({ version }) => version));
    const different: Different[] = [];
    possible.forEach(({ row, version }, i) => {
      if (sameFeatures(row.features, expected[i]!)) count(row, 'right', '');
      else different.push({ row, version, expected: expected[i]! });
    });
    const elsewhere = await findElsewhere(options.oracle, different);
    for (const [i, { row, expected }] of different.entries()) {
      count(row, verdictOf(row.features, expected, elsewhere[i]!), describe(row, expected, elsewhere[i]!));
    }
  }

  function count(row: ServedRow, verdict: Verdict, why: string): void {
    verdicts.checked++;
    verdicts[verdict]++;
    if (verdict === 'right') return;
    const at = `at seq ${row.lastSeq}, as of ${moment(row.asOfUs)}`;
    options.examples.add(`${options.what} ${verdict}`, () => `customer ${row.key} ${at}: ${why}`);
  }

  function moment(us: number): string {
    return `+${((us - options.epochUs) / 1e6).toFixed(6)} s`;
  }

  function describe({ features: served }: ServedRow, expected: Features, found: RowVersion | null): string {
    const differences = features
      .map(({ name }, i) => (served[i] === expected[i] ? '' : `${name} is ${served[i]}, expected ${expected[i]}`))
      .filter((text) => text !== '');
    const other = found ? `; these are its features at seq ${found.lastSeq} as of ${moment(found.asOfUs)}` : '';
    return `${differences.join(', ')}${other}`;
  }
}

interface Judged {
  readonly row: ServedRow;
  readonly version: RowVersion;
}
interface Different extends Judged {
  readonly expected: Features;
}

function* batches(rows: Iterable<ServedRow>): Iterable<ServedRow[]> {
  let batch: ServedRow[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < batchRows) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function versionOf({ key, lastSeq, asOfUs }: ServedRow): RowVersion {
  return { customer: Number(key), lastSeq, asOfUs };
}

/** What such a row claims and cannot be; null if it can be right. */
function whyImpossible(
  row: ServedRow,
  { expectation, emissions }: { readonly expectation: Expectation; readonly emissions: EmissionIndex },
): string | null {
  const { customer, lastSeq, asOfUs } = versionOf(row);
  const { numbers, possibleSeq } = expectation;
  const whole = (value: number) => Number.isSafeInteger(value) && value >= 0;
  if (!whole(customer) || customer >= numbers.customers || row.key !== String(customer))
    return `${JSON.stringify(row.key)} is no customer`;
  if (!whole(lastSeq)) return `lastSeq ${lastSeq} is no sequence number`;
  if (!whole(asOfUs)) return `asOfUs ${asOfUs} is no time in whole microseconds`;
  if (row.features.length !== features.length)
    return `it has ${row.features.length} features, expected ${features.length}`;
  if (lastSeq > possibleSeq[customer]!)
    return `it claims all changes up to ${lastSeq}, but no more than ${possibleSeq[customer]} of the ${numbers.highestSeq(customer)} can have reached the log in sequence`;
  if (lastSeq > 0 && asOfUs < emissions.commitUs(customer, lastSeq))
    return `its moment is before the commit of change ${lastSeq}`;
  if (row.doneUs !== undefined && asOfUs > row.doneUs) return 'its moment is after the answer had come';
  return null;
}

function verdictOf(served: Features, expected: Features, elsewhere: RowVersion | null): Verdict {
  const differs = features.map((_, i) => served[i] !== expected[i]);
  const countsOnly = differs.every((different, i) => !different || isCount[i]);
  const above = features.some((_, i) => isAdditive[i] && differs[i] && Number(served[i]) > Number(expected[i]));
  const below = features.some((_, i) => isAdditive[i] && differs[i] && Number(served[i]) < Number(expected[i]));
  const oneSided = above !== below;
  if (elsewhere && !(countsOnly && oneSided)) return 'torn';
  if (!oneSided) return 'wrong';
  return above ? 'over' : 'under';
}

/** The version that each row really shows, if the customer ever had it: at any seq, at one of the moments below. */
async function findElsewhere(oracle: Oracle, rows: readonly Different[]): Promise<(RowVersion | null)[]> {
  const found: (RowVersion | null)[] = rows.map(() => null);
  const searches = rows.flatMap(({ row, version, expected }, i) =>
    momentsOf(row, expected).map((asOfUs) => ({ i, ...version, asOfUs, features: row.features })),
  );
  const seqs = await oracle.findVersions(searches);
  searches.forEach(({ i, customer, asOfUs }, search) => {
    const lastSeq = seqs[search];
    if (found[i] === null && lastSeq !== null && lastSeq !== undefined) found[i] = { customer, lastSeq, asOfUs };
  });
  return found;
}

/** Its own moment and, if its age of the last order is off, the one that this age gives away. */
function momentsOf({ asOfUs, features: served }: ServedRow, expected: Features): number[] {
  const offUs = (served[age] ?? 0) - (expected[age] ?? 0);
  const isKnown = served[age] !== null && expected[age] !== null && Number.isSafeInteger(asOfUs + offUs);
  return isKnown && offUs !== 0 && asOfUs + offUs >= 0 ? [asOfUs, asOfUs + offUs] : [asOfUs];
}

/** The rows that differ from the oracle at their own version; nothing more is said of them. */
export async function differingRows<Row extends ServedRow>(oracle: Oracle, rows: readonly Row[]): Promise<Row[]> {
  const versions = rows.map(({ key, lastSeq, asOfUs }) => ({ customer: Number(key), lastSeq, asOfUs }));
  const expected = await oracle.evaluate(versions);
  return rows.filter(({ features }, i) => !sameFeatures(features, expected[i] as Features));
}
