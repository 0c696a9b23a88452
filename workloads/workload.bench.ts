/** How fast the workload is made and read, on one core. The generator must not be what a benchmark measures. */
import { monotonicUs } from '../harness/clock.js';
import { viewBlock } from './change-batch.js';
import { createContract } from './data-contract.js';
import { minuteUs, secondUs } from './durations.js';
import { createBlockBuilder } from './source/blocks.js';
import { createPayloadWriter } from './source/payloads.js';
import { openSource, type Source } from './trace-generation.js';
import type { Workload } from './workload.js';

export interface WorkloadFigure {
  readonly name: string;
  readonly perSecond: number;
  readonly unit: string;
}

const workload: Workload = {
  contract: {
    topic: 'changes',
    partitions: 8,
    customers: 100_000,
    allowedLatenessUs: secondUs,
    tokenKey: '000102030405060708090a0b0c0d0e0f',
  },
  history: { facts: 200_000, days: 8, lullUs: 0 },
  changes: {
    perSecond: 20_000,
    slotUs: 10_000,
    zipfMilli: 800,
    dirt: { duplicatePpm: 5_000, outOfOrderPpm: 5_000, latePpm: 500, violationPpm: 500 },
    evolveAfterUs: 0,
    breakAfterUs: minuteUs,
    bursts: [],
    disturbances: [],
  },
  reads: {
    predict: { perSecond: 300, keysPerCall: 1, arrivals: { kind: 'poisson' } },
    lookup: { perSecond: 100, keysPerCall: 10, arrivals: { kind: 'poisson' } },
    timeoutUs: secondUs,
    zipfMilli: 800,
  },
  panel: { customers: 200, everyUs: 50_000 },
};
const durationUs = minuteUs;
const warmUpSlots = 1_000;

export async function workloadBenchmarks(): Promise<WorkloadFigure[]> {
  return [measureColumns(), ...measureBlocks()];
}

function open(): Source {
  const source = openSource({ workload, seed: 1, epochUs: 1_750_000_000 * secondUs, durationUs });
  for (const _ of source.history);
  return source;
}

/** Changes as columns: what is drawn, not yet written. */
function measureColumns(): WorkloadFigure {
  const { changes } = open();
  for (let slot = 0; slot < warmUpSlots; slot++) changes.next();
  const startUs = monotonicUs();
  let generated = 0;
  for (let slot = warmUpSlots; slot < changes.slots; slot++) generated += changes.next().count;
  return figure('generate columns', generated, monotonicUs() - startUs);
}

/** The same written as blocks, and those blocks decoded by the contract. */
function measureBlocks(): WorkloadFigure[] {
  const { changes, pools, state } = open();
  const contract = createContract(workload.contract);
  const builder = createBlockBuilder({
    partitions: contract.partitions,
    epochUs: 1_750_000_000 * secondUs,
    slotUs: workload.changes.slotUs,
    partitionOf: contract.partitionOf,
    writePayload: createPayloadWriter(pools, state),
  });
  let encoded = 0;
  let encodeUs = 0;
  let decoded = 0;
  let decodeUs = 0;
  for (let slot = 0; slot < changes.slots; slot++) {
    const warm = slot >= warmUpSlots;
    const startUs = monotonicUs();
    const blocks = builder.build(changes.next());
    const builtUs = monotonicUs();
    let count = 0;
    for (const { block } of blocks) count += contract.decode(viewBlock(block)).count;
    if (!warm) continue;
    encoded += count;
    encodeUs += builtUs - startUs;
    decoded += count;
    decodeUs += monotonicUs() - builtUs;
  }
  return [figure('generate and encode', encoded, encodeUs), figure('decode', decoded, decodeUs)];
}

function figure(name: string, changes: number, us: number): WorkloadFigure {
  return { name, perSecond: Math.round((changes * 1_000_000) / us), unit: 'changes/s' };
}
