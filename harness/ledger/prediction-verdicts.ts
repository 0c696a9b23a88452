/**
 * Served predictions against the oracle: what the model that an answer names makes of the features that the customer had at the
 * answer's own (lastSeq, asOfUs). A plane that is quick with any score would else win by it.
 */
import type { EmissionIndex } from '../../workloads/emissions.js';
import { modelOf, models, predict } from '../../workloads/model.js';
import type { RowMistake, RowVerdicts } from '../record/facts.js';
import type { Examples } from './examples.js';
import type { Expectation } from './expectation.js';
import type { Features, Oracle } from './oracle.js';
import { type ServedVersion, versionOf, whyImpossible } from './row-verdicts.js';

export interface ServedPrediction extends ServedVersion {
  readonly score: number;
  readonly modelVersion: number;
}

/** As far as a score may be off: tables keep whole billionths of it. */
const tolerance = 1e-9;

export async function judgePredictions(options: {
  readonly predictions: readonly ServedPrediction[];
  readonly oracle: Oracle;
  readonly expectation: Expectation;
  readonly emissions: EmissionIndex;
  readonly examples: Examples;
}): Promise<RowVerdicts> {
  const { predictions, oracle, examples } = options;
  const mistakes: Partial<Record<RowMistake, number>> = {};
  const blame = ({ key, lastSeq }: ServedPrediction, mistake: RowMistake, why: string) => {
    mistakes[mistake] = (mistakes[mistake] ?? 0) + 1;
    examples.add(`live prediction ${mistake}`, () => `customer ${key} at seq ${lastSeq}: ${why}`);
  };
  const possible = predictions.filter((prediction) => {
    const impossible = whyImpossible(prediction, options);
    if (impossible) blame(prediction, impossible.mistake, impossible.why);
    return impossible === null;
  });
  const features = await oracle.evaluate(possible.map(versionOf));
  let right = 0;
  for (const [i, prediction] of possible.entries()) {
    const why = whyWrong(prediction, features[i] as Features);
    if (why === null) right++;
    else blame(prediction, 'misscored', why);
  }
  return { checked: predictions.length, right, mistakes };
}

function whyWrong({ score, modelVersion }: ServedPrediction, features: Features): string | null {
  if (!models.some(({ version }) => version === modelVersion)) return `there is no model ${modelVersion}`;
  const expected = predict(features, modelOf(modelVersion));
  if (Math.abs(score - expected) <= tolerance) return null;
  return `its score is ${score}, model ${modelVersion} says ${expected}`;
}
