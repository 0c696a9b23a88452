/** What a disturbance makes of the stream: the shares and the rate asked for, in its window and nowhere else. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { viewBlock } from './change-batch.js';
import { createContract } from './data-contract.js';
import { secondUs } from './durations.js';
import { smallWorkload } from './fixture-workload.js';
import { refusals } from './refusals.js';
import { readEntries, type TraceInfo, tracePaths } from './trace.js';
import { generateTrace } from './trace-generation.js';
import type { Disturbance, Workload } from './workload.js';

const small = smallWorkload({ customers: 500, lullUs: 0 });
const clean = { duplicatePpm: 0, outOfOrderPpm: 0, latePpm: 0, violationPpm: 0 };
const perSecond = 2_000;
const epochUs = 1_768_478_400 * secondUs;
const durationUs = 8 * secondUs;
/** The window of every disturbance here: three seconds, 6,000 changes at the usual rate. */
const during = { afterUs: 3 * secondUs, forUs: 3 * secondUs } as const;

let folder: string;
let generated = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-disturbed-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Offered {
  /** Since the start of the trace. */
  readonly commitUs: number;
  readonly emitUs: number;
  readonly customer: number;
  readonly seq: number;
  readonly lsn: number;
  readonly truth: string;
  /** What the contract says of it. */
  readonly refusal: string;
}

async function generate(
  disturbances: readonly Disturbance[],
  changes: Partial<Workload['changes']> = {},
): Promise<{ info: TraceInfo; offered: Offered[] }> {
  const workload: Workload = {
    ...small,
    changes: { ...small.changes, perSecond, dirt: clean, breakAfterUs: durationUs, ...changes, disturbances },
  };
  const directory = join(folder, String(generated++));
  const info = await generateTrace({ workload, seed: 11, epochUs, durationUs, directory });
  const contract = createContract(workload.contract);
  const truth = await readFile(tracePaths(directory).truth);
  const offered: Offered[] = [];
  for await (const { block } of readEntries(directory)) {
    const batch = viewBlock(block);
    const { refusal } = contract.decode(batch);
    for (let i = 0; i < batch.count; i++)
      offered.push({
        commitUs: batch.commitUs[i]! - epochUs,
        emitUs: batch.emitUs[i]! - epochUs,
        customer: batch.customer[i]!,
        seq: batch.seq[i]!,
        lsn: batch.lsn[i]!,
        truth: refusals[truth[offered.length]!]!,
        refusal: refusals[refusal[i]!]!,
      });
  }
  return { info, offered };
}

/** A slot's changes were committed up to two slots before it. */
const marginUs = 2 * small.changes.slotUs;
const isDuring = ({ commitUs }: Offered) =>
  commitUs >= during.afterUs - marginUs && commitUs < during.afterUs + during.forUs;
const isOriginal = ({ truth }: Offered) => truth !== 'duplicate';

/** Five standard deviations of a binomial count: by chance once in two million. */
function expectShare(count: number, of: number, ppm: number): void {
  const p = ppm / 1_000_000;
  expect(Math.abs(count - of * p)).toBeLessThan(5 * Math.sqrt(of * p * (1 - p)));
}

describe('dirt that a disturbance brings', () => {
  const ppm = 200_000;
  const heldBack = ({ truth, commitUs, emitUs }: Offered) => truth === '' && emitUs - commitUs > marginUs;
  it.each<[string, Disturbance['dirt'] & object, (change: Offered) => boolean]>([
    ['late', { latePpm: ppm }, ({ truth }) => truth === 'late'],
    ['copied', { duplicatePpm: ppm }, ({ truth }) => truth === 'duplicate'],
    ['out of order', { outOfOrderPpm: ppm }, heldBack],
    [
      'violating',
      { violationPpm: ppm },
      ({ truth, refusal }) => truth === refusal && (truth === 'undecodable' || truth === 'out_of_range'),
    ],
    ['poisoned', { poisonPpm: ppm }, ({ truth }) => truth === 'undecodable'],
    ['incompatible', { incompatiblePpm: ppm }, ({ truth }) => truth === 'incompatible_schema'],
  ])('%s: the share asked for, in the window only, refused as the contract says', async (_, dirt, isOfKind) => {
    const { offered } = await generate([{ ...during, dirt }]);
    const ofKind = offered.filter(isOfKind);
    expect(ofKind.filter((change) => !isDuring(change))).toEqual([]);
    expectShare(ofKind.length, 6_000, ppm);
    expect(offered.filter(({ truth, refusal }) => refusal !== (truth === 'duplicate' ? '' : truth))).toEqual([]);
    expect(offered.filter(isOriginal)).toHaveLength(8 * perSecond);
  });

  it('replaces the usual share, and leaves the others as they were', async () => {
    const { offered } = await generate([{ ...during, dirt: { latePpm: 0, poisonPpm: 300_000 } }], {
      dirt: { ...clean, latePpm: 100_000, duplicatePpm: 100_000 },
    });
    const originals = offered.filter(isOriginal);
    const within = originals.filter(isDuring);
    const late = originals.filter(({ truth }) => truth === 'late');
    // The commits at both ends of the window may be of a slot outside it.
    const isInside = ({ commitUs }: Offered) =>
      commitUs >= during.afterUs && commitUs < during.afterUs + during.forUs - marginUs;
    expect(late.filter(isInside)).toEqual([]);
    expect(late.length).toBeGreaterThan(500);
    const truths = (wanted: string) => within.filter(({ truth }) => truth === wanted).length;
    expectShare(truths('undecodable'), within.length, 300_000);
    expectShare(offered.filter((change) => isDuring(change) && !isOriginal(change)).length, within.length, 100_000);
  });

  it('leaves nothing behind that a later change builds on: seqs go on without a gap', async () => {
    const { offered } = await generate([{ ...during, dirt: { latePpm: 200_000, poisonPpm: 200_000 } }]);
    const last = new Map<number, number>();
    for (const { customer, seq } of [...offered].sort((a, b) => a.lsn - b.lsn)) {
      expect(seq).toBe((last.get(customer) ?? 0) + 1);
      last.set(customer, seq);
    }
  });

  it('late changes fall on customers alike', async () => {
    const { offered } = await generate([{ ...during, dirt: { latePpm: 200_000 } }]);
    const counts = new Uint32Array(500);
    for (const { customer, truth } of offered) if (truth === 'late') counts[customer]!++;
    expect(Math.max(...counts)).toBeLessThan(15);
  });
});

describe('the rate', () => {
  it('is multiplied in the window, and so are those of disturbances that overlap', async () => {
    const { offered } = await generate([
      { ...during, times: 4 },
      { afterUs: during.afterUs + secondUs, forUs: secondUs, times: 2 },
    ]);
    const perWindow = (fromUs: number, forUs: number) =>
      offered.filter(({ emitUs }) => emitUs >= fromUs && emitUs < fromUs + forUs).length;
    expect(perWindow(0, during.afterUs)).toBe(3 * perSecond);
    expect(perWindow(during.afterUs, secondUs)).toBe(4 * perSecond);
    expect(perWindow(during.afterUs + secondUs, secondUs)).toBe(8 * perSecond);
    expect(perWindow(during.afterUs + 2 * secondUs, secondUs)).toBe(4 * perSecond);
    expect(perWindow(during.afterUs + 3 * secondUs, 2 * secondUs)).toBe(2 * perSecond);
  });

  it('multiplies that of a burst', async () => {
    const { offered } = await generate([{ ...during, times: 3 }], { bursts: [{ ...during, times: 2 }] });
    expect(offered).toHaveLength(5 * perSecond + 3 * 6 * perSecond);
  });
});

it('of disturbances that overlap the last in the list has its say, share by share', async () => {
  const { offered } = await generate([
    { ...during, dirt: { poisonPpm: 500_000, duplicatePpm: 200_000 } },
    { ...during, dirt: { poisonPpm: 100_000 } },
  ]);
  expectShare(offered.filter(({ truth }) => truth === 'undecodable').length, 6_000, 100_000);
  expectShare(offered.filter(({ truth }) => truth === 'duplicate').length, 6_000, 200_000);
});

it('changes no byte before it begins, and none at all if it asks for what there is', async () => {
  const usual = { dirt: { ...clean, duplicatePpm: 50_000, latePpm: 20_000 } };
  const [undisturbed, disturbed, nothingNew] = [
    await generate([], usual),
    await generate([{ ...during, times: 5, dirt: { poisonPpm: 500_000 } }], usual),
    await generate([{ ...during, times: 1, dirt: { latePpm: 20_000, poisonPpm: 0 } }], usual),
  ];
  const before = ({ emitUs }: Offered) => emitUs < during.afterUs;
  expect(disturbed.offered.filter(before)).toEqual(undisturbed.offered.filter(before));
  expect(disturbed.info.sha256).not.toBe(undisturbed.info.sha256);
  expect(nothingNew.info.sha256).toBe(undisturbed.info.sha256);
});

it.each<[string, Disturbance, RegExp]>([
  ['shares above the whole', { ...during, dirt: { poisonPpm: 600_000, latePpm: 600_000 } }, /1200000 ppm in sum/],
  ['a negative share', { ...during, dirt: { latePpm: -1 } }, /"latePpm":-1/],
  ['a rate of none', { ...during, times: 0 }, /times above 0/],
  ['no length', { ...during, forUs: 0 }, /for longer than 0/],
  ['more than a change a microsecond', { ...during, times: 1_000 }, /fewer than one change a microsecond/],
])('refuses %s before anything is written', async (_, disturbance, message) => {
  await expect(generate([disturbance])).rejects.toThrow(message);
});
