/** How fast the batch layer's own work is, at the size of the headline run: the real tables and online store, no load beside it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RoleContext } from '../../harness/architecture.js';
import { monotonicNs, monotonicUs, systemClock } from '../../harness/clock.js';
import { testOrigin } from '../../harness/lineage/fixture-origin.js';
import { journalInTables } from '../../harness/lineage/journal.js';
import { openLineage } from '../../harness/lineage/recorder.js';
import type { ChangeLog } from '../../harness/ports/change-log/port.js';
import { connectOnlineStore } from '../../harness/ports/online-store/embedded.js';
import { startOnlineStoreServer } from '../../harness/ports/online-store/embedded-process.js';
import { openTableStore } from '../../harness/ports/table-store/embedded.js';
import { seededRandom } from '../../harness/random.js';
import { createContract } from '../../workloads/data-contract.js';
import { secondUs } from '../../workloads/durations.js';
import { smallWorkload } from '../../workloads/fixture-workload.js';
import { historyFiles, readEntries } from '../../workloads/trace.js';
import { generateTrace } from '../../workloads/trace-generation.js';
import { openArchive } from './archive.js';
import { batchTable } from './epochs.js';
import { loadHistory } from './history.js';
import { recomputeView } from './recompute.js';

const small = smallWorkload({ customers: 100_000, lullUs: 0 });
const workload = {
  ...small,
  history: { ...small.history, facts: 1_000_000 },
  changes: {
    ...small.changes,
    perSecond: 20_000,
    dirt: { duplicatePpm: 5_000, outOfOrderPpm: 5_000, latePpm: 500, violationPpm: 500 },
  },
};
const durationUs = 20 * secondUs;
const epochUs = 1_768_478_400 * secondUs;
const recomputations = 3;

export async function lambdaBenchmarks(): Promise<{ name: string; perSecond: number; unit: string }[]> {
  const directory = await mkdtemp(join(tmpdir(), 'planebench-bench-'));
  const trace = join(directory, 'trace');
  const { contract } = await generateTrace({ workload, seed: 1, epochUs, durationUs, directory: trace });
  const origin = { epochUs: epochUs + durationUs, zeroNs: monotonicNs() };
  const clock = systemClock(origin);
  const server = await startOnlineStoreServer({ directory: join(directory, 'online-store'), port: 0 }, origin);
  const onlineStore = connectOnlineStore({ port: server.port });
  const tables = openTableStore({ directory: join(directory, 'tables'), clock });
  try {
    const context = {
      ports: { changeLog: await rememberLog(trace, contract.partitions), onlineStore, tables },
      clock,
      random: seededRandom(1),
      origin: testOrigin('batch', seededRandom(1, '/run')),
      contract: createContract(contract),
      signal: new AbortController().signal,
    } as unknown as RoleContext;
    let historyRows = 0;
    const historyUs = await timeUs(async () => {
      historyRows = (await loadHistory(context, { files: historyFiles(trace) })).rows;
    });
    const archiving = await openArchive(context);
    const archiveUs = await timeUs(() => archiving.archive());
    const { files } = await tables.snapshot('raw');
    const changes = files.reduce((sum, { rows }) => sum + rows, 0);
    let recomputeUs = 0;
    const lineage = openLineage(context, journalInTables(tables));
    for (let epoch = 0; epoch < recomputations; epoch++) {
      recomputeUs += await timeUs(() => recomputeView(context, lineage, epoch));
      await onlineStore.drop(batchTable(epoch));
    }
    return [
      { name: 'load history', perSecond: (historyRows * 1e6) / historyUs, unit: 'facts/s' },
      { name: 'archive', perSecond: (changes * 1e6) / archiveUs, unit: 'changes/s' },
      {
        name: 'recompute the view from all of it',
        perSecond: (recomputations * (historyRows + changes) * 1e6) / recomputeUs,
        unit: 'rows/s',
      },
    ];
  } finally {
    await Promise.all([onlineStore.close(), tables.close()]);
    await server.child.stop();
    await rm(directory, { recursive: true });
  }
}

/** The entries of a trace as a log without a server: its cost is no part of these figures. */
async function rememberLog(trace: string, partitions: number): Promise<Pick<ChangeLog, 'endOffsets' | 'read'>> {
  const log: Uint8Array[][] = Array.from({ length: partitions }, () => []);
  for await (const { partition, block } of readEntries(trace)) log[partition]?.push(block.slice());
  return {
    endOffsets: async () => log.map((entries) => entries.length),
    async read(_topic, partition, offset, { maxBytes }) {
      const entries: Uint8Array[] = [];
      for (let at = offset, bytes = 0; at < log[partition]!.length && bytes < maxBytes; at++) {
        const entry = log[partition]![at] as Uint8Array;
        entries.push(entry);
        bytes += entry.length;
      }
      return { entries } as unknown as Awaited<ReturnType<ChangeLog['read']>>;
    },
  };
}

async function timeUs(work: () => Promise<unknown>): Promise<number> {
  const startUs = monotonicUs();
  await work();
  return Math.max(1, monotonicUs() - startUs);
}
