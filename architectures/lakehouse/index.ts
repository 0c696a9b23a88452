/** The lakehouse: open tables that hold everything, an online store that serves what they imply, one stream into both. */
import type { ArchitectureFactory } from '../../harness/architecture.js';
import { pausesOf, resolveParams } from '../../harness/params.js';
import { pausing } from '../../harness/ports/retries.js';
import { runBatch } from './batch.js';
import { runCompactor } from './compactor.js';
import { paramsSchema } from './params.js';
import { runServing } from './serving.js';
import { runStream } from './stream.js';

const lakehouse: ArchitectureFactory = (given) => {
  const params = resolveParams('lakehouse', paramsSchema, given);
  const pauses = pausesOf(params);
  return {
    name: 'lakehouse',
    params,
    uses: ['changeLog', 'onlineStore', 'tables'],
    roles: [
      { name: 'stream', ingests: true, run: (context) => runStream(pausing(context, pauses), params) },
      { name: 'compactor', priority: 'low', run: (context) => runCompactor(pausing(context, pauses), params) },
      { name: 'batch', priority: 'low', run: (context) => runBatch(pausing(context, pauses), params) },
      { name: 'serving', priority: 'high', run: (context) => runServing(pausing(context, pauses), params) },
    ],
  };
};

export default lakehouse;
