/** Generates a trace: history first, then the changes slot by slot, written as they come. */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, UsageError } from '../harness/errors.js';
import { type Random, seededRandom } from '../harness/random.js';
import { createContract } from './data-contract.js';
import { keySampler } from './keys.js';
import { drawPanel } from './panel.js';
import { createBlockBuilder, type SlotBlock } from './source/blocks.js';
import { type ChangeSource, createChangeSource, type SlotChanges } from './source/changes.js';
import { generateHistory, type HistoryPart } from './source/history.js';
import { hashHistoryFiles, writeHistory } from './source/history-files.js';
import { createPayloadWriter } from './source/payloads.js';
import { emailOf, fillPools, type Pools } from './source/pools.js';
import { createState, type SourceState } from './source/state.js';
import { combineHashes, entryHeaderBytes, type TraceInfo, tracePaths, writeEntryHeader } from './trace.js';
import type { Workload } from './workload.js';

export interface TraceOptions {
  readonly workload: Workload;
  readonly seed: number;
  readonly epochUs: number;
  readonly durationUs: number;
  readonly directory: string;
  readonly onProgress?: (slots: number, ofSlots: number) => void;
}

/**
 * Writes the trace of a seed into `directory`, which must not exist yet. It is written beside it and renamed at the
 * end: a folder with that name holds a whole trace.
 */
export async function generateTrace(options: TraceOptions): Promise<TraceInfo> {
  const { directory } = options;
  await mkdir(dirname(directory), { recursive: true });
  const partial = `${directory}.partial-${process.pid}`;
  await rm(partial, { recursive: true, force: true });
  try {
    const info = await writeTrace(options, partial);
    await rename(partial, directory).catch((error: unknown) => {
      throw new UsageError(`trace ${directory}: cannot be put in place (${messageOf(error)}); remove what is there.`, {
        cause: error,
      });
    });
    return info;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function writeTrace(options: TraceOptions, directory: string): Promise<TraceInfo> {
  const { workload, seed, epochUs, durationUs } = options;
  const paths = tracePaths(directory);
  const source = openSource(options);
  await mkdir(directory);

  const history = { facts: workload.history.facts, ...(await writeHistory(paths.history, source.history)) };
  const historyHash = createHash('sha256');
  await hashHistoryFiles(historyHash, paths.history);
  const personal = personalSamples(source);
  const { entries, changes, hashes } = await writeChanges(options, directory, source, personal);

  const info: TraceInfo = {
    schema: 'planebench.trace/1',
    seed,
    epochUs,
    durationUs,
    workload,
    contract: workload.contract,
    changes,
    entries,
    sha256: combineHashes([...hashes, historyHash]),
    history,
    panel: drawPanel(source.changes.lastSeq, workload.panel.customers, source.random.fork('panel')),
    personalSamples: [...personal],
  };
  await writeFile(paths.info, `${JSON.stringify(info, null, 2)}\n`);
  return info;
}

/** The generated source database after its history, and the changes that it will make. */
export interface Source {
  readonly random: Random;
  readonly pools: Pools;
  readonly state: SourceState;
  /** To be taken to its end before the first change is asked for. */
  readonly history: Iterable<HistoryPart>;
  readonly changes: ChangeSource;
}

export function openSource({ workload, seed, epochUs, durationUs }: Omit<TraceOptions, 'directory'>): Source {
  const random = seededRandom(seed);
  const { customers } = workload.contract;
  const pools = fillPools(seed);
  const state = createState(customers, pools, random.fork('state'));
  const drawCustomer = keySampler({ seed, customers, zipfMilli: workload.changes.zipfMilli });
  const { facts, days, lullUs } = workload.history;
  const history = generateHistory(
    { epochUs: epochUs - lullUs, facts, days, drawCustomer, pools, random: random.fork('history') },
    state,
  );
  const changes = createChangeSource(
    { workload, epochUs, durationUs, drawCustomer, pools, random: random.fork('changes') },
    state,
  );
  return { random, pools, state, history, changes };
}

async function writeChanges(options: TraceOptions, directory: string, source: Source, personal: Set<string>) {
  const { workload, epochUs, onProgress } = options;
  const contract = createContract(workload.contract);
  const builder = createBlockBuilder({
    partitions: contract.partitions,
    epochUs,
    slotUs: workload.changes.slotUs,
    partitionOf: contract.partitionOf,
    writePayload: createPayloadWriter(source.pools, source.state),
  });
  const paths = tracePaths(directory);
  const changesFile = await openWriter(paths.changes);
  const truthFile = await openWriter(paths.truth);
  let entries = 0;
  let changes = 0;
  try {
    for (let slot = 0; slot < source.changes.slots; slot++) {
      const slotChanges = source.changes.next();
      samplePersonal(slotChanges, source.pools, personal);
      for (const entry of builder.build(slotChanges)) {
        await changesFile.write(headerOf(entry));
        await changesFile.write(entry.block);
        await truthFile.write(entry.truth);
        entries++;
        changes += entry.truth.length;
      }
      onProgress?.(slot + 1, source.changes.slots);
    }
    return { entries, changes, hashes: [await changesFile.finish(), await truthFile.finish()] };
  } finally {
    await changesFile.close();
    await truthFile.close();
  }
}

function headerOf({ slotUs, partition, block }: SlotBlock): Uint8Array {
  const header = new Uint8Array(entryHeaderBytes);
  writeEntryHeader(header, slotUs, partition, block.length);
  return header;
}

const chunkBytes = 4_194_304;

/** A file written in large chunks and hashed on the way. */
async function openWriter(path: string) {
  const file: FileHandle = await open(path, 'wx');
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafeSlow(chunkBytes); // only what was filled is ever written
  let filled = 0;
  const flush = async () => {
    const bytes = chunk.subarray(0, filled);
    hash.update(bytes);
    await file.writeFile(bytes);
    filled = 0;
  };
  return {
    async write(bytes: Uint8Array) {
      for (let from = 0; from < bytes.length; ) {
        const part = bytes.subarray(from, from + chunk.length - filled);
        chunk.set(part, filled);
        filled += part.length;
        from += part.length;
        if (filled === chunk.length) await flush();
      }
    },
    async finish() {
      await flush();
      await file.datasync();
      return hash;
    },
    close: () => file.close(),
  };
}

const samplesOfHistory = 20;
const samplesOfChanges = 60;

/** E-mail and phone of some customers: what no plane may store as it is. */
function personalSamples({ random: ofTrace, pools, state }: Source): Set<string> {
  const random = ofTrace.fork('personal');
  const samples = new Set<string>();
  for (let i = 0; i < samplesOfHistory; i++) {
    const customer = random.below(state.customers);
    samples.add(emailOf(pools, customer, state.email[customer] as number));
    samples.add(pools.phones[state.phone[customer] as number] as string);
  }
  return samples;
}

/** Adds those of the first changes to customers. */
function samplePersonal(changes: SlotChanges, pools: Pools, samples: Set<string>): void {
  const customers = 3;
  for (let i = 0; i < changes.count && samples.size < samplesOfChanges; i++) {
    if (changes.table[i] !== customers) continue;
    samples.add(emailOf(pools, changes.customer[i] as number, changes.email[i] as number));
    samples.add(pools.phones[changes.phone[i] as number] as string);
  }
}
