/**
 * The loader: stages what the change log has, and on an interval merges what is staged and refreshes the features. It
 * keeps nothing: where it goes on is what the warehouse recorded with the last staged batch, and a merge or a refresh
 * that was cut short is simply made again.
 */
import type { BackfillRequest, BackfillResult, RoleContext } from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import { journalInWarehouse } from '../../harness/lineage/journal.js';
import { type Lineage, openLineage } from '../../harness/lineage/recorder.js';
import { pauseUs, untilDone } from '../../harness/ports/retries.js';
import { type EventTime, followEventTime } from '../../workloads/event-time.js';
import { appendBlock, createChangeRows, toBatch } from './change-rows.js';
import { loadHistory } from './history.js';
import { recordLoader } from './lineage.js';
import type { WarehouseParams } from './params.js';
import { createTables, mergeSpec, refreshSpec, stagedTable } from './tables.js';

/** Of all partitions together, in one read. */
const readBytes = 4 << 20;

/** The source under which the warehouse records how far the change log is staged. */
const sourceOf = ({ contract }: RoleContext) => `change log ${contract.topic}`;

interface PendingBackfill {
  readonly request: BackfillRequest;
  readonly resolve: (result: BackfillResult) => void;
  readonly reject: (error: unknown) => void;
}

export async function runLoader(context: RoleContext, params: WarehouseParams): Promise<void> {
  const { clock, signal } = context;
  const backfills: PendingBackfill[] = [];
  const time = followEventTime(context.clock, params.clockToleranceUs);
  await untilDone(context, () => createTables(context.ports.warehouse));
  const lineage = openLineage(context, journalInWarehouse(context.ports.warehouse));
  await recordLoader(lineage, context, sourceOf(context));
  // Where changes were staged before, the view has a time, which is later than any that is not believed.
  if (await untilDone(context, () => context.ports.warehouse.position(sourceOf(context)))) time.see(0);
  // The view is there before anybody reads it, and what an earlier loader left staged or merged is shown at once.
  await untilDone(context, () => mergeAndRefresh(context, time));
  await context.serve({
    backfill: (request) => new Promise((resolve, reject) => backfills.push({ request, resolve, reject })),
  });
  context.ready();
  let failures = 0;
  const roundDone = () => {
    failures = 0;
  };
  while (!signal.aborted) {
    try {
      await load(context, params, time, backfills, lineage, roundDone);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      await clock.sleep(pauseUs(++failures, context), signal);
    }
  }
}

/** Goes on from the recorded position until a call fails. */
async function load(
  context: RoleContext,
  params: WarehouseParams,
  time: EventTime,
  backfills: PendingBackfill[],
  lineage: Lineage,
  roundDone: () => void,
): Promise<never> {
  const { ports, clock, signal } = context;
  let position = await ports.warehouse.position(sourceOf(context));
  let isMergeDue = true;
  let failures = 0;
  // Paced by durations: a clock that is wrong for a while must not make it wait until the time that it has shown.
  for (let rest = Promise.resolve(); ; ) {
    await rest;
    rest = clock.sleep(params.stageIntervalUs, signal);
    rest.catch(() => {});
    const merges = isMergeDue;
    if (merges) {
      isMergeDue = false;
      clock.after(params.mergeIntervalUs, () => {
        isMergeDue = true;
      });
    }
    const staged = await stageNew(context, params, time, position);
    position = staged.position;
    // What is staged is shown, and history is loaded, also while the change log is away.
    await runBackfills(context, time, backfills, lineage);
    if (merges) await mergeAndRefresh(context, time);
    roundDone();
    failures = staged.isLogAway ? failures + 1 : 0;
    if (failures > 0) await clock.sleep(pauseUs(failures, context), signal);
  }
}

/** Stages one batch of what the log has after `position`, as far as it can be read, and returns the position after it. */
async function stageNew(
  context: RoleContext,
  { stageRows }: WarehouseParams,
  time: EventTime,
  position: readonly number[] | null,
): Promise<{ readonly position: readonly number[] | null; readonly isLogAway: boolean }> {
  const { ports, contract, signal } = context;
  const limits = { maxBytes: Math.ceil(readBytes / contract.partitions), maxWaitUs: 0, signal };
  const offsets = position ? [...position] : new Array<number>(contract.partitions).fill(0);
  const rows = createChangeRows();
  let isLogAway = false;
  for (let more = true; more && rows.count < stageRows; ) {
    const slices = await Promise.all(
      offsets.map((offset, partition) => ports.changeLog.read(contract.topic, partition, offset, limits)),
    ).catch((error: unknown) => {
      if (!(error instanceof CallError)) throw error;
      isLogAway = true;
      return [];
    });
    more = false;
    for (const [partition, { baseOffset, entries, endOffset }] of slices.entries()) {
      for (const entry of entries) appendBlock(rows, entry, contract);
      offsets[partition] = baseOffset + entries.length;
      more ||= baseOffset + entries.length < endOffset;
    }
  }
  if (rows.count === 0) return { position, isLogAway };
  await ports.warehouse.stage(stagedTable, toBatch(rows), { source: sourceOf(context), from: position, to: offsets });
  time.see(rows.newestUs);
  return { position: offsets, isLogAway };
}

async function mergeAndRefresh(context: RoleContext, time: EventTime): Promise<void> {
  const { warehouse } = context.ports;
  await warehouse.merge(mergeSpec);
  await warehouse.refresh(refreshSpec(context, time.nowUs()));
}

/** A backfill that fails is answered with its error; whoever asked for it may ask again. */
async function runBackfills(
  context: RoleContext,
  time: EventTime,
  backfills: PendingBackfill[],
  lineage: Lineage,
): Promise<void> {
  for (let next = backfills.shift(); next; next = backfills.shift()) {
    const { request, resolve, reject } = next;
    await loadHistory(context, request, time, lineage).then(resolve, reject);
  }
}
