/** What is scored is the latest snapshot, whichever was asked for. */
import { featuresTable, scoredTable } from '../batch-tables.js';
import { breakRole, withPort } from './broken-role.js';

export default breakRole('batch', 'unpinned-score', (context) =>
  withPort(context, 'tables', (tables) => ({
    async derive(spec) {
      if (spec.into !== scoredTable) return tables.derive(spec);
      const features = { ...spec.from.features, snapshot: await tables.snapshot(featuresTable) };
      return tables.derive({ ...spec, from: { features } });
    },
  })),
);
