/** What pgoutput would say of transactions, without a database: tables in memory give the images before. */
import type { Pgoutput } from 'pg-logical-replication';
import { formatLsn } from './capture.js';
import { createOp, type RowImage, removeOp, sourceTables } from './rows.js';
import { slotPrefix } from './statements.js';
import { packMessage, type SourceTransaction } from './transactions.js';

export function createDecoding(initialRows: readonly (readonly RowImage[])[]) {
  const tables = sourceTables.map(
    ({ key }, table) => new Map((initialRows[table] ?? []).map((row) => [row[key] as number, row])),
  );
  let lsn = 1_000;

  /** As columns come: bigint as text, columns that an older image lacks empty. */
  const columnsOf = (table: number, row: RowImage) =>
    Object.fromEntries(
      sourceTables[table]!.columns.map(({ name, type }) => {
        const value = row[name] ?? null;
        return [name, type === 'bigint' && value !== null ? String(value) : value];
      }),
    );

  return function decode({ rows, message }: SourceTransaction): Pgoutput.Message[] {
    const messages: Pgoutput.Message[] = [];
    const content = packMessage(message);
    messages.push({ tag: 'message', flags: 1, transactional: true, messageLsn: null, prefix: slotPrefix, content });
    for (const { table, op, key, images } of rows) {
      const relation = { name: sourceTables[table]!.name } as Pgoutput.MessageRelation;
      const old = tables[table]!.get(key);
      if ((old === undefined) !== (op === createOp)) throw new Error(`row ${key} of ${relation.name} is out of order`);
      const before = old && columnsOf(table, old);
      const after = images.after && columnsOf(table, images.after);
      if (op === removeOp) {
        messages.push({ tag: 'delete', relation, key: null, old: before! });
        tables[table]!.delete(key);
        continue;
      }
      if (before) messages.push({ tag: 'update', relation, key: null, old: before, new: after! });
      else messages.push({ tag: 'insert', relation, new: after! });
      tables[table]!.set(key, images.after!);
    }
    lsn += 100;
    const commitLsn = formatLsn(lsn);
    messages.push({ tag: 'commit', flags: 0, commitLsn, commitEndLsn: formatLsn(lsn + 50), commitTime: 0n });
    return messages;
  };
}
