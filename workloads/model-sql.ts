/** The model in SQL: the same terms in the same order, in doubles, hence the same score to the last bit. */
import { customerActivity } from './feature-view.js';
import { modelOf, modelVersion } from './model.js';

/** A score in billionths of the columns named, which are those of the view in its order. */
export function scoreSql(features: readonly string[], version = modelVersion): string {
  const model = modelOf(version);
  const terms = model.terms.map(({ half, weight, absent }, i) => {
    const value = `${features[i]}::DOUBLE`;
    const share = `${value} / (${value} + ${half}::DOUBLE)`;
    // Of what is never null nothing is asked: that would be a quarter of the time in which a row is scored.
    const term = neverNull[i] ? share : `coalesce(${share}, ${absent}::DOUBLE)`;
    return `${weight}::DOUBLE * (${term})`;
  });
  const x = `((${[`${model.bias}::DOUBLE`, ...terms].join(' + ')}) / ${model.scale}::DOUBLE)`;
  return `floor((0.5::DOUBLE + 0.5::DOUBLE * (${x} / (1::DOUBLE + abs(${x})))) * 1e9::DOUBLE)::BIGINT`;
}

/** By the view's definition. */
const neverNull = customerActivity.features.map(({ kind }) => kind === 'count' || kind === 'sum');
