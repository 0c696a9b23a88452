/** The check tells a sound plane from broken ones, rule by rule, and says which rule. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { customerActivity, emptyFeatures } from '../workloads/feature-view.js';
import type { Operation } from './architecture.js';
import { type Checked, outcomeOf, printChecked, renderCheckJunit } from './check.js';
import { type Ended, startCommand } from './fixture-command.js';
import { soundLedger, soundTables } from './ledger/sound-tables.fixture.js';
import { runEvent, storedTable, topic } from './lineage/event.js';
import { testOrigin } from './lineage/fixture-origin.js';
import type { LoadedTrace } from './loaded-trace.js';
import { plantRun } from './measures/planted-run.js';
import { inspectPlane, judgeFacts, operations, type RuleVerdict } from './plane-contract.js';
import type { PlaneClient } from './processes/endpoint.js';
import { seededRandom } from './random.js';
import { outcomes as outcomeNames, type RunFacts } from './record/facts.js';
import { projectDirectory } from './testbed.js';

type Answers = { readonly [name in Operation]?: (argument: { keys: string[] }) => unknown };

const features = emptyFeatures(customerActivity);
const rows = ({ keys }: { keys: string[] }) => keys.map((key) => ({ key, lastSeq: 0, asOfUs: 1, features }));
const scores = ({ keys }: { keys: string[] }) =>
  keys.map((key) => ({ key, score: 0.5, modelVersion: 1, lastSeq: 0, asOfUs: 1 }));
const lineageEvent = runEvent(testOrigin('all', seededRandom(1)), 'START', 0, {
  into: [storedTable('changes')],
  from: [topic('changes', [0])],
});
const sound: Answers = {
  lookup: rows,
  predict: scores,
  backfill: () => ({ rows: 1, filesByReference: 0 }),
  exportChanges: () => [[{ customer: 1, seq: 1 }]],
  quarantine: () => [[{ customer: 1, seq: 2, reason: 'late' }]],
  inventory: () => ({ files: 1, bytes: 1, rows: 1, smallFiles: 1, smallFileBytes: 1 }),
  lineage: () => [lineageEvent],
};
const trace = {
  directory: '/trace',
  info: { contract: { customers: 20 }, panel: [3, 4] },
  oracle: { evaluate: async (versions: unknown[]) => versions.map(() => features) },
} as unknown as LoadedTrace;

/** What the inspection says of a plane that answers so, at both of its moments. */
async function inspected(answers: Answers): Promise<readonly RuleVerdict[]> {
  const answer = async (operation: Operation, argument: unknown) => answers[operation]?.(argument as never);
  const plane = {
    offers: (operation: Operation) => answers[operation] !== undefined,
    call: answer,
    async *pages(operation: Operation) {
      yield* (await answer(operation, undefined)) as unknown[];
    },
  } as unknown as PlaneClient;
  const inspection = inspectPlane();
  await inspection.inspect('started', { plane, trace });
  await inspection.inspect('drained', { plane, trace });
  return inspection.seen().verdicts;
}

const failing = (verdicts: readonly RuleVerdict[]) =>
  verdicts.filter(({ outcome }) => outcome === 'fails').map(({ subject, rule }) => `${subject}: ${rule}`);

describe('every operation is asked, every answer held against its shape', () => {
  it('a sound plane passes, and each operation has its rules', async () => {
    const verdicts = await inspected(sound);
    expect(failing(verdicts)).toEqual([]);
    // Batch work is judged by the run's facts.
    const asked = operations.filter((operation) => sound[operation] !== undefined);
    expect(new Set(verdicts.map(({ subject }) => subject))).toEqual(new Set(asked));
  });

  it('what is not offered is not asked', async () => {
    const verdicts = await inspected({ lookup: rows });
    expect(new Set(verdicts.map(({ subject }) => subject))).toEqual(new Set(['lookup']));
  });

  it('batch work that begins with no snapshot is not asked, and said to be so', async () => {
    const verdicts = await inspected({ ...sound, score: () => null, trainingSet: () => null });
    const open = verdicts.filter(({ outcome }) => outcome === 'not judged').map(({ subject }) => subject);
    expect(open).toEqual(['score', 'trainingSet']);
  });

  const broken: readonly (readonly [string, Answers, RegExp])[] = [
    [
      'lookup: known customers',
      { lookup: ({ keys }) => rows({ keys }).map((row) => ({ ...row, key: 0 })) },
      /row of key/,
    ],
    [
      'lookup: unknown customers: lastSeq 0, zeros, nulls',
      { lookup: ({ keys }) => rows({ keys }).map((row) => ({ ...row, lastSeq: row.key === '20' ? 1 : 0 })) },
      /expected lastSeq 0 and \[0,0,0,0,0,0,0,0,0,null,null,null,null\], found .*"key":"20"/,
    ],
    [
      'lookup: no keys: no rows',
      { lookup: ({ keys }) => (keys.length === 0 ? null : rows({ keys })) },
      /list of 0 rows/,
    ],
    [
      'lookup: 500 keys, some of them twice',
      { lookup: ({ keys }) => rows({ keys: [...new Set(keys)] }) },
      /answered 20 rows for 500 keys/,
    ],
    [
      'predict: known customers',
      { predict: ({ keys }) => scores({ keys }).map((row) => ({ ...row, score: 2 })) },
      /0 to 1/,
    ],
    ['backfill: takes history in', { backfill: () => 'done' }, /"done": expected a whole number as rows/],
    ['exportChanges: pages of changes', { exportChanges: () => [[{ customer: '1', seq: 1 }]] }, /whole numbers/],
    ['quarantine: pages of changes', { quarantine: () => [7] }, /expected pages that are lists/],
    ['lineage: OpenLineage events', { lineage: () => [{ ...lineageEvent, run: {} }] }, /\/run must have required/],
    ['inventory: counts of files, bytes and rows', { inventory: () => ({ files: -1 }) }, /whole number as files/],
  ];
  it.each(broken)('%s', async (rule, answers, sentence) => {
    const verdicts = await inspected({ ...sound, ...answers });
    expect(failing(verdicts)).toContain(rule);
    const verdict = verdicts.find((found) => `${found.subject}: ${found.rule}` === rule);
    expect(verdict?.example).toMatch(sentence);
  });

  it('a repeated backfill that brings back what a change took away', async () => {
    let backfills = 0;
    const wrong = features.map((value, i) => (i === 0 ? 1 : value));
    const verdicts = await inspected({
      ...sound,
      lookup: ({ keys }) =>
        rows({ keys }).map((row) => (backfills > 1 && Number(row.key) < 20 ? { ...row, features: wrong } : row)),
      backfill: () => {
        backfills++;
        return { rows: 1, filesByReference: 0 };
      },
    });
    expect(failing(verdicts)).toEqual(['backfill: repeated over the changes, brings nothing back']);
  });
});

describe('the run is judged by its facts', () => {
  const tables = soundTables;
  const ledger = soundLedger;
  const { final: rights } = ledger;
  const fault = { target: 'all', witnessedUs: 1, readyUs: 2 };
  const lineage = { assets: 2, covered: 2, gaps: [] };
  const { operations: calls } = plantRun();
  const run = {
    ...{ faults: [fault], ledger, lineage, operations: calls },
    ...{ invalid: [], backfill: { wrongRows: 0 }, errors: [], ingests: true },
  };
  const rebuilt = { scored: { times: 2, same: 2 }, training: { times: 1, same: 1 } };
  const rollback = { back: { seenUs: 1 }, forward: { seenUs: 2 }, mixed: 0, wrong: 0 };
  const reprocessing = { checked: 5, left: 0, disturbed: 0, mistold: [] };
  const batch = {
    steps: [
      { kind: 'snapshot', failure: null },
      { kind: 'score', failure: null },
      { kind: 'training-set', failure: null },
    ],
    scored: { checked: 5, wrong: 0 },
    training: { checked: 5, wrong: 0, leaked: 0 },
    rebuilt,
    rollbacks: [rollback],
    reprocessings: [reprocessing],
    examples: [],
  };
  const judged = (change: object) => judgeFacts({ ...run, ...change } as unknown as RunFacts);
  const outcomes = (change: object) => new Set(judged(change).map(({ outcome }) => outcome));

  it('a sound run passes', () => expect(outcomes({})).toEqual(new Set(['passes'])));

  it('a plane that answers nothing under load does not pass, however it answers at rest', () => {
    const outcome = calls.outcome.map(() => outcomeNames.indexOf('error'));
    const live = { checked: 0, right: 0, mistakes: {} };
    const verdicts = judged({ operations: { ...calls, outcome }, ledger: { ...ledger, live } });
    const of = (found: string) => verdicts.find(({ rule }) => rule === found)?.outcome;
    expect(of('predict is answered')).toBe('fails');
    expect(of('every row and prediction read under load is right')).toBe('not judged');
  });

  it.each([
    ['lost', { tables: { ...tables, lost: 1 } }],
    ['duplicated', { tables: { ...tables, duplicated: 1 } }],
    ['unexpected', { tables: { ...tables, unexpected: 1 } }],
    ['not quarantined', { tables: { ...tables, quarantineMissing: 1 } }],
    ['wrong', { final: { ...rights, right: 4 } }],
    ['wrong after its correction', { settled: { ...rights, right: 4 } }],
    ['behind', { behind: 1 }],
    ['leaks', { personalDataLeaks: 1 }],
    ['wrong under load', { live: { ...rights, right: 4 } }],
    ['an older row for good', { reordered: 1 }],
    ['an older row after a newer one', { monotonicViolations: 1 }],
    ['rows that disagree with the tables', { tables: { ...tables, skewed: 1 } }],
  ])('%s fails', (_, change) => {
    expect(judged({ ledger: { ...ledger, ...change } }).filter(({ outcome }) => outcome === 'fails').length).toBe(1);
  });

  it('a table that its events do not account for fails', () => {
    const gaps = ['tables/current: no event names it'];
    const failed = judged({ lineage: { assets: 2, covered: 1, gaps } }).filter(({ outcome }) => outcome === 'fails');
    expect(failed.map(({ subject, example }) => [subject, example])).toEqual([
      ['lineage', `1 of 2 do not; ${gaps[0]}`],
    ]);
  });

  it.each([
    ['lookup answered 0 rows for 1 keys', ['load']],
    ['lookup: POST http://x/lookup: expected JSON, found <html>', ['load']],
    ['lookup: POST http://x/lookup: expected an answer, found nobody who listens there', []],
    ['lookup: connect ECONNREFUSED 127.0.0.1:1', []],
  ])('under load: %s', (message, subjects) => {
    const verdicts = judged({ errors: [{ operation: 'lookup', message, count: 1 }] });
    expect(verdicts.filter(({ outcome }) => outcome === 'fails').map(({ subject }) => subject)).toEqual(subjects);
  });

  it.each([
    ['a step without an answer', { steps: [...batch.steps, { kind: 'snapshot', failure: 'no' }] }],
    ['a wrong score', { scored: { checked: 5, wrong: 1 } }],
    ['a leak', { training: { checked: 5, wrong: 1, leaked: 1 } }],
    ['a wrong training row', { training: { checked: 5, wrong: 1, leaked: 0 } }],
    ['a score that is not the same again', { rebuilt: { ...rebuilt, scored: { times: 2, same: 1 } } }],
    ['a rollback that nobody saw', { rollbacks: [{ ...rollback, back: { seenUs: null } }] }],
    ['a read of two states', { rollbacks: [{ ...rollback, mixed: 1 }] }],
    ['a read of the wrong state', { rollbacks: [{ ...rollback, wrong: 1 }] }],
    ['a row that still shows what was poisoned', { reprocessings: [{ ...reprocessing, left: 1 }] }],
    ['rows that nobody could read after it', { reprocessings: [{ ...reprocessing, checked: 0 }] }],
    ['a row that reprocessing disturbed', { reprocessings: [{ ...reprocessing, disturbed: 1 }] }],
    ['files that were made again and not told of', { reprocessings: [{ ...reprocessing, mistold: ['features'] }] }],
    ['a training set that is not the same again', { rebuilt: { ...rebuilt, training: { times: 1, same: 0 } } }],
  ])('batch work: %s fails', (_, change) => {
    const verdicts = judged({ batch: { ...batch, ...change } });
    expect(verdicts.filter(({ outcome }) => outcome === 'fails').length).toBe(1);
    expect(outcomes({ batch })).toEqual(new Set(['passes']));
  });

  it('batch work: what was not asked for has no rules, and of nothing nothing good is said', () => {
    const subjects = (change: object) => judged({ batch: { ...batch, ...change } }).map(({ subject }) => subject);
    const none = { times: 0, same: 0 };
    const unasked = { steps: [{ kind: 'snapshot', failure: null }], rebuilt: { scored: none, training: none } };
    expect(subjects(unasked)).not.toContain('score');
    expect(subjects({})).toContain('score');
    const empty = judged({ batch: { ...batch, scored: { checked: 0, wrong: 0 } } });
    expect(
      empty.filter(({ outcome }) => outcome !== 'passes').map(({ subject, outcome }) => [subject, outcome]),
    ).toEqual([['score', 'not judged']]);
  });

  it('a plane that fails a fifth of its calls with nothing in the way does not pass', () => {
    const outcome = calls.outcome.map((ok, i) => (i % 5 === 0 ? outcomeNames.indexOf('error') : ok));
    const injectedUs = calls.intendedUs[calls.rows >> 1] as number;
    const of = (rate: Uint8Array, from = 0) =>
      judged({
        operations: { ...calls, outcome: rate.map((found, i) => (i < from ? 0 : found)) },
        faults: [{ ...fault, injectedUs }],
      }).find(({ rule }) => rule === 'predict is answered');
    expect(of(outcome)).toMatchObject({ outcome: 'fails' });
    expect(of(outcome)?.example).toMatch(/^\d+ of \d+ calls before anything was killed were not/);
    // After a kill calls may fail.
    expect(of(outcome, calls.rows >> 1)).toMatchObject({ outcome: 'passes' });
  });

  it('wrong rows before its own correction do not', () => {
    expect(outcomes({ ledger: { ...ledger, final: { ...rights, right: 0 }, settled: rights } })).toEqual(
      new Set(['passes']),
    );
  });

  it.each([
    ['no role takes changes in', { ingests: false }],
    ['a kill was not seen', { faults: [{ ...fault, witnessedUs: null }] }],
    ['a role was not ready in time', { faults: [{ ...fault, readyUs: null }] }],
    ['there is no ledger', { ledger: null }],
    ['the harness failed', { invalid: [{ code: 'HARNESS', message: 'no disk' }] }],
  ])('what could not be seen is never a pass: %s', (_, change) => {
    expect(outcomes(change)).toContain('not judged');
    expect(outcomes(change)).not.toContain('fails');
    const on: Checked = { stack: 'embedded', offered: ['lookup'], verdicts: judged(change) };
    expect(outcomeOf([on], 1)).toBe('inconclusive');
  });

  it('what a plane outside the run stores is not said to hold no personal data, and keeps it from no pass', () => {
    const verdicts = judged({ ledger: { ...ledger, personalDataLeaks: null } });
    const open = verdicts.filter(({ outcome }) => outcome !== 'passes');
    expect(open).toEqual([
      {
        subject: 'ledger',
        rule: 'no personal data is stored',
        outcome: 'not offered',
        example: 'the plane stores outside the run, where nobody can search',
      },
    ]);
    const on: Checked = { stack: 'embedded', offered: ['lookup'], verdicts: open };
    expect(outcomeOf([{ ...on, verdicts }], 1)).toBe('pass');
    expect(printChecked('mine', on)).toContain(
      [
        '  ledger  no personal data is stored  NOT OFFERED',
        '      the plane stores outside the run, where nobody can search',
        '  0 of 1 rules pass, 1 cannot be judged of this plane',
      ].join('\n'),
    );
  });

  it('a stack that was left out is never a pass, a failure is one whatever else is unknown', () => {
    const on = (outcome: RuleVerdict['outcome']): Checked => ({
      stack: 'embedded',
      offered: ['lookup'],
      verdicts: [{ subject: 'run', rule: 'comes to its end', outcome, example: 'why' }],
    });
    expect(outcomeOf([on('passes')], 1)).toBe('pass');
    expect(outcomeOf([on('passes')], 2)).toBe('inconclusive');
    expect(outcomeOf([], 1)).toBe('inconclusive');
    expect(outcomeOf([on('not judged'), on('fails')], 2)).toBe('fail');
    expect(printChecked('mine', on('fails'))).toBe(
      [
        'mine on embedded',
        '  offers lookup; not predict, backfill, exportChanges, quarantine, inventory, snapshot, score, trainingSet, rollback, rollForward, publishModel, scoredRows, trainingRows, reprocess, lineage',
        '  run  comes to its end  FAILS',
        '      why',
        '  0 of 1 rules pass, 1 fail',
      ].join('\n'),
    );
  });
});

it('for a CI server every rule is a case, and a stack that was left out an error', () => {
  const rule = (outcome: RuleVerdict['outcome']) => ({
    subject: 'lookup',
    rule: `r ${outcome}`,
    outcome,
    example: '<x>',
  });
  const verdicts = (['passes', 'fails', 'not judged', 'not offered'] as const).map(rule);
  const xml = renderCheckJunit('mine', {
    checked: [{ stack: 'embedded', offered: ['lookup'], verdicts }],
    stacks: ['embedded', 'simulated'],
    startedAt: '2026-01-01T00:00:00.000Z',
  });
  expect(xml).toContain('<testsuites name="planebench check mine" tests="5" failures="1" errors="2" skipped="1">');
  expect(xml).toContain(
    'classname="mine.embedded.lookup" name="r fails"><failure type="contract" message="&#60;x&#62;"/>',
  );
  expect(xml).toContain('classname="mine.simulated.run" name="comes to its end"><error type="not judged"');
});

describe('as a command', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'planebench-check-test-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const check = async (name: string, source: string, ...flags: string[]): Promise<Ended> => {
    const path = join(folder, `${name}.mjs`);
    await writeFile(path, source);
    return startCommand(process.execPath, [join(projectDirectory, 'dist/harness/main.js'), 'check', path, ...flags], {
      cwd: folder,
      env: { ...process.env, TMPDIR: folder },
    }).ended;
  };

  it('says what a plane offers and which rules it breaks, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await check(
      'liar',
      `export default () => ({ name: 'liar', params: null, uses: [], roles: [{ name: 'all', ingests: true, async run({ serve, ready, signal, clock }) {
        const row = (key) => ({ key, lastSeq: 0, asOfUs: clock.nowUs(), features: Array(13).fill(0) });
        await serve({ lookup: async ({ keys }) => keys.map(row), inventory: async () => 'much' });
        ready();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      } }] });`,
    );
    expect(code, stderr).toBe(1);
    expect(stdout).toMatch(/^liar on embedded\n {2}offers lookup, inventory; not predict, backfill,/);
    expect(stdout).toMatch(/lookup +known customers +passes/);
    expect(stdout).toMatch(/lookup +unknown customers.* FAILS\n +expected lastSeq 0 and/);
    expect(stdout).toMatch(/inventory .* FAILS\n +inventory answered "much": expected a whole number as files/);
    expect(await readdir(folder)).toEqual(['liar.mjs']);
  }, 120_000);

  it('a plane that does not load fails, with its own words', async () => {
    const { code, stdout } = await check('throws', 'throw new Error("not today");\n');
    expect(stdout).toMatch(/module +says what it is +FAILS\n[\s\S]*not today/);
    expect(code).toBe(1);
  }, 60_000);

  it('says it to programs too', async () => {
    const junit = join(folder, 'check.xml');
    const { code, stdout } = await check('throws', 'throw new Error("not today");\n', '--json', '--junit', junit);
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'fail',
      checked: [{ stack: 'embedded' }, { stack: 'simulated' }],
    });
    expect(await readFile(junit, 'utf8')).toContain('failures="2" errors="0"');
    expect(code).toBe(1);
  }, 60_000);
});
