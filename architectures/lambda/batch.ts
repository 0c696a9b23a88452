/** The batch role: keeps the master data, recomputes the batch view from all of them on an interval, and runs jobs. */
import type {
  BackfillRequest,
  BackfillResult,
  ChangeKey,
  Inventory,
  Quarantined,
  RoleContext,
} from '../../harness/architecture.js';
import { smallFileBytes } from '../../harness/architecture.js';
import { takeTurns } from '../../harness/clock.js';
import { CallError } from '../../harness/errors.js';
import { journalInTables, lineageTable } from '../../harness/lineage/journal.js';
import { openLineage } from '../../harness/lineage/recorder.js';
import type { TextValues } from '../../harness/ports/columns.js';
import { untilDone } from '../../harness/ports/retries.js';
import { openArchive, rawTable } from './archive.js';
import {
  batchTable,
  pointerPollUs,
  publish,
  readPublished,
  readServing,
  readView,
  speedGroup,
  storedEpochs,
} from './epochs.js';
import { loadHistory } from './history.js';
import { jobsOver } from './jobs.js';
import { recordArchive, recordBackfill, recordJobs } from './lineage.js';
import type { LambdaParams } from './params.js';
import { recomputeView } from './recompute.js';

export async function runBatch(context: RoleContext, params: LambdaParams): Promise<void> {
  const { ports, clock, signal } = context;
  const archive = await untilDone(context, () => openArchive(context));
  const lineage = openLineage(context, journalInTables(ports.tables));
  await recordArchive(lineage, context, archive.cut());
  await recordJobs(lineage, context);
  const published = await untilDone(context, () => readPublished(ports.onlineStore));
  // Behind one that a dead process began, too: its rows are of other master data, and of no older ones.
  const begun = await untilDone(context, () => storedEpochs(ports.onlineStore));
  let epoch = Math.max(published?.epoch ?? -1, ...begun);
  /** One recomputation at a time, whoever asks for it. */
  const inTurn = takeTurns();
  const recompute = () => inTurn(recomputeAlone);

  async function recomputeAlone(): Promise<number> {
    const cut = [...archive.cut()];
    await untilDone(context, () => recomputeView(context, lineage, epoch + 1));
    await archive.requireOwn();
    epoch++;
    // Numbers begin again where the store lost them: the speed layer's position in an earlier epoch of this one is no longer one.
    await untilDone(context, () => ports.changeLog.commit(speedGroup(epoch), context.contract.topic, cut));
    await untilDone(context, () => publish(ports.onlineStore, { epoch, cut }, clock.nowUs()));
    return epoch;
  }

  /** Whether the store has lost the pointer, or the view that it points to. */
  async function isLost(): Promise<boolean> {
    const published = await readPublished(ports.onlineStore);
    return published === null || (await readView(ports.onlineStore, batchTable(published.epoch), [])) === null;
  }

  if (!published) await recompute();
  await context.serve({
    async backfill(request: BackfillRequest): Promise<BackfillResult> {
      await recordBackfill(lineage, request);
      const loaded = await untilDone(context, () => loadHistory(context, request));
      const loadedIn = await recompute();
      while (((await untilDone(context, () => readServing(ports.onlineStore))) ?? -1) < loadedIn)
        await clock.sleep(pointerPollUs(params), signal);
      return loaded;
    },
    exportChanges: () => exportChanges(context),
    quarantine: () => listQuarantine(context),
    inventory: () => takeInventory(context),
    ...jobsOver(context, lineage),
    lineage: () => journalInTables(ports.tables).events(),
  });
  context.ready();

  await Promise.all([
    every(context, params.archiveIntervalUs, () => archive.archive()),
    // A store that came back empty is not left so until the next batch is due.
    every(context, params.archiveIntervalUs, () =>
      inTurn(async () => {
        if (await untilDone(context, isLost)) await recomputeAlone();
      }),
    ),
    every(context, params.batchIntervalUs, async () => {
      await recompute();
      await tidy(context).catch(skipRound);
    }),
  ]);
}

/** From start to start, counted by sleeping: event time may be set forward in between. */
async function every({ clock, signal }: RoleContext, intervalUs: number, work: () => Promise<void>): Promise<void> {
  await clock.sleep(intervalUs, signal);
  for (;;) {
    const rest = clock.sleep(intervalUs, signal);
    rest.catch(() => {});
    await work();
    await rest;
  }
}

/** A file a second would be thousands a day. */
async function tidy({ ports }: RoleContext): Promise<void> {
  for (const table of [rawTable, lineageTable]) {
    await ports.tables.compact(table, { smallFileBytes, targetFileBytes: smallFileBytes * 8 });
    await ports.tables.vacuum(table, { retainUs: 60_000_000 });
  }
}

/** A round that lost a race, or a store that did not answer: the next round does it. */
function skipRound(error: unknown): void {
  if (!(error instanceof CallError)) throw error;
}

/** What `raw` holds, a page at a time: every change, with a null reason where it is sound. */
async function* archivedChanges({ ports }: RoleContext) {
  const { tables } = ports;
  const wanted = { columns: ['customer', 'seq', 'refused'] };
  for await (const { rows, columns } of tables.scan(await tables.snapshot(rawTable), wanted))
    yield {
      rows,
      customers: columns.customer as ArrayLike<number>,
      seqs: columns.seq as ArrayLike<number>,
      reasons: columns.refused as TextValues,
    };
}

async function* exportChanges(context: RoleContext): AsyncIterable<readonly ChangeKey[]> {
  for await (const { rows, customers, seqs, reasons } of archivedChanges(context)) {
    const sound: ChangeKey[] = [];
    for (let i = 0; i < rows; i++)
      if (reasons[i] === null) sound.push({ customer: customers[i] as number, seq: seqs[i] as number });
    yield sound;
  }
}

async function* listQuarantine(context: RoleContext): AsyncIterable<readonly Quarantined[]> {
  for await (const { rows, customers, seqs, reasons } of archivedChanges(context)) {
    const refused: Quarantined[] = [];
    for (let i = 0; i < rows; i++) {
      const reason = reasons[i] as string | null;
      if (reason !== null) refused.push({ customer: customers[i] as number, seq: seqs[i] as number, reason });
    }
    yield refused;
  }
}

async function takeInventory({ ports }: RoleContext): Promise<Inventory> {
  const { tables } = ports;
  const names = await tables.tables();
  const files = (await Promise.all(names.map((name) => tables.snapshot(name)))).flatMap((snapshot) => snapshot.files);
  return {
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    smallFiles: files.filter(({ bytes }) => bytes < smallFileBytes).length,
    smallFileBytes,
  };
}
