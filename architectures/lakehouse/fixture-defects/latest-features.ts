/** Training rows have the features after the customer's latest change, whenever the label was: the join has no time in it. */
import { trainingTable } from '../batch-tables.js';
import { breakRole, withPort } from './broken-role.js';

/** The statement without its bound on what was known; a defect that changes nothing would prove nothing. */
export function withoutTime(sql: string): string {
  const bound = 'AND counted.commit_us <= label_us';
  if (!sql.includes(bound)) throw new Error(`the training statement has no "${bound}"`);
  return sql.replace(bound, '');
}

export default breakRole('batch', 'latest-features', (context) =>
  withPort(context, 'tables', (tables) => ({
    derive: (spec) => tables.derive(spec.into === trainingTable ? { ...spec, sql: withoutTime(spec.sql) } : spec),
  })),
);
