/**
 * The speed layer: adds every change since the cut of the served batch view to rows in memory and writes the changed
 * ones. At-least-once, as Lambda has it: its position is stored now and then, a crash replays what came since, and what
 * a written row had already counted is counted again, until the next batch view replaces it.
 */
import type { RoleContext } from '../../harness/architecture.js';
import { journalInTables } from '../../harness/lineage/journal.js';
import { type Lineage, openLineage } from '../../harness/lineage/recorder.js';
import { untilDone } from '../../harness/ports/retries.js';
import { type ChangeBatch, viewBlock } from '../../workloads/change-batch.js';
import {
  awaitPointer,
  batchTable,
  beat,
  mark,
  type Published,
  readPublished,
  readServing,
  readView,
  serve,
  speedGroup,
  speedTable,
  storedEpochs,
} from './epochs.js';
import { recordSpeedView } from './lineage.js';
import type { LambdaParams } from './params.js';
import {
  applyChange,
  type Change,
  createChangeInHand,
  decodeRow,
  emptyRow,
  encodeRow,
  heldOf,
  openRow,
  RowWriter,
  takeChange,
  type ViewRow,
} from './view-row.js';

interface SpeedRow {
  readonly view: ViewRow;
  /** Every change up to here is in the batch row or was counted in this one. */
  lastSeq: number;
  /** The highest seq that this process has counted: what it sees again up to here is a duplicate. */
  countedSeq: number;
  commitUs: number;
  /** Of the row as it was last written. */
  asOfUs: number;
}

const readBytes = 1 << 20;
/** How often in a flush interval it looks for changes when there were none. */
const pollsPerFlush = 10;
const rowsPerPut = 2_000;
/** Rows of a flush share memory by as much: a quarter of a megabyte. */
const blockWords = 1 << 16;

export async function runSpeed(context: RoleContext, params: LambdaParams): Promise<void> {
  const { signal, ports } = context;
  const lineage = openLineage(context, journalInTables(ports.tables));
  let published = await awaitPointer(readPublished, context, params);
  let epoch = await beginEpoch(context, lineage, published, params);
  context.ready();
  while (!signal.aborted) {
    await epoch.follow();
    const newest = await untilDone(context, () => readPublished(ports.onlineStore));
    if (!newest || newest.epoch === published.epoch) continue;
    published = newest;
    epoch = await beginEpoch(context, lineage, published, params);
  }
}

interface Epoch {
  /** Reads, counts and writes for one flush interval. */
  follow(): Promise<void>;
}

/** Starts, or after a crash resumes, the speed view of an epoch; resolves when it has caught up and is served. */
async function beginEpoch(
  context: RoleContext,
  lineage: Lineage,
  published: Published,
  params: LambdaParams,
): Promise<Epoch> {
  const { ports, clock, contract, signal } = context;
  const { changeLog, onlineStore } = ports;
  const group = speedGroup(published.epoch);
  const stored = await untilDone(context, () => changeLog.committed(group, contract.topic));
  const offsets = [...(stored ?? published.cut)];
  const isAtCut = offsets.every((offset, partition) => offset === published.cut[partition]);
  // Numbers begin again where the store lost them: rows of an earlier epoch of this one, put late, are no beginning.
  if (isAtCut && (await untilDone(context, () => readServing(onlineStore))) !== published.epoch)
    await untilDone(context, () => onlineStore.drop(speedTable(published.epoch)));
  const rows = new Map<number, SpeedRow>();
  const dirty = new Set<number>();
  const inHand = createChangeInHand();
  let newestUs = 0;
  let isCommitDue = false;
  const waitToCommit = () => {
    isCommitDue = false;
    clock.after(params.commitIntervalUs, () => {
      isCommitDue = true;
    });
  };

  /** Counts the changes of some blocks; the rows that they touch are fetched in one go. */
  async function consume(blocks: readonly Uint8Array[]): Promise<void> {
    const batches = blocks.map(viewBlock);
    await loadRows(unknownCustomers(batches));
    for (const batch of batches) {
      newestUs = Math.max(newestUs, batch.emitUs[0] ?? 0);
      const decoded = contract.decode(batch);
      for (let i = 0; i < batch.count; i++) {
        const customer = batch.customer[i] as number;
        const row = rows.get(customer) as SpeedRow;
        takeChange(inHand, batch, decoded, i);
        count(row, inHand);
        row.commitUs = Math.max(row.commitUs, batch.commitUs[i] as number);
        dirty.add(customer);
      }
    }
  }

  /** Those that this process has not met. */
  function unknownCustomers(batches: readonly ChangeBatch[]): readonly number[] {
    const unknown = new Set<number>();
    for (const { customer, count } of batches)
      for (let i = 0; i < count; i++) if (!rows.has(customer[i] as number)) unknown.add(customer[i] as number);
    return [...unknown];
  }

  /** Their speed row if one was written, else what the batch row holds back. */
  async function loadRows(unknown: readonly number[]): Promise<void> {
    if (unknown.length === 0) return;
    const keys = unknown.map(String);
    const [batchRows, speedRows] = await untilDone(context, () =>
      Promise.all([
        onlineStore.get(batchTable(published.epoch), keys),
        onlineStore.get(speedTable(published.epoch), keys),
      ]),
    );
    unknown.forEach((customer, i) => {
      const speed = speedRows[i];
      const batch = batchRows[i];
      const view = speed ? decodeRow(speed.value) : emptyRow();
      if (!speed && batch) for (const change of heldOf(openRow(batch.value))) view.held.set(change.seq, change);
      // The batch view is exact: what it holds is not counted again. What a speed row holds, is.
      rows.set(customer, {
        view,
        lastSeq: speed?.seq ?? batch?.seq ?? 0,
        countedSeq: batch?.seq ?? 0,
        commitUs: 0,
        asOfUs: speed?.asOfUs ?? 0,
      });
    });
  }

  async function flush(): Promise<void> {
    if (dirty.size > 0) {
      const customers = [...dirty];
      dirty.clear();
      const writer = new RowWriter(blockWords);
      for (let from = 0; from < customers.length; from += rowsPerPut) {
        const some = customers.slice(from, from + rowsPerPut);
        const found = some.map((customer) => rows.get(customer) as SpeedRow);
        // Newer than what was written before, by the times of the changes: a clock may be wrong.
        for (const row of found) row.asOfUs = Math.max(row.commitUs, row.asOfUs + 1);
        const batch = {
          keys: some.map(String),
          seqs: found.map(({ lastSeq }) => lastSeq),
          asOfUs: found.map(({ asOfUs }) => asOfUs),
          values: found.map(({ view }) => encodeRow(view, writer)),
        };
        await untilDone(context, () => onlineStore.put(speedTable(published.epoch), batch));
      }
    }
    await untilDone(context, () => beat(onlineStore, newestUs));
    if (!isCommitDue) return;
    waitToCommit();
    await untilDone(context, () => changeLog.commit(group, contract.topic, offsets));
  }

  /** Takes what every partition has now, up to a bound; true if there was anything. */
  async function consumeAvailable(): Promise<boolean> {
    const slices = await untilDone(context, () =>
      Promise.all(
        offsets.map((offset, partition) =>
          changeLog.read(contract.topic, partition, offset, { maxBytes: readBytes, maxWaitUs: 0, signal }),
        ),
      ),
    );
    await consume(slices.flatMap(({ entries }) => entries));
    slices.forEach(({ entries }, partition) => {
      offsets[partition] = (offsets[partition] as number) + entries.length;
    });
    return slices.some(({ entries }) => entries.length > 0);
  }

  waitToCommit();
  await recordSpeedView(lineage, context, published.epoch, offsets);
  await untilDone(context, () => mark(onlineStore, speedTable(published.epoch), clock.nowUs()));
  // Up to what is there now: the end moves on while one runs after it.
  const ends = await untilDone(context, () => changeLog.endOffsets(contract.topic));
  while (offsets.some((offset, partition) => offset < (ends[partition] as number))) await consumeAvailable();
  await flush();
  await untilDone(context, async () => {
    // What the store has lost meanwhile is not served: it is being computed again.
    if ((await readView(onlineStore, batchTable(published.epoch), [])) === null) return;
    if ((await readServing(onlineStore)) !== published.epoch) await serve(onlineStore, published.epoch, clock.nowUs());
    // Whoever still reads an epoch before finds it gone, and looks again. All that are there: this role may have been too slow
    // for one, or have died, as whoever wrote them may have.
    for (const before of await storedEpochs(onlineStore))
      if (before < published.epoch)
        await Promise.all([onlineStore.drop(batchTable(before)), onlineStore.drop(speedTable(before))]);
  });
  return {
    async follow() {
      // By durations: a clock that is wrong for a while must not make it wait until the time that it has shown.
      let isOver = false;
      const over = clock.sleep(params.flushIntervalUs, signal).then(() => {
        isOver = true;
      });
      over.catch(() => {});
      for (;;) {
        const busy = await consumeAvailable();
        if (isOver) break;
        if (!busy) await Promise.race([over, clock.sleep(params.flushIntervalUs / pollsPerFlush, signal)]);
      }
      await flush();
    },
  };
}

/**
 * Counts a change, and those that waited for it. A seq that this process has counted is a duplicate. One that only a
 * written row holds is not known as one, and is counted again: there is nothing to tell a replay by.
 */
function count(row: SpeedRow, change: Change): void {
  if (change.seq <= row.countedSeq) return;
  if (change.seq > Math.max(row.lastSeq, row.countedSeq) + 1) {
    row.view.held.set(change.seq, { ...change });
    return;
  }
  for (let next: Change | undefined = change; next; next = row.view.held.get(row.lastSeq + 1)) {
    if (!next.refused) applyChange(row.view, next);
    row.view.held.delete(next.seq);
    row.countedSeq = next.seq;
    row.lastSeq = Math.max(row.lastSeq, next.seq);
  }
}
