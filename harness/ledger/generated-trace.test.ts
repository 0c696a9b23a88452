/** The ledger on a trace of the real generator, with much dirt: a plane that does everything right is found right. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { viewBlock } from '../../workloads/change-batch.js';
import { createContract } from '../../workloads/data-contract.js';
import { hourUs, secondUs } from '../../workloads/durations.js';
import { type EmissionIndex, loadEmissions } from '../../workloads/emissions.js';
import { refusals } from '../../workloads/refusals.js';
import { readEntries, type TraceInfo } from '../../workloads/trace.js';
import { generateTrace } from '../../workloads/trace-generation.js';
import type { ChangeKey, Quarantined } from '../architecture.js';
import type { AppendColumns } from '../record/facts.js';
import { foldLedger } from './ledger.js';
import { type Features, type Oracle, openOracle, sameFeatures } from './oracle.js';
import { soundTables } from './sound-tables.fixture.js';
import { listChanges } from './tables.js';
import { epochUs } from './trace.fixture.js';

const durationUs = 5 * secondUs;
const dirt = { duplicatePpm: 40_000, outOfOrderPpm: 40_000, latePpm: 20_000, violationPpm: 20_000 };

let directory: string;
let info: TraceInfo;
let emissions: EmissionIndex;
let oracle: Oracle;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'planebench-generated-'));
  const stream = { perSecond: 10, keysPerCall: 1, arrivals: { kind: 'constant' } } as const;
  info = await generateTrace({
    seed: 5,
    epochUs: epochUs + hourUs - 2 * secondUs,
    durationUs,
    directory: join(directory, 'trace'),
    workload: {
      contract: {
        topic: 'changes',
        partitions: 4,
        customers: 300,
        allowedLatenessUs: 1_500_000,
        tokenKey: '00'.repeat(16),
      },
      history: { facts: 5_000, days: 8, lullUs: secondUs },
      changes: {
        perSecond: 2_000,
        slotUs: 10_000,
        zipfMilli: 800,
        dirt,
        evolveAfterUs: secondUs,
        breakAfterUs: 2 * secondUs,
        bursts: [],
        disturbances: [],
      },
      reads: { predict: stream, lookup: stream, timeoutUs: secondUs, zipfMilli: 800 },
      panel: { customers: 10, everyUs: 50_000 },
    },
  });
  emissions = await loadEmissions(join(directory, 'trace'));
  oracle = await openOracle(join(directory, 'trace'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

it('agrees with the generator about every change, and with a right plane about everything', async () => {
  const { appends, exported, quarantined } = await replay();
  const reasons = new Set(quarantined.map(({ reason }) => reason));
  expect([...reasons].sort()).toEqual(refusals.filter((name) => name !== '').sort());
  const versions = Array.from({ length: 300 }, (_, customer) => ({
    customer,
    lastSeq: emissions.highestSeq(customer),
    asOfUs: info.epochUs + durationUs + customer,
  })).filter(({ lastSeq }) => lastSeq > 0);
  const features = await oracle.evaluate(versions);
  const finalRows = versions.map(({ customer, ...version }, i) => ({
    key: String(customer),
    ...version,
    features: features[i]!,
  }));
  const none = { rows: 0, sentUs: new Float64Array(0), doneUs: new Float64Array(0) };
  const facts = await foldLedger({
    rolledBack: [],
    trace: join(directory, 'trace'),
    oracle,
    emissions,
    appends,
    operations: {
      ...none,
      kind: new Uint8Array(),
      intendedUs: none.sentUs,
      outcome: new Uint8Array(),
      keys: new Uint32Array(),
    },
    reads: {
      rows: 0,
      operation: new Uint32Array(),
      customer: new Uint32Array(),
      lastSeq: none.sentUs,
      asOfUs: none.sentUs,
      nextEmitUs: none.sentUs,
    },
    probes: { ...none, probe: new Uint32Array(), member: new Uint32Array(), lastSeq: none.sentUs, asOfUs: none.sentUs },
    panel: info.panel,
    exported: Promise.resolve({ changes: [listChanges(exported)], quarantined: [quarantined] }),
    finalRows: Promise.resolve(finalRows),
    settledRows: Promise.resolve(null),
    live: { rows: [], predictions: [] },
    storedPaths: Promise.resolve([join(directory, 'trace', 'history')]),
    storesElsewhere: false,
  });
  expect(facts).toMatchObject({
    attempted: info.changes,
    acknowledged: info.changes,
    tables: soundTables,
    final: { checked: versions.length, right: versions.length },
    behind: 0,
  });
  // The history itself, as a source delivers it, is full of what the search is for.
  expect(facts.personalDataLeaks).toBeGreaterThan(0);
});

/** What a plane that uses the contract's own decoder, and sees every copy in order of emission, holds and refuses. */
async function replay() {
  const contract = createContract(info.contract);
  const seen = new Set<string>();
  const exported: ChangeKey[] = [];
  const quarantined: Quarantined[] = [];
  const entries: { slotUs: number; partition: number; changes: number }[] = [];
  for await (const { slotUs, partition, block } of readEntries(join(directory, 'trace'))) {
    const batch = viewBlock(block);
    const decoded = contract.decode(batch);
    entries.push({ slotUs, partition, changes: batch.count });
    for (let i = 0; i < batch.count; i++) {
      const key = { customer: batch.customer[i]!, seq: batch.seq[i]! };
      const name = `${key.customer} ${key.seq}`;
      const reason = refusals[decoded.refusal[i]!] || (seen.has(name) ? 'duplicate' : '');
      if (reason) quarantined.push({ ...key, reason });
      else exported.push(key);
      seen.add(name);
    }
  }
  const appends: AppendColumns = {
    rows: entries.length,
    slotUs: Float64Array.from(entries, ({ slotUs }) => slotUs),
    partition: Uint8Array.from(entries, ({ partition }) => partition),
    changes: Uint32Array.from(entries, ({ changes }) => changes),
    bytes: new Uint32Array(entries.length),
    sentUs: new Float64Array(entries.length),
    doneUs: new Float64Array(entries.length),
    outcome: new Uint8Array(entries.length),
  };
  return { appends, exported, quarantined };
}

it('reads the truth of the generator, which tells of every kind of dirt', async () => {
  const truth = await readFile(join(directory, 'trace', 'truth.bin'));
  expect(new Set(truth)).toEqual(new Set(refusals.map((_, code) => code)));
});

it('evaluates the same rows where history is looked up customer by customer', async () => {
  const some = await openOracle(join(directory, 'trace'), 0);
  const rows = Array.from({ length: 300 }, (_, customer) => ({
    customer,
    lastSeq: Math.floor(emissions.highestSeq(customer) / 2),
    asOfUs: info.epochUs + durationUs,
  }));
  const whole = await oracle.evaluate(rows);
  // Those without changes come after those with some, in looks of their own.
  const [first, second] = await Promise.all([some.evaluate(rows.slice(0, 3)), some.evaluate(rows.slice(3))]);
  expect([...first, ...second]).toEqual(whole);
  const sought = rows.map((row, i) => ({ ...row, features: whole[i] as Features }));
  expect(await some.findVersions(sought, sameFeatures)).toEqual(await oracle.findVersions(sought, sameFeatures));
});
