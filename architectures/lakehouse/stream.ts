/**
 * The stream: takes micro-batches from the change log, folds them into customer rows, puts the rows online, then commits
 * the changes to the table together with the position in the log. README.md argues why nothing is lost or doubled
 * wherever it is killed.
 */
import type { BackfillRequest, BackfillResult, RoleContext } from '../../harness/architecture.js';
import { journalInTables } from '../../harness/lineage/journal.js';
import { openLineage } from '../../harness/lineage/recorder.js';
import type { LogSlice } from '../../harness/ports/change-log/port.js';
import { untilDone } from '../../harness/ports/retries.js';
import { viewBlock } from '../../workloads/change-batch.js';
import { duplicateRefusal } from '../../workloads/data-contract.js';
import { loadHistory } from './backfill.js';
import { appendDecoded, appendRow, type ChangeRows, createChangeRows, toColumns } from './change-rows.js';
import { isPristine, isWhole, makeWhole } from './completeness.js';
import { createCustomerRows } from './customer-rows.js';
import { type ChangedRows, customersOf, type Folded, foldBatch, groupByCustomer } from './fold.js';
import { beat } from './heartbeat.js';
import { recordStream } from './lineage.js';
import { putRows } from './online-rows.js';
import type { LakehouseParams } from './params.js';
import { rebuildRows } from './rebuild.js';
import { recoverPosition } from './recovery.js';
import { streamTxn } from './tables.js';

/** Of one partition, in one read. */
const readBytes = 1 << 20;
/** Changes that may wait in memory for earlier ones; beyond, all are forgotten and read from the tables when needed. */
const heldRows = 200_000;

/** What a micro-batch took from the log. */
interface Batch {
  readonly rows: ChangeRows;
  /** How many of `rows` are its own; after them come those held from earlier batches. */
  readonly fresh: number;
  /** Per partition, the offset after the last entry in `rows`. */
  readonly offsets: readonly number[];
  /** When the newest change was emitted that was read by now; of a block its first one tells. */
  readonly newestUs: number;
}

interface PendingBackfill {
  readonly request: BackfillRequest;
  readonly resolve: (result: BackfillResult) => void;
  readonly reject: (error: unknown) => void;
}

export async function runStream(context: RoleContext, params: LakehouseParams): Promise<void> {
  const { ports, clock, contract, signal } = context;
  const position = await recoverPosition(context);
  const lineage = openLineage(context, journalInTables(ports.tables));
  // While the first batch is read and put: it has to be on the record before the tables have anything of it.
  const recorded = recordStream(lineage, context, position.offsets);
  recorded.catch(() => {}); // thrown to the first write
  const customerRows = createCustomerRows(context, params.cachedCustomers);
  const backfills: PendingBackfill[] = [];
  if (isPristine(position) && !(await isWhole(context))) {
    await makeWhole(context, position, customerRows, { rows: createChangeRows(0), fresh: 0, newestUs: 0 });
  }
  let { held } = position;
  let newestUs = 0;
  let committed: readonly number[] = [...position.offsets];

  await context.serve({
    backfill: (request) => new Promise((resolve, reject) => backfills.push({ request, resolve, reject })),
  });
  context.ready();

  // While a batch is written the next one is read and folded; it waits there until the one before is committed.
  let written = Promise.resolve();
  // A write that fails for good ends the role, also when no other batch comes that would wait for it. Not AbortSignal.any:
  // Node keeps such a signal for as long as somebody listens, and with it the world of a simulated role that was killed.
  const ending = new AbortController();
  const end = () => ending.abort(signal.reason);
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  for (let rest = Promise.resolve(); ; ) {
    await rest;
    rest = clock.sleep(params.batchIntervalUs, ending.signal);
    rest.catch(() => {});
    if (backfills.length > 0) {
      await written;
      await runBackfills();
    }
    const whole = await isWhole(context);
    const batch = await collectBatch();
    if (!whole) {
      await written;
      await makeWhole(context, position, customerRows, batch);
    }
    if (batch.fresh === 0) continue;
    const folded = await fold(batch);
    await written;
    customerRows.trim();
    if (folded.shortfall.length > 0) await rebuildShortfall(folded, batch);
    customerRows.takeOver(folded);
    written = write(folded, batch);
    written.catch((error: unknown) => ending.abort(error));
  }

  /** Reads what the log has, up to the bound. */
  async function collectBatch(): Promise<Batch> {
    const rows = createChangeRows();
    for (let more = true; more && rows.count < params.batchRows; ) {
      const slices = await untilDone(context, () => Promise.all(position.offsets.map(readSlice)));
      more = false;
      for (const [partition, slice] of slices.entries()) {
        for (const entry of slice.entries) takeBlock(rows, entry);
        position.offsets[partition] = slice.baseOffset + slice.entries.length;
        more ||= slice.baseOffset + slice.entries.length < slice.endOffset;
      }
    }
    const fresh = rows.count;
    for (let i = 0; i < held.count; i++) appendRow(rows, held, i);
    return { rows, fresh, offsets: [...position.offsets], newestUs };
  }

  function readSlice(offset: number, partition: number): Promise<LogSlice> {
    return ports.changeLog.read(contract.topic, partition, offset, { maxBytes: readBytes, maxWaitUs: 0, signal });
  }

  /**
   * What the contract refuses keeps its reason, and its seq counts as seen: the changes after it do not wait for it. A
   * sound change whose seq was seen is a duplicate.
   */
  function takeBlock(rows: ChangeRows, entry: Uint8Array): void {
    const block = viewBlock(entry);
    newestUs = Math.max(newestUs, block.emitUs[0] ?? 0);
    const from = appendDecoded(rows, block, contract.decode(block));
    for (let i = from; i < rows.count; i++) {
      const customer = rows.customer[i] as number;
      if (customer < contract.customers && position.seen.add(customer, rows.seq[i] as number)) continue;
      rows.unfolded[i] = 1;
      if (rows.refusal[i] === 0) rows.refusal[i] = duplicateRefusal;
    }
  }

  async function fold({ rows, fresh }: Batch): Promise<Folded> {
    const groups = groupByCustomer(rows);
    const folded = foldBatch({
      rows,
      fresh,
      historyLoaded: position.historyLoaded,
      prefix: position.seen.prefix,
      groups,
      customerRows: await customerRows.load(customersOf(groups)),
    });
    held = folded.held.count > heldRows ? createChangeRows(0) : folded.held;
    return folded;
  }

  /** Adds the rows of customers whom the fold could not tell. The batch before is in the tables by now. */
  async function rebuildShortfall(
    { customers, seqs, asOfUs, values, shortfall }: Folded,
    { rows, fresh }: Batch,
  ): Promise<void> {
    const { historyLoaded } = position;
    const input = { customers: shortfall, rows, fresh, historyLoaded };
    const rebuilt = await untilDone(context, () => rebuildRows(context, input));
    for (let i = 0; i < rebuilt.customers.length; i++) {
      customers.push(rebuilt.customers[i] as number);
      seqs.push(rebuilt.seqs[i] as number);
      asOfUs.push(rebuilt.asOfUs[i] as number);
      values.push(rebuilt.values[i] as Uint8Array);
    }
  }

  /** Online first, tables last: what the tables have, the rows show; what they do not have is read again. */
  async function write(changed: ChangedRows, { rows, fresh, offsets, newestUs }: Batch): Promise<void> {
    await Promise.all([recorded, putRows(context, changed), beat(context, newestUs)]);
    // Only partitions that moved: a txn that says nothing new would keep the whole commit from being written.
    const txns = offsets.flatMap((version, partition) =>
      version > (committed[partition] as number) ? [{ appId: streamTxn(partition), version }] : [],
    );
    await position.changes.append(toColumns(rows, fresh), txns);
    committed = offsets;
  }

  /** Between two micro-batches, when no row is on its way. */
  async function runBackfills(): Promise<void> {
    for (const { request, resolve, reject } of backfills.splice(0)) {
      try {
        resolve(await loadHistory(context, request, customerRows, lineage, position));
      } catch (error) {
        reject(error);
      }
    }
  }
}
