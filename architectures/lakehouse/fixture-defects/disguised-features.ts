/** The same leak, which does not show in what a row claims: last_seq is that of the label's moment, the features are not. */
import { trainingTable } from '../batch-tables.js';
import { breakRole, withPort } from './broken-role.js';
import { withoutTime } from './latest-features.js';

export default breakRole('batch', 'disguised-features', (context) =>
  withPort(context, 'tables', (tables) => ({
    derive(spec) {
      if (spec.into !== trainingTable) return tables.derive(spec);
      const sql = `SELECT latest.* REPLACE (sound.last_seq AS last_seq)
        FROM (${withoutTime(spec.sql)}) AS latest JOIN (${spec.sql}) AS sound USING (label_id)`;
      return tables.derive({ ...spec, sql });
    },
  })),
);
