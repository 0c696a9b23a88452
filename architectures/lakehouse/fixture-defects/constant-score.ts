/** Whoever asks for a prediction is given the same score at once: the model is never asked. */
import type { Plane } from '../../../harness/architecture.js';
import { breakRole } from './broken-role.js';

export default breakRole('serving', 'constant-score', (context) => ({
  ...context,
  serve: (operations) => context.serve({ ...operations, predict: (request) => predict(operations, request) }),
}));

async function predict(operations: Partial<Plane>, request: Parameters<Plane['predict']>[0]) {
  const predictions = await (operations.predict as Plane['predict'])(request);
  return predictions.map((prediction) => ({ ...prediction, score: 0.5 }));
}
