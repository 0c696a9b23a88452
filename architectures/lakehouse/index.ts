/** The lakehouse: open tables that hold everything, an online store that serves what they imply, one stream into both. */
import type { ArchitectureFactory } from '../../harness/architecture.js';
import { resolveParams } from '../../harness/params.js';
import { runBatch } from './batch.js';
import { runCompactor } from './compactor.js';
import { paramsSchema } from './params.js';
import { runServing } from './serving.js';
import { runStream } from './stream.js';

const lakehouse: ArchitectureFactory = (given) => {
  const params = resolveParams('lakehouse', paramsSchema, given);
  return {
    name: 'lakehouse',
    params,
    uses: ['changeLog', 'onlineStore', 'tables'],
    roles: [
      { name: 'stream', ingests: true, run: (context) => runStream(context, params) },
      { name: 'compactor', background: true, run: (context) => runCompactor(context, params) },
      { name: 'batch', background: true, run: (context) => runBatch(context, params) },
      { name: 'serving', run: (context) => runServing(context, params) },
    ],
  };
};

export default lakehouse;
