/**
 * When each change of a trace was first offered, over all customers: what a reader that served `lastSeq` had not seen
 * yet. Dense typed arrays, built in two passes over the trace; every question is answered in constant time.
 */
import { readFile } from 'node:fs/promises';
import { HarnessError } from '../harness/errors.js';
import { viewBlock } from './change-batch.js';
import { duplicateRefusal } from './refusals.js';
import { readEntries, readTrace, tracePaths } from './trace.js';

export interface EmissionIndex {
  /** Changes that a plane must apply: not refused, copies counted once. */
  readonly soundChanges: number;
  readonly customers: number;
  /** 0 if the customer has no change. */
  highestSeq(customer: number): number;
  /** First emission of a change, event time. */
  emitUs(customer: number, seq: number): number;
  commitUs(customer: number, seq: number): number;
  /** Whether the contract refuses it; copies of a sound change do not make it refused. */
  refused(customer: number, seq: number): boolean;
  /** The earliest first emission among the sound changes with a seq above `lastSeq`; Infinity if there is none. */
  nextEmitUs(customer: number, lastSeq: number): number;
}

export async function loadEmissions(directory: string): Promise<EmissionIndex> {
  const { contract } = await readTrace(directory);
  const highest = await highestSeqs(directory, contract.customers);
  // Customer c owns the places from start[c] on: one for each seq, and one more, since lastSeq counts from 0.
  const start = new Float64Array(contract.customers + 1);
  for (let c = 0; c < contract.customers; c++) start[c + 1] = (start[c] as number) + (highest[c] as number) + 1;
  const places = start[contract.customers] as number;
  const emitUs = new Float64Array(places).fill(Number.NaN);
  const commitUs = new Float64Array(places);
  const refused = new Uint8Array(places);
  const nextEmitUs = new Float64Array(places);

  const truth = await readFile(tracePaths(directory).truth);
  let change = 0;
  let soundChanges = 0;
  for await (const { block } of readEntries(directory)) {
    const batch = viewBlock(block);
    for (let i = 0; i < batch.count; i++, change++) {
      const done = truth[change] as number;
      if (done === duplicateRefusal) continue;
      const place = (start[batch.customer[i] as number] as number) + (batch.seq[i] as number) - 1;
      emitUs[place] = batch.emitUs[i] as number;
      commitUs[place] = batch.commitUs[i] as number;
      refused[place] = done === 0 ? 0 : 1;
      if (done === 0) soundChanges++;
    }
  }
  if (change !== truth.length)
    throw new HarnessError(
      `trace ${directory}: ${change} changes in changes.bin, ${truth.length} in truth.bin; generate the trace again.`,
    );
  for (let c = 0; c < contract.customers; c++) {
    const first = start[c] as number;
    nextEmitUs[first + (highest[c] as number)] = Number.POSITIVE_INFINITY;
    for (let seq = highest[c] as number; seq >= 1; seq--) {
      const place = first + seq - 1;
      const own = emitUs[place] as number;
      if (Number.isNaN(own))
        throw new HarnessError(`trace ${directory}: customer ${c} has no change ${seq}; generate the trace again.`);
      const above = nextEmitUs[place + 1] as number;
      nextEmitUs[place] = refused[place] === 1 ? above : Math.min(above, own);
    }
  }

  const placeOf = (customer: number, seq: number) => {
    if (!(seq >= 1 && seq <= (highest[customer] ?? 0)))
      throw new HarnessError(`trace ${directory}: customer ${customer} has no change ${seq}.`);
    return (start[customer] as number) + seq - 1;
  };
  return {
    soundChanges,
    customers: contract.customers,
    highestSeq: (customer) => highest[customer] ?? 0,
    emitUs: (customer, seq) => emitUs[placeOf(customer, seq)] as number,
    commitUs: (customer, seq) => commitUs[placeOf(customer, seq)] as number,
    refused: (customer, seq) => refused[placeOf(customer, seq)] === 1,
    nextEmitUs: (customer, lastSeq) =>
      lastSeq >= (highest[customer] ?? 0)
        ? Number.POSITIVE_INFINITY
        : (nextEmitUs[(start[customer] as number) + Math.max(0, lastSeq)] as number),
  };
}

async function highestSeqs(directory: string, customers: number): Promise<Uint32Array> {
  const highest = new Uint32Array(customers);
  for await (const { block } of readEntries(directory)) {
    const { count, customer, seq } = viewBlock(block);
    for (let i = 0; i < count; i++) {
      const id = customer[i] as number;
      if (id >= customers)
        throw new HarnessError(`trace ${directory}: customer ${id} of ${customers}; generate the trace again.`);
      highest[id] = Math.max(highest[id] as number, seq[i] as number);
    }
  }
  return highest;
}
