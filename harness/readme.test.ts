/** README's own commands, run as they stand there. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../reports/summary.js';
import { type Ended, startCommand } from './fixture-command.js';
import { loadFacts } from './record/saved-facts.js';
import { findSuite } from './suite.js';
import { projectDirectory } from './testbed.js';
import { plantResults } from './verbs/fixture-results.js';

const readme = readFileSync(join(projectDirectory, 'README.md'), 'utf8');

/** Lines of shell blocks, and what stands in the table of commands. */
const commands = [
  ...[...readme.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.trim().split('\n')),
  ...[...readme.matchAll(/`(npm [^`]+)`/g)].map(([, command = '']) => command),
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-readme-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(command: string, more: readonly string[] = []): Promise<Ended> {
  const [npm = '', ...args] = [...command.split(' '), ...more];
  return startCommand(npm, args, { cwd: projectDirectory }).ended;
}

const listed = (command: string) => {
  expect(commands).toContain(command);
  return command;
};

async function onlyFolder(parent: string): Promise<string> {
  const [name, ...others] = await readdir(parent);
  expect(others).toEqual([]);
  return join(parent, name as string);
}

describe('README', () => {
  it('has no command that is not run here or by CI', () => {
    const tested = [
      'npm run bench -- --suite smoke',
      'npm run bench -- --suite smoke --architecture lakehouse --architecture ./mine.ts',
      'npm run planebench -- report RUN',
      'npm run planebench -- gate RUN --baseline FILE',
      'npm run planebench -- gate RUN --write-baseline FILE',
      'npm run planebench -- compare A B',
      'npm run planebench -- doctor',
      'npm run bench:micro',
    ];
    const byCi = ['npm ci', 'npm test'];
    // The same command as with a suite, whose name it does not have to say.
    const whole = ['npm run bench'];
    expect([...new Set(commands)].sort()).toEqual([...tested, ...byCi, ...whole].sort());
    const ci = readFileSync(join(projectDirectory, '.ci/run'), 'utf8');
    for (const command of byCi) expect(ci).toContain(command);
    expect(findSuite('headline').repetitions).toBe(5);
  });

  it('runs a plane of your own, reports it, and computes the report again', async () => {
    const source = /```ts\n\/\/ mine\.ts\n([\s\S]*?)```/.exec(readme)?.[1];
    const mine = join(folder, 'mine.ts');
    await writeFile(mine, source as string);
    const command = listed('npm run bench -- --suite smoke --architecture lakehouse --architecture ./mine.ts');
    const out = join(folder, 'mine');
    const { code, stdout, stderr } = await run(command.replace('./mine.ts', mine), ['--out', out]);
    // It fails, as a plane that shows nothing must; or 2 on a machine too busy to say.
    expect([1, 2], stderr).toContain(code);
    expect(stdout).toMatch(/lakehouse\s+mine/);
    const results = await onlyFolder(out);
    const facts = await loadFacts(join(results, 'runs', 'smoke-1-mine'));
    expect(facts.invalid).toEqual([]);
    expect(facts.ledger?.behind).toBeGreaterThan(100);

    const again = await run(listed('npm run planebench -- report RUN').replace('RUN', results));
    expect(again.code).toBe(code);
    const summary = JSON.parse(readFileSync(join(results, 'summary.json'), 'utf8')) as Summary;
    expect(new Set(summary.estimates.map(({ architecture }) => architecture))).toEqual(
      new Set(['lakehouse', 'mine', 'null']),
    );
  }, 240_000);

  it('makes a baseline of a run, judges the run by it, and compares it with itself', async () => {
    const results = await plantResults(join(folder, 'planted'), { repetitions: 10, planted: () => ({}) });
    const file = join(folder, 'baseline.json');
    const place = (command: string) => listed(command).replace('RUN', results).replace('FILE', file);
    const made = await run(place('npm run planebench -- gate RUN --write-baseline FILE'));
    expect(made.code, made.stderr).toBe(0);
    const judged = await run(place('npm run planebench -- gate RUN --baseline FILE'));
    expect(judged.code, judged.stderr).toBe(0);
    expect(judged.stdout).toMatch(/\bPASS\n/);
    const compared = await run(listed('npm run planebench -- compare A B').replace('A B', `${results} ${file}`));
    expect(compared.code, compared.stderr).toBe(0);
  }, 120_000);

  it('examines the machine', async () => {
    const { code, stdout } = await run(listed('npm run planebench -- doctor'));
    expect(stdout).toMatch(/stack\s+embedded: ready/);
    expect(code).toBe(0);
  }, 60_000);

  it('measures the parts alone', async () => {
    const { code, stdout, stderr } = await run(listed('npm run bench:micro'), ['--', 'statistics']);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^statistics\n(?: +[\d,]+ \S+ +\S.*\n)+/m);
  }, 120_000);

  it('links to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((link) => !existsSync(join(dirname(join(projectDirectory, 'README.md')), link)))).toEqual([]);
  });
});
