/** The model in SQL: the same integers, and the same doubles after their sum, hence the same score to the last bit. */
import { customerActivity, isAdditive } from './feature-view.js';
import { modelOf, modelVersion } from './model.js';

/** A score in billionths of the columns named, which are those of the view in its order. */
export function scoreSql(features: readonly string[], version = modelVersion): string {
  const { bias, scale, terms } = modelOf(version);
  const products = terms.map(
    ({ index, weight }) => `${double(weight)} * ${double(valueSql(features[index] as string, index))}`,
  );
  const sum = `(${[double(bias), ...products].join(' + ')})`;
  // Twice the probability in halves of a billionth, which are the same bits and one product less.
  return `floor((1::DOUBLE + ${sum} / (${double(scale)} + abs(${sum}))) * 5e8::DOUBLE)::BIGINT`;
}

const double = (value: number | string) => `${value}::DOUBLE`;

const valueSql = (column: string, index: number) => (additive[index] ? column : `coalesce(${column}, 0)`);

const additive = customerActivity.features.map(isAdditive);
