/**
 * The models that planes serve: a line of integer weights over some features of the view, bent into a probability by
 * x / (1 + |x|) in the place of the logistic curve, which has an exponential. A prediction is a function of the row and of the
 * model's version alone, and the same on every machine: its sum is one of integers, exact in doubles up to 2^53 in any order.
 */
import { UsageError } from '../harness/errors.js';
import { customerActivity, type FeatureRow, type Prediction } from './feature-view.js';

/** What a plane serves until another version is published. */
export const modelVersion = 1;

/** What a model reads: as with most that were trained to be sparse, not every feature of the view. */
export interface Term {
  readonly feature: string;
  /** Where the view has it. */
  readonly index: number;
  /** An integer, times the feature's value; a feature that is null counts as 0. */
  readonly weight: number;
}

const weights = {
  orders_count_1h: 250_000,
  orders_count_7d: -8_000,
  orders_amount_cents_1h: 30,
  clicks_count_1h: -25_000,
  device_risk_latest: 2_500,
};

/** What training again has changed. */
const retrained: typeof weights = {
  ...weights,
  orders_amount_cents_1h: 40,
  clicks_count_1h: -35_000,
  device_risk_latest: 2_100,
};

/** A model as data, for a plane that writes it in a language of its own. */
export interface Model {
  readonly version: number;
  readonly bias: number;
  readonly scale: number;
  /** In the order of the view's features. */
  readonly terms: readonly Term[];
}

export const models: readonly Model[] = [
  { version: modelVersion, bias: -1_800_000, scale: 1_000_000, terms: inOrder(weights) },
  { version: 2, bias: -2_000_000, scale: 1_000_000, terms: inOrder(retrained) },
];

function inOrder(named: Readonly<Record<string, number>>): readonly Term[] {
  const names = customerActivity.features.map(({ name }) => name);
  const unknown = Object.keys(named).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`model: ${customerActivity.name} has no feature ${unknown}; see model.ts`);
  return names.flatMap((feature, index) => {
    const weight = named[feature];
    return weight === undefined ? [] : [{ feature, index, weight }];
  });
}

export function modelOf(version: number): Model {
  const model = models.find((candidate) => candidate.version === version);
  if (!model)
    throw new UsageError(
      `model: there is no version ${version}; there are ${models.map((candidate) => candidate.version).join(', ')}`,
    );
  return model;
}

/** A probability in [0, 1] from features in the order of the view. */
export function predict(features: readonly (number | null)[], { bias, scale, terms } = modelOf(modelVersion)): number {
  if (features.length !== customerActivity.features.length)
    throw new UsageError(
      `model: expected ${customerActivity.features.length} features of ${customerActivity.name}, got ${features.length}`,
    );
  let sum = bias;
  for (const { index, weight } of terms) sum += weight * (features[index] ?? 0);
  return 0.5 + 0.5 * (sum / (scale + Math.abs(sum)));
}

/** A score as tables keep it: whole billionths, rounded down. */
export function scorePpb(score: number): number {
  return Math.floor(score * 1e9);
}

/** The answer to `predict` from the rows that `lookup` would have answered. */
export function predictRows(rows: readonly FeatureRow[], version = modelVersion): Prediction[] {
  const model = modelOf(version);
  return rows.map(({ key, lastSeq, asOfUs, features }) => ({
    key,
    score: predict(features, model),
    modelVersion: version,
    lastSeq,
    asOfUs,
  }));
}
