/** Features are rolled back, the model is not: predictions go on with the one that was published last. */
import type { Plane } from '../../../harness/architecture.js';
import { modelVersion, predictRows } from '../../../workloads/model.js';
import { breakRole } from './broken-role.js';

export default breakRole('serving', 'model-stays', (context) => {
  let published = modelVersion;
  return {
    ...context,
    serve(operations) {
      const { lookup, publishModel } = operations as Plane;
      return context.serve({
        ...operations,
        async publishModel(request) {
          published = request.version;
          return publishModel(request);
        },
        predict: async (request) => predictRows(await lookup(request), published),
      });
    },
  };
});
