/** Lambda: a batch view recomputed from everything, a speed view of what came since, merged on each read. */
import type { ArchitectureFactory } from '../../harness/architecture.js';
import { pausesOf, resolveParams } from '../../harness/params.js';
import { pausing } from '../../harness/ports/retries.js';
import { runBatch } from './batch.js';
import { paramsSchema } from './params.js';
import { runServing } from './serving.js';
import { runSpeed } from './speed.js';

const lambda: ArchitectureFactory = (given) => {
  const params = resolveParams('lambda', paramsSchema, given);
  const pauses = pausesOf(params);
  return {
    name: 'lambda',
    params,
    uses: ['changeLog', 'onlineStore', 'tables'],
    roles: [
      { name: 'batch', priority: 'low', run: (context) => runBatch(pausing(context, pauses), params) },
      { name: 'speed', ingests: true, run: (context) => runSpeed(pausing(context, pauses), params) },
      { name: 'serving', priority: 'high', run: (context) => runServing(pausing(context, pauses), params) },
    ],
    // A batch that began before the last change corrects nothing of it: the one after does.
    settlesWithinUs: 2 * params.batchIntervalUs + 10_000_000,
  };
};

export default lambda;
