/** Warehouse only: changes are staged, merged and turned into features by SQL; reads are answered by the same server. */
import type { ArchitectureFactory } from '../../harness/architecture.js';
import { pausesOf, resolveParams } from '../../harness/params.js';
import { pausing } from '../../harness/ports/retries.js';
import { runLoader } from './loader.js';
import { paramsSchema } from './params.js';
import { runServing } from './serving.js';

const warehouse: ArchitectureFactory = (given) => {
  const params = resolveParams('warehouse', paramsSchema, given);
  const pauses = pausesOf(params);
  return {
    name: 'warehouse',
    params,
    // Of the tables only their reader of Parquet, for history.
    uses: ['changeLog', 'warehouse', 'tables'],
    roles: [
      { name: 'loader', ingests: true, run: (context) => runLoader(pausing(context, pauses), params) },
      { name: 'serving', priority: 'high', run: (context) => runServing(pausing(context, pauses), params) },
    ],
  };
};

export default warehouse;
