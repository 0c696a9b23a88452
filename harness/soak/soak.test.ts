/** A soak as a user meets it, in virtual time; and what it says of runs that are not sound. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostClock } from '../clock.js';
import { startCommand } from '../fixture-command.js';
import { plantRun } from '../measures/planted-run.js';
import type { LedgerFacts, RunFacts } from '../record/facts.js';
import { projectDirectory } from '../testbed.js';
import { beginTally, renderFailure, renderSoak, type SoakConclusion } from './conclusion.js';
import { readLines, type SoakLine } from './record.js';
import { judgeSoakRun } from './verdict.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-soak-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const start = (args: readonly string[]) =>
  startCommand(process.execPath, [join(projectDirectory, 'dist/harness/main.js'), ...args], {
    cwd: folder,
    env: { ...process.env, TMPDIR: folder },
  });

async function linesIn(out: string): Promise<{ results: string; lines: SoakLine[] }> {
  const [name = '', ...others] = await readdir(out);
  expect(others).toEqual([]);
  const lines: SoakLine[] = [];
  for await (const line of readLines(join(out, name))) lines.push(line);
  return { results: join(out, name), lines };
}

/** What is the same whenever the run is done. */
const timeless = ({ atUs, rssBytes, descriptors, children, scratchBytes, ...rest }: SoakLine) => rest;

describe('a soak in virtual time', () => {
  it('writes a line a run, and each line has the command that does exactly this run again', async () => {
    const args = ['run', '--suite', 'soak', '--stack', 'simulated', '--seed', '2', '--repetitions', '2'];
    const { code, stdout, stderr } = await start([...args, '--out', join(folder, 'two')]).ended;
    expect([0, 2], stderr).toContain(code);
    expect(stdout).toMatch(/^2 runs of lakehouse on simulated: \d sound, 0 unsound, \d not judged$/m);
    const { results, lines } = await linesIn(join(folder, 'two'));
    expect(lines.map(({ run }) => run).sort()).toEqual(['soak-2-lakehouse', 'soak-3-lakehouse']);
    for (const { rssBytes, scratchBytes } of lines) {
      expect(rssBytes).toBeGreaterThan(1_000_000);
      expect(scratchBytes).toBe(0);
    }
    // Of a sound run nothing else is kept.
    const unsound = lines.filter(({ outcome }) => outcome !== 'sound').map(({ run }) => run);
    expect((await readdir(join(results, 'runs'))).sort()).toEqual(unsound.sort());

    const last = lines.find(({ seed }) => seed === 3) as SoakLine;
    const [, again = ''] = /^npm run bench -- (.*)$/.exec(last.command) ?? [];
    await start(['run', ...again.split(' '), '--out', join(folder, 'again')]).ended;
    const { lines: replayed } = await linesIn(join(folder, 'again'));
    expect(replayed.map(timeless)).toEqual([timeless(last)]);

    const reported = await start(['report', results]).ended;
    expect([reported.code, reported.stdout]).toEqual([code, stdout]);
  }, 120_000);

  it('takes every n-th seed of a shard, of each for every plane', async () => {
    const args = ['run', '--suite', 'soak', '--stack', 'simulated', '--repetitions', '4', '--shard', '2/4'];
    const planes = ['--architecture', 'lakehouse', '--architecture', 'warehouse'];
    await start([...args, ...planes, '--out', join(folder, 'shard')]).ended;
    const { lines } = await linesIn(join(folder, 'shard'));
    expect(lines.map(({ run }) => run).sort()).toEqual(['soak-2-lakehouse', 'soak-2-warehouse']);
  }, 120_000);

  it('ends by Ctrl-C with what was found, and leaves nothing', async () => {
    const out = join(folder, 'stopped');
    const args = ['run', '--suite', 'soak', '--stack', 'simulated', '--for', '1h', '--out', out];
    const { child, stderr, ended } = start(args);
    for (let i = 0; i < 600 && !/soak-\d+-lakehouse/.test(stderr()); i++) await hostClock.sleep(100_000);
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(2);
    expect(stdout).toMatch(/^\d+ runs? of lakehouse on simulated: .*; interrupted$/m);
    const { results, lines } = await linesIn(out);
    expect(lines.length).toBeGreaterThan(0);
    const { runs } = JSON.parse(await readFile(join(results, 'soak.json'), 'utf8')) as SoakConclusion;
    expect(runs.sound + runs.unsound + runs['not judged']).toBe(lines.length);
    expect((await readdir(folder)).filter((name) => /^planebench-\w{6}$/.test(name))).toEqual([]);
    expect(existsSync(join(results, 'manifest.json'))).toBe(true);
  }, 120_000);
});

describe('a run', () => {
  const sound = plantRun();
  const ledger = sound.ledger as LedgerFacts;
  const withLedger = (changed: Partial<LedgerFacts>): RunFacts => ({ ...sound, ledger: { ...ledger, ...changed } });

  it('is sound if nothing is lost, doubled or wrong', () => {
    expect(judgeSoakRun(sound)).toEqual({ outcome: 'sound', findings: [] });
  });

  const tables = ledger.tables as NonNullable<LedgerFacts['tables']>;
  it.each([
    ['lost', { tables: { ...tables, lost: 3 } }, /^LOST: 3 /],
    ['doubled', { tables: { ...tables, duplicated: 1 } }, /^DUPLICATED: 1 /],
    ['torn', { final: { ...ledger.final, mistakes: { torn: 2 } } }, /^TORN: 2 /],
    ['wrong', { final: { ...ledger.final, mistakes: { under: 2 } } }, /^UNDERCOUNTED: 2 /],
    ['wrong for a while', { live: { ...ledger.live, mistakes: { torn: 4 } } }, /^TORN: 4 /],
    ['behind', { behind: 5 }, /^BEHIND: 5 /],
  ] as const)('is unsound if something is %s', (_, changed, words) => {
    expect(judgeSoakRun(withLedger(changed))).toMatchObject({
      outcome: 'unsound',
      findings: expect.arrayContaining([expect.stringMatching(words)]),
    });
  });

  it('of a plane that corrects itself is judged after that', () => {
    const right = { ...ledger.final };
    const late = withLedger({
      final: { ...right, mistakes: { over: 9 } },
      live: { ...ledger.live, mistakes: { over: 9 } },
      settled: right,
    });
    expect(judgeSoakRun(late).outcome).toBe('sound');
    expect(judgeSoakRun(withLedger({ settled: { ...right, mistakes: { over: 1 } } })).outcome).toBe('unsound');
  });

  it('of a plane that was given up is unsound; one that was not seen to be struck is not judged', () => {
    const invalid = [{ code: 'PLANE', message: 'stream died' }];
    expect(judgeSoakRun({ ...sound, invalid })).toMatchObject({ outcome: 'unsound' });
    const [fault] = sound.faults;
    if (!fault) throw new Error('expected a fault');
    // It met nobody, as another had killed who would have called: what that one did is judged.
    const shielded = { ...fault, kind: 'slow-port', target: 'changeLog', witnessedUs: null, saw: null } as const;
    expect(judgeSoakRun({ ...sound, faults: [fault, shielded] }).outcome).toBe('sound');
    const unseen = { ...sound, faults: sound.faults.map((fault) => ({ ...fault, witnessedUs: null, saw: null })) };
    expect(judgeSoakRun(unseen).outcome).toBe('not judged');
    expect(judgeSoakRun({ ...sound, ledger: null }).outcome).toBe('not judged');
  });
});

describe('a conclusion', () => {
  const line = (seed: number, outcome: SoakLine['outcome']): SoakLine => ({
    run: `soak-${seed}-lakehouse`,
    seed,
    architecture: 'lakehouse',
    stack: 'simulated',
    faults: ['role-crash of stream'],
    witnessed: ['role-crash'],
    outcome,
    findings: outcome === 'sound' ? [] : ['3 acknowledged changes lost'],
    verdict: outcome === 'sound' ? 'pass' : '3 acknowledged changes lost',
    monotonicViolations: 0,
    changes: 100,
    command: `again ${seed}`,
    atUs: seed,
    rssBytes: 1,
    descriptors: 1,
    children: 1,
    scratchBytes: 0,
  });
  const conclude = (outcomes: readonly SoakLine['outcome'][], interrupted = false) => {
    const tally = beginTally();
    outcomes.forEach((outcome, i) => {
      tally.add(line(i + 1, outcome));
    });
    return tally.conclude(interrupted);
  };

  it('passes only what was judged whole, and fails on one finding', () => {
    expect(conclude(['sound', 'sound']).outcome).toBe('pass');
    expect(conclude(['sound', 'unsound', 'not judged'], true).outcome).toBe('fail');
    expect(conclude(['sound', 'not judged']).outcome).toBe('inconclusive');
    expect(conclude(['sound'], true).outcome).toBe('inconclusive');
    expect(conclude([]).outcome).toBe('inconclusive');
  });

  it('says what was found, how to see it again, and how often that is to be expected', () => {
    expect(renderSoak(conclude(['sound', 'unsound', 'sound', 'sound'])).split('\n')).toEqual([
      'UNSOUND soak-2-lakehouse: 3 acknowledged changes lost',
      '    again: again 2',
      '',
      '4 runs of lakehouse on simulated: 3 sound, 1 unsound, 0 not judged',
      'Faults seen to bite: role-crash 4',
      // Clopper and Pearson for 1 of 4: 0.00631 to 0.80588.
      'Of such runs 0.631 % to 80.6 % are unsound (95 %, Clopper-Pearson)',
      'FAIL',
    ]);
  });

  it('says a few of the findings of a run, and how many there are', () => {
    const findings = ['a', 'b', 'c', 'd', 'e', 'f'];
    expect(renderFailure({ run: 'r', outcome: 'unsound', findings, command: 'x' })).toEqual([
      'UNSOUND r: a',
      '    b',
      '    c',
      '    d',
      '    and 2 more in soak.jsonl',
      '    again: x',
    ]);
  });

  it('keeps no more examples than anybody reads, however many there are', () => {
    const { examples, runs } = conclude(Array.from({ length: 1_000 }, () => 'unsound' as const));
    expect([examples.length, runs.unsound]).toEqual([20, 1_000]);
  });
});
