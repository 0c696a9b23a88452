/** Appends rows as new files, beside whatever else is committed meanwhile. */
import { CallError } from '../../errors.js';
import type { ColumnBatch } from '../columns.js';
import { appendColumns, createTableSql } from '../duckdb-columns.js';
import { commitDraft, draftFiles, drafting, existing, type Tables } from './data-files.js';
import { commitInfo, setTransaction } from './delta/actions.js';
import { isRecorded } from './delta/conflicts.js';
import { fillIn, refusalOf } from './evolution.js';
import type { AppendResult, Txn } from './port.js';

export async function append(
  tables: Tables,
  table: string,
  rows: ColumnBatch,
  txns: readonly Txn[],
): Promise<AppendResult> {
  const log = tables.log(table);
  const last = existing(table, await log.lastSeen());
  // A column that is not known may have come since.
  const isKnown = Object.keys(rows.columns).every((name) => last.schema.some((column) => column.name === name));
  const seen = isKnown ? last : existing(table, await log.refresh());
  if (isRecorded(seen, txns) || (rows.rows === 0 && txns.length === 0)) {
    return { committed: false, version: seen.version };
  }
  const draft = draftFiles(tables, table, seen);
  if (rows.rows > 0) {
    const filled = fillIn(table, rows, seen.schema);
    await drafting(draft, () =>
      tables.engine.use(async (connection) => {
        await connection.run(createTableSql('staged', seen.schema, 'TEMP TABLE'));
        await appendColumns(connection, 'staged', seen.schema, filled);
        await draft.write(connection, { from: 'staged' }, { dataChange: true });
      }),
    );
  }
  return commitDraft(tables, table, draft, (state) => {
    if (isRecorded(state, txns)) return null;
    // Files of a schema that the table has evolved from are as good as those that were there when it did.
    const refusal = refusalOf(seen.schema, state.schema);
    if (refusal !== null) {
      throw new CallError(
        'failed',
        `Table ${table} got another schema while rows were appended (${refusal}); append them again.`,
      );
    }
    const nowUs = tables.clock.nowUs();
    return [
      commitInfo(nowUs, 'WRITE', { mode: 'Append' }, true),
      ...txns.map(({ appId, version }) => setTransaction(nowUs, appId, version)),
      ...draft.files.map((add) => ({ add })),
    ];
  });
}
