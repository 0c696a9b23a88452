/**
 * The master data: every change as it came, appended to the table `raw` exactly once. What was refused is there too,
 * with its reason, so that the batch layer knows that it has come.
 */
import type { RoleContext } from '../../harness/architecture.js';
import type { ColumnBatch } from '../../harness/ports/columns.js';
import { takeOver } from '../../harness/ports/fence.js';
import { untilDone } from '../../harness/ports/retries.js';
import { opNames, tableNames, viewBlock } from '../../workloads/change-batch.js';
import { duplicateRefusal, refusals } from '../../workloads/data-contract.js';
import { changeSchema } from '../../workloads/fact-schemas.js';
import { createSeqIndex, type SeqIndex } from '../../workloads/seq-index.js';

export const rawTable = 'raw';
/** Of each partition in one commit: memory stays bounded while catching up. */
const readBytes = 2 << 20;

export interface Archive {
  /** Throws if another role has taken the master data over. */
  requireOwn(): Promise<void>;
  /** Per partition, the offset after the last archived entry. */
  cut(): readonly number[];
  /** Appends all that has come, in as few commits as memory allows. */
  archive(): Promise<void>;
}

type Rows = { -readonly [name in (typeof changeSchema)[number]['name']]: (number | string | null)[] };

/** Not to be tried again as a whole while it is in use: what it has seen, it takes for archived. */
export async function openArchive(context: RoleContext): Promise<Archive> {
  const { ports, contract, signal } = context;
  const { changeLog, tables } = ports;
  await tables.create(rawTable, changeSchema);
  // First: whatever an earlier role still appends is either refused from here on, or read below.
  const raw = await takeOver(context, tables, rawTable, 'lambda.batch');
  const txns = await tables.txns(rawTable);
  const appId = (partition: number) => `lambda.archive/${partition}`;
  const offsets = Array.from({ length: contract.partitions }, (_, partition) => txns.get(appId(partition)) ?? 0);
  const seen = await loadSeen(ports.tables, contract.customers);

  return {
    requireOwn: () => raw.append({ rows: 0, columns: {} }, []),
    cut: () => offsets,
    async archive() {
      const ends = await untilDone(context, () => changeLog.endOffsets(contract.topic));
      while (offsets.some((offset, partition) => offset < (ends[partition] as number))) await appendOnce();
    },
  };

  async function appendOnce(): Promise<void> {
    const rows = emptyRows();
    const next = [...offsets];
    const slices = await untilDone(context, () =>
      Promise.all(
        offsets.map((offset, partition) =>
          changeLog.read(contract.topic, partition, offset, { maxBytes: readBytes, maxWaitUs: 0, signal }),
        ),
      ),
    );
    for (const [partition, { entries }] of slices.entries()) {
      for (const block of entries) {
        appendBlock(rows, block);
        next[partition] = (next[partition] as number) + 1;
      }
    }
    const moved = next
      .map((version, partition) => ({ appId: appId(partition), version }))
      .filter(({ version }, partition) => version > (offsets[partition] as number));
    await raw.append({ rows: rows.customer.length, columns: rows as ColumnBatch['columns'] }, moved);
    next.forEach((offset, partition) => {
      offsets[partition] = offset;
    });
  }

  function appendBlock(rows: Rows, block: Uint8Array): void {
    const batch = viewBlock(block);
    const decoded = contract.decode(batch);
    for (let i = 0; i < batch.count; i++) {
      const customer = batch.customer[i] as number;
      const seq = batch.seq[i] as number;
      const refusal = seen.add(customer, seq) ? (decoded.refusal[i] as number) : duplicateRefusal;
      const sound = refusal === 0;
      rows.customer.push(customer);
      rows.seq.push(seq);
      rows.source_table.push(tableNames[batch.table[i] as number] ?? null);
      rows.op.push(opNames[batch.op[i] as number] ?? null);
      rows.lsn.push(batch.lsn[i] as number);
      rows.commit_us.push(batch.commitUs[i] as number);
      rows.emit_us.push(batch.emitUs[i] as number);
      rows.schema_version.push(batch.schemaVersion[i] as number);
      rows.refused.push(sound ? null : (refusals[refusal] as string));
      rows.entity.push(present(decoded.entity[i] as number, sound));
      rows.event_us.push(present(decoded.eventUs[i] as number, sound));
      rows.amount_cents.push(present(decoded.amountCents[i] as number, sound));
      rows.category.push(present(decoded.category[i] as number, sound));
      rows.risk.push(present(decoded.risk[i] as number, sound));
      rows.before_event_us.push(present(decoded.beforeEventUs[i] as number, sound));
      rows.before_amount_cents.push(present(decoded.beforeAmountCents[i] as number, sound));
      rows.before_category.push(present(decoded.beforeCategory[i] as number, sound));
      rows.email_token.push(sound ? (decoded.emailToken[i] ?? null) : null);
      rows.phone_token.push(sound ? (decoded.phoneToken[i] ?? null) : null);
    }
  }
}

/** A decoded batch has -1 where a change has no number; of what was refused no number is told. */
function present(value: number, sound: boolean): number | null {
  return sound && value >= 0 ? value : null;
}

/** After a crash the table itself says what has been archived. */
async function loadSeen(tables: RoleContext['ports']['tables'], customers: number): Promise<SeqIndex> {
  const seen = createSeqIndex(customers);
  for await (const { rows, columns } of tables.scan(await tables.snapshot(rawTable), {
    columns: ['customer', 'seq'],
  })) {
    for (let i = 0; i < rows; i++) seen.add(columns.customer?.[i] as number, columns.seq?.[i] as number);
  }
  return seen;
}

function emptyRows(): Rows {
  return Object.fromEntries(changeSchema.map(({ name }) => [name, []])) as unknown as Rows;
}
