/** Says what every job makes of what, but for one: the last scoring of the small batch scenario. */
import { lineageTable } from '../../../harness/lineage/journal.js';
import { breakRole, withPort } from './broken-role.js';

const silentScoring = 4;

export default breakRole('batch', 'silent-scoring', (context) => {
  let scorings = 0;
  return withPort(context, 'tables', (tables) => ({
    append: async (table, rows, txns) => {
      const isScoring = table === lineageTable && String(rows.columns.event?.[0]).includes('"batch.score"');
      if (isScoring && ++scorings === silentScoring) return { committed: true, version: 0 };
      return tables.append(table, rows, txns);
    },
  }));
});
