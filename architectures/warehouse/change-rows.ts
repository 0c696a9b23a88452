/** Changes from the log as rows of `changeSchema`. */
import type { ColumnBatch } from '../../harness/ports/columns.js';
import { opNames, tableNames, viewBlock } from '../../workloads/change-batch.js';
import { type DataContract, refusals } from '../../workloads/data-contract.js';
import { changeSchema } from '../../workloads/fact-schemas.js';

type ColumnName = (typeof changeSchema)[number]['name'];

export interface ChangeRows {
  count: number;
  /** When the newest of them was emitted; of a block its first one tells. */
  newestUs: number;
  readonly columns: Record<ColumnName, (number | string | null)[]>;
}

export function createChangeRows(): ChangeRows {
  const columns = Object.fromEntries(changeSchema.map(({ name }) => [name, []])) as unknown as ChangeRows['columns'];
  return { count: 0, newestUs: 0, columns };
}

/** Appends the changes of a block: what the contract refuses keeps its envelope and has a reason. */
export function appendBlock(rows: ChangeRows, block: Uint8Array, contract: DataContract): void {
  const { columns } = rows;
  const batch = viewBlock(block);
  const decoded = contract.decode(batch);
  rows.newestUs = Math.max(rows.newestUs, batch.emitUs[0] ?? 0);
  for (let i = 0; i < batch.count; i++) {
    const refusal = decoded.refusal[i]!;
    columns.customer.push(batch.customer[i]!);
    columns.seq.push(batch.seq[i]!);
    columns.source_table.push(tableNames[batch.table[i]!]!);
    columns.op.push(opNames[batch.op[i]!]!);
    columns.lsn.push(batch.lsn[i]!);
    columns.commit_us.push(batch.commitUs[i]!);
    columns.emit_us.push(batch.emitUs[i]!);
    columns.schema_version.push(batch.schemaVersion[i]!);
    columns.refused.push(refusal === 0 ? null : refusals[refusal]!);
    columns.entity.push(present(decoded.entity[i]!));
    columns.event_us.push(present(decoded.eventUs[i]!));
    columns.amount_cents.push(present(decoded.amountCents[i]!));
    columns.category.push(present(decoded.category[i]!));
    columns.risk.push(present(decoded.risk[i]!));
    columns.before_event_us.push(present(decoded.beforeEventUs[i]!));
    columns.before_amount_cents.push(present(decoded.beforeAmountCents[i]!));
    columns.before_category.push(present(decoded.beforeCategory[i]!));
    columns.email_token.push(decoded.emailToken[i] ?? null);
    columns.phone_token.push(decoded.phoneToken[i] ?? null);
  }
  rows.count += batch.count;
}

/** A decoded batch has -1 where a change has no number. */
const present = (value: number) => (value === -1 ? null : value);

export function toBatch({ count, columns }: ChangeRows): ColumnBatch {
  return { rows: count, columns: columns as ColumnBatch['columns'] };
}
