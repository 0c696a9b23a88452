/** The model in SQL: the same terms in the same order, in doubles, hence the same score to the last bit. */
import { modelOf, modelVersion } from './model.js';

/** A score in billionths of the columns named, which are those of the view in its order. */
export function scoreSql(features: readonly string[], version = modelVersion): string {
  const model = modelOf(version);
  const terms = model.terms.map(({ half, weight, absent }, i) => {
    const value = `${features[i]}::DOUBLE`;
    return `${weight}::DOUBLE * coalesce(${value} / (${value} + ${half}::DOUBLE), ${absent}::DOUBLE)`;
  });
  const x = `((${[`${model.bias}::DOUBLE`, ...terms].join(' + ')}) / ${model.scale}::DOUBLE)`;
  return `floor((0.5::DOUBLE + 0.5::DOUBLE * (${x} / (1::DOUBLE + abs(${x})))) * 1e9::DOUBLE)::BIGINT`;
}
