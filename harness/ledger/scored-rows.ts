/**
 * Scored rows against the oracle: every customer asked for once and no other; each row of the snapshot's moment; and of a
 * sample the score, which is the model's of the features that the oracle finds at the row's own (lastSeq, asOfUs).
 */
import { createHash } from 'node:crypto';
import type { EmissionIndex } from '../../workloads/emissions.js';
import { modelOf, predict, scorePpb } from '../../workloads/model.js';
import type { CustomerRange, SnapshotRef } from '../architecture.js';
import type { Random } from '../random.js';
import type { BatchVerdicts } from '../record/facts.js';
import type { Examples } from './examples.js';
import type { Oracle } from './oracle.js';

/** As many of each, in no order. */
export interface ScoredColumns {
  readonly customer: number[];
  readonly lastSeq: number[];
  readonly asOfUs: number[];
  readonly scorePpb: number[];
}

/** Rows held against the oracle: so many at random, and as many of customers with changes. */
const sampled = 2_500;

export async function judgeScored(options: {
  readonly rows: ScoredColumns;
  readonly snapshot: SnapshotRef;
  readonly customers: CustomerRange;
  /** The snapshot was taken when everything had been emitted and shown: each row is of its customer's last change. */
  readonly isComplete: boolean;
  readonly oracle: Oracle;
  readonly emissions: EmissionIndex;
  readonly random: Random;
  readonly examples: Examples;
}): Promise<BatchVerdicts> {
  const { rows, snapshot, customers, isComplete, oracle, emissions, random, examples } = options;
  const times = new Uint8Array(customers.to - customers.from);
  let wrong = 0;
  const blame = (why: string) => {
    wrong++;
    examples.add('scored row', () => why);
  };
  for (const [i, customer] of rows.customer.entries()) {
    const place = customer - customers.from;
    if (place < 0 || place >= times.length) {
      blame(`customer ${customer} was not asked for`);
      continue;
    }
    times[place] = Math.min(2, (times[place] as number) + 1);
    if (times[place] === 2) blame(`customer ${customer} is there more than once`);
    const lastSeq = rows.lastSeq[i] as number;
    const asOfUs = rows.asOfUs[i] as number;
    const highest = emissions.highestSeq(customer);
    if (lastSeq > highest) blame(`customer ${customer} claims change ${lastSeq} of ${highest}`);
    else if (isComplete && lastSeq < highest) blame(`customer ${customer} ends with change ${lastSeq} of ${highest}`);
    else if (asOfUs !== snapshot.asOfUs) blame(`customer ${customer} is as of ${asOfUs}, not ${snapshot.asOfUs}`);
    else if (lastSeq > 0 && asOfUs < emissions.commitUs(customer, lastSeq))
      blame(`customer ${customer} is of a moment before the commit of its change ${lastSeq}`);
  }
  const missing = times.reduce((sum, count) => sum + (count === 0 ? 1 : 0), 0);
  if (missing > 0) examples.add('scored row', () => `${missing} customers are missing, the first ${times.indexOf(0)}`);
  wrong += missing;

  const sample = sampleOf(rows, emissions, random);
  const versions = sample.map((i) => ({
    customer: rows.customer[i] as number,
    lastSeq: rows.lastSeq[i] as number,
    asOfUs: rows.asOfUs[i] as number,
  }));
  const features = await oracle.evaluate(versions);
  const model = modelOf(snapshot.modelVersion);
  sample.forEach((i, at) => {
    const expected = scorePpb(predict(features[at] as readonly (number | null)[], model));
    if (rows.scorePpb[i] === expected) return;
    const { customer, lastSeq } = versions[at] as (typeof versions)[number];
    blame(`customer ${customer} at seq ${lastSeq} has the score ${rows.scorePpb[i]}, expected ${expected} billionths`);
  });
  return { checked: times.length, wrong };
}

/** Row numbers of rows that can be asked of the oracle, each at most once. */
function sampleOf({ customer, lastSeq }: ScoredColumns, emissions: EmissionIndex, random: Random): number[] {
  const possible = (i: number) => (lastSeq[i] as number) <= emissions.highestSeq(customer[i] as number);
  const draw = (from: readonly number[]) =>
    Array.from({ length: Math.min(sampled, from.length) }, () => from[random.below(from.length)] as number);
  const all = customer.flatMap((id, i) => (id < emissions.customers && possible(i) ? [i] : []));
  const changed = all.filter((i) => (lastSeq[i] as number) > 0);
  return [...new Set([...draw(all), ...draw(changed)])];
}

/** The same for the same rows, in whatever order they came. */
export function digestScored({ customer, lastSeq, asOfUs, scorePpb: score }: ScoredColumns): string {
  const order = Uint32Array.from(customer, (_, i) => i).sort(
    (a, b) => (customer[a] as number) - (customer[b] as number),
  );
  const values = new Float64Array(4 * order.length);
  order.forEach((i, at) => {
    values.set([customer[i] as number, lastSeq[i] as number, asOfUs[i] as number, score[i] as number], 4 * at);
  });
  return createHash('sha256').update(values).digest('hex');
}
