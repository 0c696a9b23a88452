import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hourUs, secondUs } from '../../workloads/durations.js';
import { type EmissionIndex, loadEmissions } from '../../workloads/emissions.js';
import { customerActivity, type FeatureRow } from '../../workloads/feature-view.js';
import { modelOf, predict } from '../../workloads/model.js';
import type { ChangeKey, Quarantined } from '../architecture.js';
import type { AppendColumns, LedgerFacts, OperationColumns, ProbeColumns, ReadColumns } from '../record/facts.js';
import { foldLedger, type LedgerInput } from './ledger.js';
import { evaluateNaively } from './naive-view.fixture.js';
import { type Oracle, openOracle } from './oracle.js';
import { soundTables } from './sound-tables.fixture.js';
import { listChanges } from './tables.js';
import {
  allowedLatenessUs,
  click,
  epochUs,
  type GivenChange,
  type GivenTrace,
  order,
  partitions,
  slotUs,
  writeTrace,
} from './trace.fixture.js';

/** Customer 0 has orders and clicks, customer 1 a click and every kind of refused change, customer 2 history only. */
const trace: GivenTrace = {
  customers: 4,
  history: { orders: [order(90, 0, epochUs - 2 * hourUs, 40, 1), order(91, 2, epochUs - 2 * hourUs, 60, 2)] },
  changes: [
    change(0, 1, 'orders', null, order(1, 0, epochUs, 500, 3)),
    change(0, 2, 'clicks', null, click(2, 0, epochUs)),
    change(0, 3, 'orders', order(1, 0, epochUs, 500, 3), order(1, 0, epochUs, 700, 4)),
    change(0, 4, 'orders', null, order(3, 0, epochUs, 11, 5)),
    change(0, 5, 'clicks', null, click(4, 0, epochUs)),
    change(1, 1, 'clicks', null, click(5, 1, epochUs)),
    { ...change(1, 2, 'clicks', null, click(6, 1, epochUs)), ...lateBy(50) },
    { ...change(1, 3, 'orders', null, order(7, 1, epochUs, -1)), truth: 'out_of_range' },
    { ...change(1, 1, 'clicks', null, click(5, 1, epochUs)), emitUs: epochUs + 30 * slotUs, truth: 'duplicate' },
    change(1, 4, 'orders', null, order(8, 1, epochUs, 80)),
  ],
};
const asOfUs = epochUs + 10 * secondUs;

function change(
  customer: number,
  seq: number,
  table: GivenChange['table'],
  before: GivenChange['before'],
  after: GivenChange['after'],
): GivenChange {
  const commitUs = epochUs + seq * slotUs;
  return { customer, seq, table, before, after, commitUs, emitUs: commitUs + slotUs };
}

function lateBy(slots: number) {
  return { emitUs: epochUs + allowedLatenessUs + slots * slotUs, truth: 'late' as const };
}

let directory: string;
let oracle: Oracle;
let emissions: EmissionIndex;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'planebench-ledger-'));
  await writeTrace(directory, trace);
  oracle = await openOracle(directory);
  emissions = await loadEmissions(directory);
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

describe('a sound plane', () => {
  it('is found sound in every account', async () => {
    expect(await fold({})).toEqual(soundFacts);
  });

  it('may hold or not hold what an indeterminate append offered', async () => {
    const appends = appendsWith({ at: { customer: 0, seq: 5 }, outcome: 2 });
    const without = withoutChange(0, 5);
    const expected = { ...soundFacts, acknowledged: 9, visible: 9, indeterminate: 1, unacknowledged: 1 };
    expect(await fold({ appends })).toEqual(expected);
    expect(await fold({ appends, exported: [without], finalRows: [row(0, 4), row(1, 4)] })).toEqual(expected);
  });

  it('owes nothing for a failed append, and the customer stands still before it', async () => {
    const appends = appendsWith({ at: { customer: 0, seq: 3 }, outcome: 1 });
    const facts = await fold({ appends, exported: [withoutChange(0, 3)], finalRows: [row(0, 2), row(1, 4)] });
    expect(facts).toEqual({ ...soundFacts, acknowledged: 9, visible: 7, failed: 1, unacknowledged: 1 });
  });

  it('is judged by a copy when the first append failed', async () => {
    const appends = appendsWith({ at: { customer: 1, seq: 1 }, outcome: 1 });
    const quarantined = [soundQuarantine.filter(({ reason }) => reason !== 'duplicate')];
    const sound = { ...soundFacts, acknowledged: 9, visible: 9, failed: 1, unacknowledged: 1 };
    expect(await fold({ appends, quarantined })).toEqual(sound);
    expect((await fold({ appends })).tables).toMatchObject({ quarantineUnexpected: 1 });
  });

  it('predicts what the model that it names makes of the row at that version', async () => {
    const of = (customer: number, lastSeq: number, modelVersion: number) => {
      const { key, asOfUs: at, features } = row(customer, lastSeq);
      return { key, lastSeq, asOfUs: at, modelVersion, score: predict(features, modelOf(modelVersion)) };
    };
    const [one, two] = [of(0, 5, 1), of(1, 4, 2)];
    expect(one.score).not.toBe(two.score);
    expect((await fold({ livePredictions: [one, two] })).live).toEqual({ checked: 2, right: 2, mistakes: {} });
    const constant = { ...one, score: 0.5 };
    const otherModel = { ...one, modelVersion: 2 };
    const unknownModel = { ...two, modelVersion: 99 };
    const early = { ...two, lastSeq: 4_000 };
    const facts = await fold({
      liveRows: [row(0, 5)],
      livePredictions: [one, constant, otherModel, unknownModel, early],
    });
    expect(facts.live).toEqual({ checked: 6, right: 2, mistakes: { misscored: 3, ahead: 1 } });
    expect(facts.examples.join('\n')).toMatch(
      /live prediction misscored: customer 0 at seq 5: its score is 0\.5, model 1 says 0\.\d+/,
    );
  });

  it('that offers no export has no account of its tables', async () => {
    expect((await fold({ exported: null })).tables).toBeNull();
  });

  it('may read older versions in reads that overlap', async () => {
    const { operations, reads } = readsOf([
      { customer: 0, sentUs: 100, doneUs: 300, lastSeq: 3, asOfUs: 7 },
      { customer: 0, sentUs: 200, doneUs: 400, lastSeq: 2, asOfUs: 6 },
      { customer: 1, sentUs: 500, doneUs: 600, lastSeq: 1, asOfUs: 1 },
      { customer: 0, sentUs: 300, doneUs: 600, lastSeq: 2, asOfUs: 5 },
    ]);
    expect((await fold({ operations, reads })).monotonicViolations).toBe(0);
  });
});

describe('a planted defect', () => {
  it('lost: an acknowledged change that the tables do not hold, with the span of emissions that were lost', async () => {
    const facts = await fold({ exported: [soundExport.filter(({ customer, seq }) => customer !== 0 || seq === 3)] });
    const lostEmitUs = [2, 3, 5, 6].map((slot) => epochUs + slot * slotUs);
    expect(facts.tables).toEqual({ ...soundFacts.tables, lost: 4, rpoUs: 4 * slotUs, skewed: 1, lostEmitUs });
    expect(facts.examples[0]).toBe(
      'lost: the tables do not hold change 1 of customer 0 (emitted at +0.020 s), which was acknowledged',
    );
  });

  it('duplicated: every surplus holding counts', async () => {
    const again = { customer: 0, seq: 2 };
    const facts = await fold({ exported: [soundExport, [again], [again]] });
    const emitUs = epochUs + 3 * slotUs;
    expect(facts.tables).toEqual({ ...soundFacts.tables, duplicated: 2, duplicatedEmitUs: [emitUs, emitUs] });
    expect(facts.examples).toContain(
      'duplicated: the tables hold change 2 of customer 0 (emitted at +0.030 s) more than once',
    );
  });

  it('unexpected: a change that was never emitted, was refused by the contract, or whose append failed', async () => {
    const strange = [
      { customer: 0, seq: 6 },
      { customer: 9, seq: 1 },
      { customer: 0, seq: 0 },
      { customer: 1, seq: 2 },
    ];
    const facts = await fold({ exported: [soundExport, strange] });
    expect(facts.tables).toEqual({ ...soundFacts.tables, unexpected: 4 });
    expect(facts.examples.some((text) => text.includes('refused as late'))).toBe(true);
    const appends = appendsWith({ at: { customer: 0, seq: 5 }, outcome: 1 });
    expect((await fold({ appends, finalRows: [row(0, 4), row(1, 4)] })).tables).toMatchObject({
      unexpected: 1,
      lost: 0,
    });
  });

  it('quarantine: a refused change that is not listed, and listings of the wrong change, reason or number', async () => {
    const missing = await fold({ quarantined: [soundQuarantine.slice(1)] });
    expect(missing.tables).toEqual({ ...soundFacts.tables, quarantineMissing: 1 });
    const listings = [
      { customer: 0, seq: 1, reason: 'late' },
      { customer: 7, seq: 1, reason: 'late' },
      soundQuarantine[0]!,
    ];
    const extra = await fold({ quarantined: [soundQuarantine, listings] });
    expect(extra.tables).toEqual({ ...soundFacts.tables, quarantineUnexpected: 3 });
    const renamed = soundQuarantine.map((given) => ({ ...given, reason: 'undecodable' }));
    expect((await fold({ quarantined: [renamed] })).tables).toMatchObject({ quarantineUnexpected: 3 });
    expect((await fold({ quarantined: null })).tables).toMatchObject({ quarantineMissing: 3 });
  });

  it('over and under: counts to one side, though a neighbouring version has the same counts', async () => {
    const over = await fold({ finalRows: [changed(row(0, 4), { clicks_count_1h: 2 }), row(1, 4)] });
    expect(over.final).toEqual({ checked: 2, right: 1, mistakes: { over: 1 } });
    const lostClick = row(0, 5, asOfUs, (given) => given.seq !== 5);
    const under = await fold({ finalRows: [lostClick, row(1, 4)] });
    expect(under.final).toEqual({ checked: 2, right: 1, mistakes: { under: 1 } });
    expect(under.examples).toEqual([
      'final row under: customer 0 at seq 5, as of +10.000000 s: clicks_count_1h is 1, expected 2, clicks_count_24h is 1, expected 2, clicks_count_7d is 1, expected 2',
    ]);
  });

  it('over: an order that was applied twice; under: one that was never applied', async () => {
    const rows = {
      twice: row(0, 5, asOfUs, undefined, (given) => given.seq === 1),
      never: row(0, 5, asOfUs, (given) => given.seq !== 4),
    };
    expect((await fold({ liveRows: [rows.twice] })).live).toEqual({ checked: 1, right: 0, mistakes: { over: 1 } });
    expect((await fold({ liveRows: [rows.never] })).live).toEqual({ checked: 1, right: 0, mistakes: { under: 1 } });
  });

  it('ahead, unclaimed, misdated: features of one version under the name of another', async () => {
    const older = { ...row(0, 2), lastSeq: 3 };
    const newer = { ...row(0, 4), lastSeq: 3 };
    const earlier = { ...row(0, 5, asOfUs - 3 * secondUs), asOfUs };
    const facts = await fold({ finalRows: [row(0, 5), row(1, 4)], liveRows: [older, newer, earlier, row(0, 3)] });
    expect(facts.live).toEqual({ checked: 4, right: 1, mistakes: { ahead: 1, unclaimed: 1, misdated: 1 } });
    expect(facts.examples).toHaveLength(3);
    expect(facts.examples[0]).toContain('these are its features at seq 2 as of +10.000000 s');
    expect(facts.examples[2]).toContain('these are its features at seq 5 as of +7.000000 s');
  });

  it('over: windows that stood still at the end of a tile, although the row claims a later moment', async () => {
    const early = row(0, 0, epochUs - hourUs - 1);
    const late = row(0, 0, epochUs - hourUs);
    expect(early.features[0]).toBe(1);
    expect(late.features[0]).toBe(0);
    const stood = changed(early, { last_order_age_us: late.features[9]! });
    const facts = await fold({ liveRows: [{ ...stood, asOfUs: late.asOfUs }] });
    expect(facts.live).toEqual({ checked: 1, right: 0, mistakes: { over: 1 } });
  });

  it('wrong or ahead: differences to both sides, in other features only, and claims that cannot be', async () => {
    const right = row(0, 5);
    const liveRows = [
      changed(right, { orders_count_1h: 9, clicks_count_1h: 0 }),
      changed(right, { device_risk_latest: 1 }),
      changed(right, { orders_count_1h: 1.5, clicks_count_1h: 1e300, last_order_age_us: null }),
      { ...right, lastSeq: 6 },
      { ...right, asOfUs: epochUs + 1 },
      { ...right, doneUs: asOfUs - 1 },
      { ...right, features: right.features.slice(1) },
      { ...right, key: 'nobody' },
      { ...right, lastSeq: 4.5 },
    ];
    const facts = await fold({ liveRows });
    expect(facts.live).toEqual({ checked: 9, right: 0, mistakes: { wrong: 7, ahead: 2 } });
    expect(facts.examples.join('\n')).toContain('it claims all changes up to 6, but no more than 5 of the 5');
    expect(facts.examples.join('\n')).toContain('its moment is before the commit of change 5');
    expect(facts.examples.join('\n')).toContain('its moment is after the answer had come');
    expect(facts.examples.join('\n')).toContain('"nobody" is no customer');
  });

  it('ahead: a row that claims a change whose append failed', async () => {
    const appends = appendsWith({ at: { customer: 0, seq: 3 }, outcome: 1 });
    const facts = await fold({ appends, exported: [withoutChange(0, 3)] });
    expect(facts.final).toEqual({ checked: 2, right: 1, mistakes: { ahead: 1 } });
  });

  it('settled rows are judged apart from the final ones', async () => {
    const facts = await fold({ settledRows: [changed(row(0, 5), { clicks_count_7d: 9 })] });
    expect(facts.settled).toEqual({ checked: 1, right: 0, mistakes: { over: 1 } });
    expect(facts.final).toEqual(allRight(2));
  });

  it('behind: a final row that lacks acknowledged changes, and one that is not there', async () => {
    const facts = await fold({ finalRows: [row(0, 4)] });
    expect(facts.behind).toBe(2);
    expect(facts.examples).toEqual([
      'behind: the final row of customer 0 is at seq 4, acknowledged are all up to 5',
      'skewed: the final row of customer 0 is at seq 4, the tables hold all changes up to 5',
      'behind: the final row of customer 1 could not be read, acknowledged are all up to 4',
    ]);
  });

  it('reordered: a final row that is older than one that was read before', async () => {
    const { operations, reads } = readsOf([{ customer: 0, sentUs: 100, doneUs: 200, lastSeq: 5, asOfUs: 50 }]);
    const facts = await fold({ operations, reads, finalRows: [row(0, 4), row(1, 4)] });
    expect(facts).toMatchObject({ reordered: 1, behind: 1, visible: 9, monotonicViolations: 0 });
    expect(facts.examples).toContain('reordered: the final row of customer 0 is at seq 4, 5 was shown before');
  });

  it('skewed: a final row that shows what the tables do not hold, or does not show what they hold', async () => {
    const lacking = await fold({ exported: [withoutChange(0, 2)] });
    expect(lacking.tables).toMatchObject({ lost: 1, skewed: 1 });
    expect(lacking.examples).toContain(
      'skewed: the final row of customer 0 is at seq 5, the tables do not hold change 2',
    );
    const late = await fold({ finalRows: [row(0, 5), row(1, 3)] });
    expect(late.tables).toMatchObject({ lost: 0, skewed: 1 });
    // Neither has it: nothing disagrees.
    const both = await fold({ exported: [withoutChange(0, 5)], finalRows: [row(0, 4), row(1, 4)] });
    expect(both.tables).toMatchObject({ lost: 1, skewed: 0 });
  });

  it('torn: clicks of one version and orders of another, seen more than once', async () => {
    const isClicks = customerActivity.features.map(({ name }) => name.startsWith('clicks'));
    const mixed = (orders: number, clicks: number, claimed: number, atUs = asOfUs): FeatureRow => {
      const [left, right] = [row(0, orders, atUs), row(0, clicks, atUs)];
      const features = left.features.map((value, i) => (isClicks[i] ? right.features[i]! : value));
      return { ...left, lastSeq: claimed, features };
    };
    const liveRows = [mixed(1, 5, 5), mixed(1, 5, 5, asOfUs + secondUs), mixed(3, 5, 5)];
    expect((await fold({ liveRows })).live).toEqual({ checked: 3, right: 0, mistakes: { torn: 3 } });
    // What may also be a lastSeq that was not applied, or a click too many, is torn where others prove it.
    const unclear = [mixed(1, 4, 4), mixed(4, 5, 4)];
    expect((await fold({ liveRows: unclear })).live.mistakes).toEqual({ ahead: 1, over: 1 });
    expect((await fold({ liveRows: [...unclear, ...liveRows] })).live.mistakes).toEqual({ torn: 5 });
  });

  it('delete ignored: what it would be if no order was ever deleted', async () => {
    const folder = join(directory, 'with-deletion');
    const deletion = change(2, 1, 'orders', order(91, 2, epochUs - 2 * hourUs, 60, 2), null);
    await writeTrace(folder, { ...trace, changes: [deletion] });
    const own = await openOracle(folder);
    const there = evaluateNaively({ ...trace, changes: [] }, { customer: 2, lastSeq: 0, asOfUs });
    const facts = await fold({
      trace: folder,
      oracle: own,
      emissions: await loadEmissions(folder),
      appends: onlyAppend(2, deletion.emitUs),
      exported: [[{ customer: 2, seq: 1 }]],
      quarantined: [],
      finalRows: [{ key: '2', lastSeq: 1, asOfUs, features: there }],
    });
    expect(facts.final).toEqual({ checked: 1, right: 0, mistakes: { deleteIgnored: 1 } });
    expect(facts.examples[0]).toContain('; this is right if no order was ever deleted');
  });

  it('windows dropped: counts and sums have only what came after a change', async () => {
    const [whole, first] = [row(0, 5), row(0, 1)];
    const features = whole.features.map((value, i) => (i < 9 ? Number(value) - Number(first.features[i]) : value));
    const facts = await fold({ finalRows: [{ ...whole, features }, row(1, 4)] });
    expect(facts.final).toEqual({ checked: 2, right: 1, mistakes: { windowsDropped: 1 } });
    expect(facts.examples[0]).toContain('; it counts nothing but what came after seq 1');
  });

  it('explains a bounded number of rows and counts the others', async () => {
    const many = Array.from({ length: 250 }, () => ({ ...row(0, 2), lastSeq: 3 }));
    const facts = await fold({ liveRows: [...many, row(0, 3)] });
    expect(facts.live).toEqual({ checked: 251, right: 1, mistakes: { ahead: 200, unexplained: 50 } });
  });

  it('not monotonic: a read after a finished read that shows an older version, by call or by probe', async () => {
    const { operations, reads } = readsOf([
      { customer: 0, sentUs: 100, doneUs: 200, lastSeq: 3, asOfUs: 50 },
      { customer: 0, sentUs: 201, doneUs: 300, lastSeq: 2, asOfUs: 60 },
      { customer: 0, sentUs: 301, doneUs: 400, lastSeq: 3, asOfUs: 49 },
      { customer: 0, sentUs: 401, doneUs: 500, lastSeq: 3, asOfUs: 50 },
    ]);
    const probes = probesOf([
      { sentUs: 350, doneUs: 360, lastSeq: 1, asOfUs: 70 },
      { sentUs: 370, doneUs: 380, lastSeq: -1, asOfUs: -1 },
    ]);
    const facts = await fold({ operations, reads, probes });
    expect(facts.monotonicViolations).toBe(3);
    expect(facts.examples).toHaveLength(3);
  });

  it('leaked: raw personal data in a stored file', async () => {
    const stored = join(directory, 'stored');
    await mkdir(stored);
    await writeFile(join(stored, 'data.bin'), 'xx ada@example.org yy');
    const folder = join(directory, 'with-samples');
    await writeTrace(folder, { ...trace, personalSamples: ['ada@example.org', '+49 30 1234567'] });
    const facts = await fold({ trace: folder, storedPaths: [stored, join(directory, 'absent')] });
    expect(facts.personalDataLeaks).toBe(1);
    expect(facts.examples).toEqual([`personal data: "ada@example.org" is stored in ${join(stored, 'data.bin')}`]);
  });

  it('where a plane stores elsewhere too, what was found is a leak, and nothing found is no clean bill', async () => {
    const stored = join(directory, 'stored-here');
    await mkdir(stored);
    const folder = join(directory, 'with-a-sample');
    await writeTrace(folder, { ...trace, personalSamples: ['ada@example.org'] });
    const leaks = async () =>
      (await fold({ trace: folder, storedPaths: [stored], storesElsewhere: true })).personalDataLeaks;
    expect(await leaks()).toBeNull();
    await writeFile(join(stored, 'data.bin'), 'xx ada@example.org yy');
    expect(await leaks()).toBe(1);
  });
});

describe('an entry that was offered more than once', () => {
  const [acknowledged, failed, indeterminate] = [0, 1, 2];
  const again = (customer: number, seq: number): Quarantined => ({ customer, seq, reason: 'duplicate' });

  it('is in the log once if all attempts before the acknowledged one failed', async () => {
    const appends = attemptsWith({ customer: 0, seq: 5 }, [failed, failed, acknowledged]);
    expect(await fold({ appends })).toEqual({ ...soundFacts, attempted: 12, failed: 2 });
    const listed = [soundQuarantine, [again(0, 5)]];
    expect((await fold({ appends, quarantined: listed })).tables).toMatchObject({ quarantineUnexpected: 1 });
  });

  it('may be there once more for every indeterminate attempt, before or after: listed as often, or not at all', async () => {
    for (const outcomes of [
      [indeterminate, failed, indeterminate, acknowledged],
      [acknowledged, indeterminate, failed, indeterminate],
    ]) {
      const appends = attemptsWith({ customer: 0, seq: 5 }, outcomes);
      const sound = { ...soundFacts, attempted: 13, failed: 1, indeterminate: 2 };
      for (const times of [0, 1, 2]) {
        const quarantined = [soundQuarantine, Array.from({ length: times }, () => again(0, 5))];
        expect(await fold({ appends, quarantined })).toEqual(sound);
      }
      const tooOften = [soundQuarantine, [again(0, 5), again(0, 5), again(0, 5)]];
      expect((await fold({ appends, quarantined: tooOften })).tables).toMatchObject({ quarantineUnexpected: 1 });
    }
  });

  it('was acknowledged, so it must be held, and held once', async () => {
    const appends = attemptsWith({ customer: 0, seq: 5 }, [indeterminate, acknowledged]);
    const lost = await fold({ appends, exported: [withoutChange(0, 5)] });
    expect(lost.tables).toMatchObject({ lost: 1, duplicated: 0 });
    const twice = await fold({ appends, exported: [soundExport, [{ customer: 0, seq: 5 }]] });
    expect(twice.tables).toMatchObject({ lost: 0, duplicated: 1 });
    expect((await fold({ appends, finalRows: [row(0, 4), row(1, 4)] })).behind).toBe(1);
  });

  it('and never acknowledged may be held or not, and is listed once less than it may be there', async () => {
    const appends = attemptsWith({ customer: 0, seq: 5 }, [indeterminate, failed, indeterminate]);
    const books = { attempted: 12, acknowledged: 9, failed: 1, indeterminate: 2, unacknowledged: 1 };
    const sound = { ...soundFacts, ...books, visible: 9 };
    expect(await fold({ appends })).toEqual(sound);
    expect(await fold({ appends, exported: [withoutChange(0, 5)], finalRows: [row(0, 4), row(1, 4)] })).toEqual(sound);
    expect(await fold({ appends, quarantined: [soundQuarantine, [again(0, 5)]] })).toEqual(sound);
    const tooOften = [soundQuarantine, [again(0, 5), again(0, 5)]];
    expect((await fold({ appends, quarantined: tooOften })).tables).toMatchObject({ quarantineUnexpected: 1 });
  });

  it('and is refused: the second copy may be listed for the same reason or as a duplicate, the first for its own', async () => {
    const appends = attemptsWith({ customer: 1, seq: 3 }, [indeterminate, acknowledged]);
    const sound = { ...soundFacts, attempted: 11, indeterminate: 1 };
    expect(await fold({ appends })).toEqual(sound);
    for (const reason of ['out_of_range', 'duplicate']) {
      const quarantined = [soundQuarantine, [{ customer: 1, seq: 3, reason }]];
      expect(await fold({ appends, quarantined })).toEqual(sound);
    }
    const onlyAgain = soundQuarantine.filter(({ reason }) => reason !== 'out_of_range');
    const quarantined = [onlyAgain, [again(1, 3), again(1, 3)]];
    expect((await fold({ appends, quarantined })).tables).toMatchObject({ quarantineUnexpected: 1 });
  });

  it('is never offered again once it was acknowledged', async () => {
    const appends = attemptsWith({ customer: 0, seq: 5 }, [acknowledged, acknowledged]);
    await expect(fold({ appends })).rejects.toThrow(/acknowledge the same entry/);
  });
});

describe('the bookkeeping', () => {
  it('refuses appends that are not of this trace', async () => {
    const foreign = appendsWith({ at: { customer: 0, seq: 1 }, outcome: 0 });
    foreign.slotUs[0] = epochUs + 999 * slotUs;
    await expect(fold({ appends: foreign })).rejects.toThrow(/1 appends are of no entry of the trace/);
    const short = appendsWith({ at: { customer: 0, seq: 1 }, outcome: 0 });
    short.changes[0] = 7;
    await expect(fold({ appends: short })).rejects.toThrow(/tells of 7 changes, the trace has 1/);
  });

  it('expects nothing of what was never attempted', async () => {
    const all = appendsWith({ at: { customer: 0, seq: 1 }, outcome: 0 });
    const first = takeAppends(all, 1);
    const facts = await fold({
      appends: first,
      exported: [[{ customer: 0, seq: 1 }]],
      quarantined: [],
      finalRows: [row(0, 1), row(1, 0)],
    });
    expect(facts).toEqual({ ...soundFacts, attempted: 1, acknowledged: 1, unacknowledged: 9, visible: 1 });
  });

  it('keeps examples of rare findings beside those of frequent ones', async () => {
    const exported = [soundExport, Array.from({ length: 100 }, (_, i) => ({ customer: 0, seq: 100 + i }))];
    const facts = await fold({ exported, finalRows: [row(0, 4), row(1, 4)] });
    expect(facts.examples).toHaveLength(20);
    expect(facts.examples.filter((text) => text.startsWith('behind'))).toHaveLength(1);
  });
});

function allRight(rows: number) {
  return { checked: rows, right: rows, mistakes: {} };
}

const soundFacts: LedgerFacts = {
  attempted: 10,
  acknowledged: 10,
  failed: 0,
  indeterminate: 0,
  unacknowledged: 0,
  tables: soundTables,
  final: allRight(2),
  live: allRight(0),
  settled: null,
  visible: 10,
  behind: 0,
  reordered: 0,
  monotonicViolations: 0,
  personalDataLeaks: 0,
  examples: [],
};

const soundExport: readonly ChangeKey[] = trace.changes
  .filter(({ truth }) => truth === undefined)
  .map(({ customer, seq }) => ({ customer, seq }));

function withoutChange(customer: number, seq: number): ChangeKey[] {
  return soundExport.filter((key) => key.customer !== customer || key.seq !== seq);
}

const soundQuarantine: readonly Quarantined[] = trace.changes
  .filter(({ truth }) => truth !== undefined)
  .map(({ customer, seq, truth }) => ({ customer, seq, reason: truth as string }));

type Late = 'finalRows' | 'settledRows' | 'storedPaths';
type Given = Omit<LedgerInput, Late | 'exported' | 'live'> & { [name in Late]: Awaited<LedgerInput[name]> } & {
  liveRows: LedgerInput['live']['rows'];
  livePredictions: LedgerInput['live']['predictions'];
  exported: readonly (readonly ChangeKey[])[] | null;
  quarantined: Awaited<LedgerInput['exported']>['quarantined'];
};

function fold(given: Partial<Given>): Promise<LedgerFacts> {
  const all: Given = {
    trace: directory,
    oracle,
    emissions,
    appends: appendsWith(null),
    ...readsOf([]),
    probes: probesOf([]),
    panel: [0],
    exported: [soundExport.slice(0, 3), soundExport.slice(3)],
    quarantined: [soundQuarantine],
    finalRows: [row(0, 5), row(1, 4)],
    settledRows: null,
    liveRows: [],
    livePredictions: [],
    rolledBack: [],
    storedPaths: [],
    storesElsewhere: false,
    ...given,
  };
  return foldLedger({
    ...all,
    live: { rows: all.liveRows, predictions: all.livePredictions },
    finalRows: Promise.resolve(all.finalRows),
    exported: Promise.resolve({ changes: all.exported?.map(listChanges) ?? null, quarantined: all.quarantined }),
    settledRows: Promise.resolve(all.settledRows),
    storedPaths: Promise.resolve(all.storedPaths),
  });
}

/** The row at this version; without the changes that are not kept, and with those that are doubled twice. */
function row(
  customer: number,
  lastSeq: number,
  atUs = asOfUs,
  keep: (given: GivenChange) => boolean = () => true,
  double: (given: GivenChange) => boolean = () => false,
): FeatureRow {
  const own = (given: GivenChange) => given.customer === customer;
  const changes = trace.changes
    .filter((given) => !own(given) || keep(given))
    .flatMap((given) => (own(given) && double(given) ? [given, given] : [given]));
  const features = evaluateNaively({ ...trace, changes }, { customer, lastSeq, asOfUs: atUs });
  return { key: String(customer), lastSeq, asOfUs: atUs, features };
}

function changed(given: FeatureRow, values: Readonly<Record<string, number | null>>): FeatureRow {
  const features = customerActivity.features.map(({ name }, i) =>
    name in values ? values[name]! : given.features[i]!,
  );
  return { ...given, features };
}

/** One append an entry, all acknowledged but the one that holds the first copy of `at`. */
function appendsWith(other: { at: ChangeKey; outcome: number } | null): AppendColumns {
  const counts = new Map<string, number>();
  for (const { customer, emitUs } of trace.changes) {
    const key = `${emitUs} ${customer % partitions}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const entries = [...counts].map(([key, changes]) => {
    const [slot, partition] = key.split(' ').map(Number) as [number, number];
    return { slot, partition, changes };
  });
  const first =
    other && trace.changes.find(({ customer, seq }) => customer === other.at.customer && seq === other.at.seq);
  const isOther = ({ slot, partition }: { slot: number; partition: number }) =>
    first !== null && first?.emitUs === slot && first.customer % partitions === partition;
  return {
    rows: entries.length,
    slotUs: Float64Array.from(entries, ({ slot }) => slot),
    partition: Uint8Array.from(entries, ({ partition }) => partition),
    changes: Uint32Array.from(entries, ({ changes }) => changes),
    bytes: new Uint32Array(entries.length),
    sentUs: new Float64Array(entries.length),
    doneUs: new Float64Array(entries.length),
    outcome: Uint8Array.from(entries, (entry) => (other && isOther(entry) ? other.outcome : 0)),
  };
}

/** All entries acknowledged at once, but the one that holds the first copy of `at`: these attempts, in this order. */
function attemptsWith(at: ChangeKey, outcomes: readonly number[]): AppendColumns {
  const all = appendsWith({ at, outcome: 255 });
  const marked = all.outcome.indexOf(255);
  const rows = [...all.outcome.keys()].flatMap((row) => (row === marked ? outcomes.map(() => row) : [row]));
  let tried = 0;
  return {
    rows: rows.length,
    slotUs: Float64Array.from(rows, (row) => all.slotUs[row]!),
    partition: Uint8Array.from(rows, (row) => all.partition[row]!),
    changes: Uint32Array.from(rows, (row) => all.changes[row]!),
    bytes: Uint32Array.from(rows, (row) => all.bytes[row]!),
    sentUs: Float64Array.from(rows, (row) => all.sentUs[row]!),
    doneUs: Float64Array.from(rows, (row) => all.doneUs[row]!),
    outcome: Uint8Array.from(rows, (row) => (row === marked ? outcomes[tried++]! : 0)),
  };
}

/** One append that has one change. */
function onlyAppend(customer: number, slotUs: number): AppendColumns {
  const one = takeAppends(appendsWith(null), 1);
  return {
    ...one,
    slotUs: Float64Array.of(slotUs),
    partition: Uint8Array.of(customer % partitions),
    changes: Uint32Array.of(1),
  };
}

function takeAppends(appends: AppendColumns, rows: number): AppendColumns {
  return {
    rows,
    slotUs: appends.slotUs.slice(0, rows),
    partition: appends.partition.slice(0, rows),
    changes: appends.changes.slice(0, rows),
    bytes: appends.bytes.slice(0, rows),
    sentUs: appends.sentUs.slice(0, rows),
    doneUs: appends.doneUs.slice(0, rows),
    outcome: appends.outcome.slice(0, rows),
  };
}

interface GivenRead {
  readonly sentUs: number;
  readonly doneUs: number;
  readonly lastSeq: number;
  readonly asOfUs: number;
}

/** One call a read. */
function readsOf(given: readonly (GivenRead & { customer: number })[]): {
  operations: OperationColumns;
  reads: ReadColumns;
} {
  const rows = given.length;
  return {
    operations: {
      rows,
      kind: new Uint8Array(rows),
      intendedUs: Float64Array.from(given, ({ sentUs }) => sentUs),
      sentUs: Float64Array.from(given, ({ sentUs }) => sentUs),
      doneUs: Float64Array.from(given, ({ doneUs }) => doneUs),
      outcome: new Uint8Array(rows),
      keys: new Uint32Array(rows).fill(1),
    },
    reads: {
      rows,
      operation: Uint32Array.from(given, (_, i) => i),
      customer: Uint32Array.from(given, ({ customer }) => customer),
      lastSeq: Float64Array.from(given, ({ lastSeq }) => lastSeq),
      asOfUs: Float64Array.from(given, ({ asOfUs: us }) => us),
      nextEmitUs: new Float64Array(rows),
    },
  };
}

/** Probes of the panel's only member, customer 0. */
function probesOf(given: readonly GivenRead[]): ProbeColumns {
  return {
    rows: given.length,
    probe: Uint32Array.from(given, (_, i) => i),
    sentUs: Float64Array.from(given, ({ sentUs }) => sentUs),
    doneUs: Float64Array.from(given, ({ doneUs }) => doneUs),
    member: new Uint32Array(given.length),
    lastSeq: Float64Array.from(given, ({ lastSeq }) => lastSeq),
    asOfUs: Float64Array.from(given, ({ asOfUs: us }) => us),
  };
}
