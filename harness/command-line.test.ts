/** The command line as a user meets it: real processes, real exit codes. */
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, startCommand } from './fixture-command.js';
import { projectDirectory } from './testbed.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-cli-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function planebench(...args: string[]): Promise<Ended> {
  return startCommand(process.execPath, [join(projectDirectory, 'dist/harness/main.js'), ...args], { cwd: folder })
    .ended;
}

/** Bad usage: exit 3, one clear sentence, nothing started, nothing written. */
async function refused(args: string[], sentence: RegExp): Promise<void> {
  const { code, stdout, stderr } = await planebench(...args);
  expect(stderr).toMatch(sentence);
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(await readdir(folder)).not.toContain('results');
}

describe('bad usage', () => {
  it.each([
    [
      'an unknown suite',
      ['run', '--suite', 'smok'],
      /no suite "smok"; did you mean "smoke"\? Suites: headline, smoke, ingest/,
    ],
    ['an unknown plane', ['run', '--architecture', 'lakehose'], /no plane "lakehose"; did you mean "lakehouse"\?/],
    ['an unknown stack', ['run', '--stack', 'embeded'], /no stack "embeded"; did you mean "embedded"\?/],
    ['an unknown flag', ['run', '--sute', 'smoke'], /unknown option '--sute'.*--suite/],
    ['an unknown verb', ['rum'], /unknown command 'rum'.*did you mean run\?/],
    ['a seed that is none', ['run', '--seed', 'seven'], /'seven' is invalid.*expected an integer from 0 to 999999999/],
    ['no repetitions', ['run', '--repetitions', '0'], /expected an integer from 1 to 999, found 0/],
    ['a plane twice', ['run', '--architecture', 'null', '--architecture', 'null'], /two planes are named null/],
    [
      'a parameter of a plane that does not run',
      ['run', '--architecture', 'null', '--param', 'lambda.x=1'],
      /--param lambda\.x: no plane of this run is named lambda/,
    ],
    [
      'a parameter that is no JSON',
      ['run', '--param', 'lambda.batchIntervalUs=soon'],
      /the value of lambda\.batchIntervalUs is no JSON: soon/,
    ],
    [
      'a module that is not there',
      ['run', '--suite', 'smoke', '--architecture', './nowhere.ts'],
      /there is no file .*nowhere\.ts/,
    ],
    ['a folder as module', ['run', '--suite', 'smoke', '--architecture', './'], /there is no file /],
    ['a report of nothing', ['report', 'nowhere'], /holds no manifest\.json/],
  ])('%s', (_, args, sentence) => refused(args, sentence));

  it.each(['lakehouse', 'warehouse', 'lambda', 'null'])(
    'a parameter that %s does not have: its path and what there is',
    (plane) =>
      refused(
        ['run', '--suite', 'smoke', '--architecture', plane, '--param', `${plane}.speed="high"`],
        new RegExp(`${plane}.*speed`, 's'),
      ),
  );

  it('a parameter out of range: its path, what was given, what is allowed', () =>
    refused(
      ['run', '--suite', 'smoke', '--architecture', 'lambda', '--param', 'lambda.batchIntervalUs=-5'],
      /lambda\.batchIntervalUs: .*1000.*Given: .*-5/s,
    ));
});

describe('a machine that does not let us', () => {
  it.skipIf(process.getuid?.() === 0)('says that results cannot be written, and where else', async () => {
    const locked = join(folder, 'locked');
    await writeFile(locked, '');
    await chmod(locked, 0o400);
    const { code, stderr } = await planebench('run', '--suite', 'smoke', '--architecture', 'null', '--out', locked);
    expect(stderr).toMatch(/cannot write results to .*locked.*--out/);
    expect(code).toBe(4);
  });

  it('says that results cannot be written where a file stands in the way', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const { code, stderr } = await planebench('run', '--suite', 'smoke', '--architecture', 'null', '--out', file);
    expect(stderr).toMatch(/cannot write results to .*file.*--out/);
    expect(code).toBe(4);
  });
});

describe('help', () => {
  it('lists the verbs', async () => {
    const { code, stdout } = await planebench('--help');
    expect(code).toBe(0);
    for (const verb of ['run', 'report', 'gate', 'compare', 'doctor']) expect(stdout).toContain(verb);
  });
});
