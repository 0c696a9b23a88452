/**
 * Training rows against the oracle: every label once, with the features of its own moment, which are those after the last
 * change that the source had committed by then. A row that shows or claims anything later leaks: a model that is trained
 * on it knows the future, and looks better than it is.
 */
import { createHash } from 'node:crypto';
import type { EmissionIndex } from '../../workloads/emissions.js';
import type { TrainingRow } from '../architecture.js';
import type { ColumnBatch, IntValues } from '../ports/columns.js';
import type { BatchVerdicts } from '../record/facts.js';
import type { Examples } from './examples.js';
import { type Oracle, sameFeatures } from './oracle.js';

/** Of the rows that claim the right version and do not show it, so many are searched for the one they show. */
const searched = 500;

interface Label {
  readonly customer: number;
  readonly labelUs: number;
  readonly label: number;
}

export async function judgeTraining(options: {
  readonly rows: readonly TrainingRow[];
  readonly labels: readonly ColumnBatch[];
  readonly oracle: Oracle;
  readonly emissions: EmissionIndex;
  readonly examples: Examples;
}): Promise<BatchVerdicts & { readonly leaked: number }> {
  const { oracle, emissions, examples } = options;
  const labels = labelsById(options.labels);
  const missing = new Map(labels);
  let wrong = 0;
  let leaked = 0;
  const blame = (row: TrainingRow, isLeak: boolean, why: string) => {
    wrong++;
    if (isLeak) leaked++;
    examples.add(isLeak ? 'leak' : 'training row', () => `label ${row.labelId} of customer ${row.customer}: ${why}`);
  };
  const sound = options.rows.filter((row) => {
    const label = labels.get(row.labelId);
    if (!label || !missing.delete(row.labelId)) {
      blame(row, false, label ? 'is there more than once' : 'there is no such label');
      return false;
    }
    if (label.customer !== row.customer || label.labelUs !== row.labelUs || label.label !== row.label) {
      blame(row, false, `is told as ${JSON.stringify(row).slice(0, 120)}, expected ${JSON.stringify(label)}`);
      return false;
    }
    const lastSeq = committedBy(emissions, row.customer, row.labelUs);
    if (row.lastSeq === lastSeq && row.asOfUs === row.labelUs) return true;
    const isLeak = row.lastSeq > lastSeq || row.asOfUs > row.labelUs;
    const late = row.asOfUs - row.labelUs;
    blame(row, isLeak, `is of change ${row.lastSeq}, ${late} us after its moment; expected change ${lastSeq}, 0 us`);
    return false;
  });
  const expected = await oracle.evaluate(sound);
  const different = sound.filter(({ features }, i) => !sameFeatures(features, expected[i] as readonly number[]));
  // What it claims is right: does it show a later version?
  const shown = await oracle.findVersions(different.slice(0, searched), sameFeatures);
  different.forEach((row, i) => {
    const seq = shown[i] ?? null;
    const isLeak = seq !== null && seq > row.lastSeq;
    blame(row, isLeak, seq === null ? 'its features are of no version' : `shows change ${seq}, claims ${row.lastSeq}`);
  });
  for (const [id, { customer }] of missing) {
    wrong++;
    examples.add('training row', () => `label ${id} of customer ${customer} is missing`);
  }
  return { checked: labels.size, wrong, leaked };
}

function labelsById(parts: readonly ColumnBatch[]): Map<number, Label> {
  const labels = new Map<number, Label>();
  for (const { rows, columns } of parts) {
    const of = (name: string, i: number) => (columns[name] as IntValues)[i] as number;
    for (let i = 0; i < rows; i++)
      labels.set(of('label_id', i), {
        customer: of('customer', i),
        labelUs: of('label_us', i),
        label: of('label', i),
      });
  }
  return labels;
}

/** The highest seq of the customer that was committed by then: seqs are in the order of commits. */
function committedBy(emissions: EmissionIndex, customer: number, atUs: number): number {
  let low = 0;
  let high = emissions.highestSeq(customer);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (emissions.commitUs(customer, middle) <= atUs) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The same for the same rows, in whatever order they came. */
export function digestTraining(rows: readonly TrainingRow[]): string {
  const digest = createHash('sha256');
  for (const row of rows.toSorted((a, b) => a.labelId - b.labelId)) {
    const { labelId, customer, labelUs, label, lastSeq, asOfUs, features } = row;
    digest.update(`${JSON.stringify([labelId, customer, labelUs, label, lastSeq, asOfUs, ...features])}\n`);
  }
  return digest.digest('hex');
}
