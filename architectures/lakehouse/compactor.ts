/**
 * Table maintenance, beside the stream and in no one's way: folds the changes into the latest image of each entity,
 * merges small files, moves old ones down the tiers, deletes those that nobody needs. Everything it does may be lost and
 * done again.
 */
import { type RoleContext, smallFileBytes } from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import { journalInTables, lineageTable } from '../../harness/lineage/journal.js';
import { openLineage } from '../../harness/lineage/recorder.js';
import { untilDone } from '../../harness/ports/retries.js';
import type { FoldSpec, TableStore } from '../../harness/ports/table-store/port.js';
import { changeSchema } from '../../workloads/fact-schemas.js';
import { snapshotsTable, trainingSetsTable } from './batch-tables.js';
import { recordCompactor } from './lineage.js';
import type { LakehouseParams } from './params.js';
import { changesTable, createTables, currentTable, historyNames, historyTable } from './tables.js';

/** A merged file: large enough to be scanned well, small enough to be rewritten in a moment. */
const targetFileBytes = 16 << 20;
/** What is old is seldom read and never written: as large as table formats have it. */
const targetTierBytes = 128 << 20;

/**
 * Tables that get small files: by every commit of the stream, by a record, by what is left over of history. The others of
 * batch work are replaced as a whole, by few large files.
 */
const compacted = [
  changesTable,
  currentTable,
  ...historyNames.map(historyTable),
  snapshotsTable,
  trainingSetsTable,
  lineageTable,
];

/** An entity's changes are all of one customer, whose commits have rising lsns. */
const foldSpec: FoldSpec = {
  from: changesTable,
  into: currentTable,
  key: ['source_table', 'entity'],
  order: 'lsn',
  unless: 'refused',
  deletion: { column: 'op', value: 'd' },
};

export async function runCompactor(context: RoleContext, params: LakehouseParams): Promise<void> {
  const { ports, clock, signal } = context;
  const { tables } = ports;
  await untilDone(context, async () => {
    await createTables(tables);
    await tables.create(currentTable, changeSchema);
  });
  await recordCompactor(openLineage(context, journalInTables(tables)), context, compacted);
  context.ready();
  let tieredUs = clock.nowUs();
  for (;;) {
    await clock.sleep(params.maintenanceIntervalUs, signal);
    await maintain(tables, params).catch(skipRound);
    // Often against the times that decide, seldom against a round: what is old is so for long.
    if (clock.nowUs() - tieredUs < Math.min(params.warmAfterUs, params.coldAfterUs) / 10) continue;
    tieredUs = clock.nowUs();
    await moveDown(tables, params).catch(skipRound);
  }
}

async function maintain(tables: TableStore, { retainUs }: LakehouseParams): Promise<void> {
  await tables.fold(foldSpec);
  for (const table of await compactedTables(tables)) {
    // Before what compaction takes out of the table now: that the next round deletes at the earliest, after a fold that has
    // read it, however long this process was held or whatever its clock says.
    await tables.vacuum(table, { retainUs });
    await tables.compact(table, { smallFileBytes, targetFileBytes });
  }
}

/** What it leaves behind the next rounds delete. */
async function moveDown(tables: TableStore, { warmAfterUs, coldAfterUs }: LakehouseParams): Promise<void> {
  for (const table of await compactedTables(tables))
    await tables.tier(table, { warmAfterUs, coldAfterUs, targetFileBytes: targetTierBytes });
}

/** Those of them that there are by now. */
async function compactedTables(tables: TableStore): Promise<string[]> {
  const there = new Set(await tables.tables());
  return compacted.filter((table) => there.has(table));
}

/** A round that lost a race, or a store that did not answer: the next round does it. */
function skipRound(error: unknown): void {
  if (!(error instanceof CallError)) throw error;
}
