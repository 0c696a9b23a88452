/**
 * The models that planes serve: pinned integer weights over the feature view, so that a prediction is a function of the
 * row and the model's version alone and the same on every machine (no exponential: the logistic curve is replaced by
 * x / (1 + |x|)).
 */
import { UsageError } from '../harness/errors.js';
import { customerActivity, type FeatureRow, type Prediction } from './feature-view.js';

/** What a plane serves until another version is published. */
export const modelVersion = 1;

export interface Term {
  /** The feature is read as value / (value + half), which is 1/2 at `half` and stays below 1. */
  readonly half: number;
  readonly weight: number;
  /** Contribution where the feature is null, in the place of value / (value + half). */
  readonly absent: number;
}

const terms: Readonly<Record<string, Term>> = {
  orders_count_1h: { half: 2, weight: 900, absent: 0 },
  orders_count_24h: { half: 8, weight: 400, absent: 0 },
  orders_count_7d: { half: 30, weight: -300, absent: 0 },
  orders_amount_cents_1h: { half: 20_000, weight: 1_200, absent: 0 },
  orders_amount_cents_24h: { half: 80_000, weight: 500, absent: 0 },
  orders_amount_cents_7d: { half: 300_000, weight: -400, absent: 0 },
  clicks_count_1h: { half: 10, weight: -500, absent: 0 },
  clicks_count_24h: { half: 60, weight: -200, absent: 0 },
  clicks_count_7d: { half: 250, weight: -200, absent: 0 },
  last_order_age_us: { half: 21_600_000_000, weight: -700, absent: 1 },
  top_category_7d: { half: 6, weight: 100, absent: 0 },
  top_category_share_bp_7d: { half: 5_000, weight: 300, absent: 0 },
  device_risk_latest: { half: 500, weight: 2_500, absent: 0 },
};

/** What training again has changed. */
const retrained: typeof terms = {
  ...terms,
  orders_amount_cents_1h: { half: 20_000, weight: 1_500, absent: 0 },
  clicks_count_1h: { half: 10, weight: -700, absent: 0 },
  device_risk_latest: { half: 500, weight: 2_100, absent: 0 },
};

/**
 * A model as data, for a plane that writes it in a language of its own. The terms are added to the bias from the first
 * to the last, in IEEE doubles: then every language that has these comes to the same bit.
 */
export interface Model {
  readonly version: number;
  readonly bias: number;
  readonly scale: number;
  /** In the order of the view's features. */
  readonly terms: readonly Term[];
}

export const models: readonly Model[] = [
  { version: modelVersion, bias: -1_100, scale: 1_000, terms: inOrder(terms) },
  { version: 2, bias: -1_350, scale: 1_000, terms: inOrder(retrained) },
];

function inOrder(named: typeof terms): readonly Term[] {
  return customerActivity.features.map(({ name }) => {
    const term = named[name];
    if (!term) throw new Error(`model: feature ${name} of ${customerActivity.name} has no weight; add one to model.ts`);
    return term;
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
  if (features.length !== terms.length)
    throw new UsageError(
      `model: expected ${terms.length} features of ${customerActivity.name}, got ${features.length}`,
    );
  let sum = bias;
  for (let i = 0; i < terms.length; i++) {
    const { half, weight, absent } = terms[i] as Term;
    const value = features[i] as number | null;
    sum += weight * (value === null ? absent : value / (value + half));
  }
  const x = sum / scale;
  return 0.5 + 0.5 * (x / (1 + Math.abs(x)));
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
