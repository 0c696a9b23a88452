/** What batch work writes: its columns as planes store them, and its rows as they are handed to whoever asks. */
import type { ColumnBatch, IntValues, Schema } from '../harness/ports/columns.js';
import { customerActivity } from './feature-view.js';
import { models } from './model.js';

export const featureNames = customerActivity.features.map(({ name }) => name);

const int = (name: string) => ({ name, type: 'int', nullable: false }) as const;
const features: Schema = featureNames.map((name) => ({ name, type: 'int', nullable: true }));
const moment = [int('customer'), int('last_seq'), int('as_of_us')];

const isScored = ({ name }: { readonly name: string }) =>
  models.some(({ terms }) => terms.some(({ feature }) => feature === name));

/** The feature view of customers, a row each. What models read lies side by side, so that files give it in one read. */
export const featuresSchema: Schema = [
  ...moment,
  ...features.filter(isScored),
  ...features.filter((feature) => !isScored(feature)),
];
export const scoredSchema: Schema = [...moment, int('score_ppb')];
export const trainingSchema: Schema = [int('label_id'), int('label_us'), int('label'), ...moment, ...features];

/** Rows of `scoredSchema`. */
export function scoredPage(batch: ColumnBatch) {
  const numbers = (name: string) => Array.from(batch.columns[name] as ArrayLike<number>).slice(0, batch.rows);
  return {
    customers: numbers('customer'),
    lastSeqs: numbers('last_seq'),
    asOfUs: numbers('as_of_us'),
    scoresPpb: numbers('score_ppb'),
  };
}

/** Rows of `trainingSchema`. */
export function trainingPage({ rows, columns }: ColumnBatch) {
  const of = (name: string, i: number) => (columns[name] as IntValues)[i] as number;
  return Array.from({ length: rows }, (_, i) => ({
    labelId: of('label_id', i),
    customer: of('customer', i),
    labelUs: of('label_us', i),
    label: of('label', i),
    lastSeq: of('last_seq', i),
    asOfUs: of('as_of_us', i),
    features: featureNames.map((name) => (columns[name] as IntValues)[i] as number | null),
  }));
}
