/**
 * Rows after reprocessing: those of moments after a poisoned change show what they would have shown without it, and all
 * others are what they were. Whatever is poisoned begins at a change and goes on to the last, so that a row without it is
 * that of the change before: the oracle needs to know nothing of poison.
 */
import type { Examples } from './examples.js';
import type { Features, Oracle } from './oracle.js';

export interface DerivedRow {
  /** Of one table, each once. */
  readonly key: number;
  readonly customer: number;
  readonly lastSeq: number;
  readonly asOfUs: number;
  /** What is derived of the features. */
  readonly shown: string;
}

export interface ReprocessedVerdicts {
  readonly checked: number;
  /** Rows that do not show what they would without the poisoned changes. */
  readonly left: number;
  /** Rows that had nothing to do with them and are others now, or gone, or new. */
  readonly disturbed: number;
}

export async function judgeReprocessed(options: {
  readonly table: string;
  /** Null: not known. */
  readonly before: readonly DerivedRow[] | null;
  readonly after: readonly DerivedRow[];
  /** Of each customer the first change that is poisoned. */
  readonly poisonedFrom: ReadonlyMap<number, number>;
  readonly show: (features: Features) => string;
  readonly oracle: Oracle;
  readonly examples: Examples;
}): Promise<ReprocessedVerdicts> {
  const { table, before, after, poisonedFrom, show, oracle, examples } = options;
  const firstOf = ({ customer }: DerivedRow) => poisonedFrom.get(customer) ?? Number.POSITIVE_INFINITY;
  const isPoisoned = (row: DerivedRow) => row.lastSeq >= firstOf(row);
  const poisoned = after.filter(isPoisoned);
  const clean = poisoned.map((row) => ({ ...row, lastSeq: firstOf(row) - 1 }));
  const expected = await oracle.evaluate(clean);
  let left = 0;
  poisoned.forEach(({ customer, lastSeq, shown }, i) => {
    const wanted = show(expected[i] as Features);
    if (shown === wanted) return;
    left++;
    examples.add(
      'poisoned row',
      () => `${table}: customer ${customer} at seq ${lastSeq} shows ${shown}, not ${wanted}`,
    );
  });
  if (before === null) return { checked: poisoned.length, left, disturbed: 0 };
  const known = new Map(before.map((row) => [row.key, row]));
  let disturbed = 0;
  const disturb = (why: string) => {
    disturbed++;
    examples.add('disturbed row', () => `${table}: ${why}`);
  };
  for (const row of after) {
    const was = known.get(row.key);
    known.delete(row.key);
    if (!was) disturb(`the row ${row.key} of customer ${row.customer} was not there before`);
    else if (JSON.stringify({ ...row, shown: '' }) !== JSON.stringify({ ...was, shown: '' }))
      disturb(`the row ${row.key} of customer ${row.customer} is of another moment`);
    else if (!isPoisoned(row) && row.shown !== was.shown)
      disturb(`the row ${row.key} of customer ${row.customer} is another one, and had nothing to do with it`);
  }
  for (const { key, customer } of known.values()) disturb(`the row ${key} of customer ${customer} is gone`);
  return { checked: after.length, left, disturbed };
}
