/** `gate` and `compare` as a user meets them, on small results folders made by hand; each exit code once from a real process. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GateVerdict } from '../../reports/gate.js';
import type { SuiteComparison } from '../../reports/suite-comparison.js';
import { type Ended, startCommand } from '../fixture-command.js';
import { callCommandLine } from '../fixture-command-line.js';
import type { Planted } from '../measures/planted-run.js';
import { defaultCosts } from '../simulation/costs.js';
import { projectDirectory } from '../testbed.js';
import { plantResults } from './fixture-results.js';

const repetitions = 10;
let folder: string;
let before: string;
let baseline: string;
const at = (name: string) => join(folder, name);

function planebench(...args: string[]): Promise<Ended> {
  return startCommand(process.execPath, [join(projectDirectory, 'dist/harness/main.js'), ...args], { cwd: folder })
    .ended;
}

/** Repetition r answers and shows a little later than r - 1; `wiggle` is what differs from one suite to the next. */
const pace =
  (slowdown: number, wiggle: number) =>
  (repetition: number): Planted => ({
    latencyUs: (i) => slowdown * (5_000 + 40 * repetition + wiggle * ((repetition * 7) % 5) + (i % 100)),
    shownAtUs: (emitUs) => emitUs + slowdown * (1_000_000 + 1_000 * repetition),
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-verbs-test-'));
  process.chdir(folder);
  before = await plantResults(at('before'), { repetitions, planted: pace(1, 0) });
  await plantResults(at('same'), { repetitions, planted: pace(1, 10) });
  await plantResults(at('slow'), { repetitions, planted: pace(2.5, 10) });
  await plantResults(at('few'), { repetitions: 2, planted: pace(1, 10) });
  await plantResults(at('scaled'), { repetitions: 1, planted: pace(1, 0), scenario: { timeScale: 30 } });
  await plantResults(at('other-suite'), { repetitions: 1, planted: pace(1, 0), suite: 'headline' });
  await plantResults(at('other-plane'), { repetitions: 1, planted: pace(1, 0), architecture: 'mine' });
  baseline = at('baseline.json');
  const made = await callCommandLine('gate', before, '--write-baseline', baseline);
  expect(made.code, made.stderr).toBe(0);
  expect(made.stderr).toMatch(/baseline\.json: smoke, 1 plane, 10 valid runs each at least/);
}, 120_000);
afterAll(() => {
  process.chdir(projectDirectory);
  return rm(folder, { recursive: true, force: true });
});

/** Bad usage: exit 3, a sentence, nothing on stdout, no stack trace. */
async function refused(args: string[], sentence: RegExp): Promise<void> {
  const { code, stdout, stderr } = await callCommandLine(...args);
  expect(stderr).toMatch(sentence);
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).not.toMatch(/\n\s+at /);
}

async function altered(name: string, change: (text: string) => string): Promise<string> {
  const text = await readFile(baseline, 'utf8');
  const changed = change(text);
  expect(changed).not.toBe(text);
  await writeFile(at(name), changed);
  return at(name);
}

describe('gate', () => {
  it('passes what did not get worse', async () => {
    const { code, stdout, stderr } = await planebench('gate', at('same'), '--baseline', baseline);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/PASS\n {2}Of 16 thresholds 16 passed, 0 failed, 0 are inconclusive\./);
  });

  it('fails what did, in words, for a CI server and for a pull request', async () => {
    const [junit, markdown] = [at('gate.xml'), at('gate.md')];
    const { code, stdout } = await planebench(
      'gate',
      at('slow'),
      '--baseline',
      baseline,
      '--junit',
      junit,
      '--markdown',
      markdown,
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL\n/);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /fail smoke lakehouse inference\.p99: 13\.\d ms after 5\.\d+ ms, 2\.5\d? times as bad \[2\.\d+, 2\.\d+\]; demanded: at most 100 % worse than the baseline \(10 pairs, /,
    );
    const xml = await readFile(junit, 'utf8');
    expect(xml).toMatch(/tests="17" failures="\d+" errors="0" skipped="0"/);
    expect(xml).toMatch(
      /<testcase classname="gate\.smoke\.lakehouse" name="inference p99 \(relative\)"><failure type="threshold"/,
    );
    expect(xml).toMatch(/<testcase classname="gate" name="verdict"><failure /);
    expect(await readFile(markdown, 'utf8')).toMatch(
      /^# Gate smoke: fail\n[\s\S]*\| \*\*fail\*\* \| smoke \| lakehouse \|/,
    );
  });

  it('decides nothing on two pairs, and says how many it takes', async () => {
    const junit = at('few.xml');
    const { code, stdout } = await planebench('gate', at('few'), '--baseline', baseline, '--json', '--junit', junit);
    expect(code).toBe(2);
    const verdict = JSON.parse(stdout) as GateVerdict;
    expect(verdict.outcome).toBe('inconclusive');
    expect(verdict.sentences.join(' ')).toMatch(/at most 2 pairs: nothing is decided on fewer than 10/);
    const of = (kind: string) => verdict.thresholds.filter((one) => one.kind === kind).map(({ outcome }) => outcome);
    expect(new Set(of('relative'))).toEqual(new Set(['inconclusive']));
    expect(new Set(of('absolute'))).toEqual(new Set(['pass']));
    const xml = await readFile(junit, 'utf8');
    expect(xml).toMatch(/failures="0" errors="1" skipped="4"/);
  });

  it('never overwrites a baseline unless it is told to', async () => {
    const text = await readFile(baseline, 'utf8');
    await refused(
      ['gate', at('slow'), '--write-baseline', baseline],
      /baseline\.json is there already and was left as it is: .*--overwrite/,
    );
    expect(await readFile(baseline, 'utf8')).toBe(text);
    const copy = await altered('copy.json', (json) => json.replace('"seed": 1', '"seed": 2'));
    expect((await callCommandLine('gate', before, '--write-baseline', copy, '--overwrite')).code).toBe(0);
    expect(await readFile(copy, 'utf8')).toBe(text);
  });
});

describe('a results folder that is not whole any more', () => {
  const summaryOf = (name: string) => readFile(join(at(name), 'summary.json'), 'utf8');

  it('is reported as one: what is missing is no pass', async () => {
    const partial = await plantResults(at('partial'), { repetitions: 3, planted: pace(1, 0) });
    expect((await callCommandLine('report', partial)).stderr).not.toContain('lacks');
    expect(await summaryOf('partial')).not.toContain('runs of it were removed');
    await rm(join(partial, 'runs', 'smoke-2-lakehouse'), { recursive: true });
    // As a process leaves it that ended while it saved a run.
    await rm(join(partial, 'runs', 'smoke-3-lakehouse', 'run.json'));
    const { code, stderr } = await callCommandLine('report', partial);
    expect(stderr).toMatch(/partial lacks 2 runs that it should have: smoke-2-lakehouse and smoke-3-lakehouse/);
    expect(code).toBe(2);
    expect(JSON.parse(await summaryOf('partial'))).toMatchObject({
      verdict: { outcome: 'inconclusive' },
    });
    expect(await readFile(join(partial, 'junit.xml'), 'utf8')).toContain('runs of it were removed');
  });

  it('keeps its conclusions when nothing is left to make them of', async () => {
    const gone = await plantResults(at('gone'), { repetitions: 1, planted: pace(1, 0) });
    await callCommandLine('report', gone);
    const concluded = await summaryOf('gone');
    await rm(join(gone, 'runs', 'smoke-1-lakehouse'), { recursive: true });
    await refused(['report', gone], /gone holds none of the runs that were made/);
    await rm(join(gone, 'runs'), { recursive: true });
    await refused(['report', gone], /runs cannot be read/);
    expect(await summaryOf('gone')).toBe(concluded);
  });
});

describe('a baseline that does not fit is refused', () => {
  it('of no plane: it is not even made', async () => {
    const floorOnly = await plantResults(at('floor-only'), {
      repetitions: 1,
      planted: pace(1, 0),
      scenario: { name: 'floor' },
    });
    const kept = await readFile(baseline, 'utf8');
    await refused(['gate', floorOnly, '--write-baseline', baseline, '--overwrite'], /has no plane, or one without/);
    expect(await readFile(baseline, 'utf8')).toBe(kept);
    const empty = at('empty.json');
    await writeFile(empty, JSON.stringify({ ...JSON.parse(kept), scenarios: [], planes: [] }));
    await refused(['gate', before, '--baseline', empty], /empty\.json has no run of a plane/);
  });

  it.each<[string, (text: string) => string, RegExp]>([
    [
      'of another version',
      (text) => text.replace('baseline/1', 'baseline/2'),
      /has schema "planebench\.baseline\/2", expected "planebench\.baseline\/1": make it again/,
    ],
    [
      'of another stack',
      (text) => text.replace('"stack":"embedded"', '"stack":"cloud"'),
      /of the stack embedded, .* of the stack cloud: figures of different stacks are not comparable/,
    ],
    [
      'of another suite',
      (text) => text.replace('"suite": "smoke"', '"suite": "headline"'),
      /a baseline of the suite "headline", and this is "smoke"/,
    ],
    [
      'simulated',
      (text) => text.replace('"badge":"measured"', '"badge":"simulated"'),
      /is measured, .* is simulated: simulated and measured figures are never compared/,
    ],
    [
      'at another time scale',
      (text) => text.replace('"timeScale":60', '"timeScale":1'),
      /at time scale 60, .* at time scale 1:/,
    ],
    [
      'of another load',
      (text) => text.replace(/"sha256":"[0-9a-f]{8}/, '"sha256":"00000000'),
      /the scenario smoke of .* is not that of /,
    ],
    [
      'of another machine in virtual time',
      (text) => text.replace('"timeScale":60,', `"timeScale":60,"serviceTimes":"${'ab'.repeat(32)}",`),
      /the scenario smoke of .* has the standard service times, that of .* has service times of its own \(SHA-256 abababababab\): .* not comparable/,
    ],
    ['that is no JSON', (text) => text.slice(0, 100), /is no JSON/],
    ['without a field', (text) => text.replace('"repetitions": 10,', ''), /must have required property 'repetitions'/],
    [
      'that lacks a value',
      (text) => text.replace(/("values":\[)[^,]+,/, '$1'),
      /contradicts itself: .* has 9 values for 10 runs/,
    ],
    [
      'without a figure that is asked for',
      (text) => text.replaceAll(/\n.*"metric":"backfill\.time_per_tb",.*/g, ''),
      /1 of the thresholds of the suite smoke could never be judged:\n {2}smoke lakehouse backfill\.time_per_tb\.mean: the baseline has no such figure/,
    ],
  ])('%s', async (name, change, sentence) => {
    const file = await altered(`${name.replaceAll(' ', '-')}.json`, change);
    await refused(['gate', at('same'), '--baseline', file], sentence);
  });

  it('that is not there, or is asked for twice, or not at all', async () => {
    await refused(['gate', at('same'), '--baseline', 'nowhere.json'], /nowhere\.json cannot be read as a baseline/);
    await refused(['gate', at('same')], /gate needs one of --baseline FILE/);
    await refused(['gate', 'nowhere', '--baseline', baseline], /holds no manifest\.json/);
    await refused(
      ['gate', at('other-plane'), '--baseline', baseline],
      /smoke mine inference\.p50: the baseline has no such plane/,
    );
  });

  it('simulated with other service times than a run will have; one from before they were recorded had the standard ones', async () => {
    const { tables, ...others } = defaultCosts;
    const faster = { ...others, tables: { ...tables, fold: { ...tables.fold, fixedUs: 1 } } };
    await writeFile(at('faster.json'), JSON.stringify(faster));
    const simulated = join(projectDirectory, 'results/baselines/simulated.json');
    expect(await readFile(simulated, 'utf8')).not.toMatch(/"serviceTimes":"(?!standard)/);
    await refused(
      ['simulate', '--service-times', 'faster.json', '--baseline', simulated],
      /the scenario headline of the suite simulated has service times of its own \(SHA-256 [0-9a-f]{12}\), that of .*simulated\.json has the standard service times/,
    );
  });

  it('before a suite is run, and nothing is written', async () => {
    // The planted scenario is not the suite's.
    await refused(
      ['run', '--suite', 'smoke', '--baseline', baseline],
      /the scenario smoke of the suite smoke is not that of/,
    );
    await refused(
      ['run', '--suite', 'ingest', '--baseline', baseline],
      /a baseline of the suite "smoke", and this is "ingest"/,
    );
    expect(await readdir(folder)).not.toContain('results');
  });
});

describe('compare', () => {
  it('the same, worse, and too few to say: exit 0, 1, 2', async () => {
    const json = async (b: string) => {
      const { code, stdout, stderr } = await callCommandLine('compare', before, b, '--json');
      expect(stdout, stderr).not.toBe('');
      return { code, outcome: (JSON.parse(stdout) as SuiteComparison).outcome };
    };
    expect(await json(before)).toEqual({ code: 0, outcome: 'no worse' });
    expect(await json(at('slow'))).toEqual({ code: 1, outcome: 'worse' });
    expect(await json(at('few'))).toEqual({ code: 2, outcome: 'inconclusive' });
  });

  it('takes a baseline, or the summary within a results folder, for the folder, and writes Markdown', async () => {
    await writeFile(join(before, 'summary.json'), '{}');
    const markdown = at('compare.md');
    const { code, stdout } = await callCommandLine(
      'compare',
      baseline,
      join(before, 'summary.json'),
      '--markdown',
      markdown,
    );
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/NO WORSE/);
    expect(await readFile(markdown, 'utf8')).toMatch(/^# B is no worse/);
  });

  it('refuses what cannot be compared', async () => {
    await refused(
      ['compare', before, at('scaled')],
      /at time scale 60, .* at time scale 30: figures of different time scales/,
    );
    const simulated = await altered('simulated-values.json', (text) =>
      text.replace('"badge":"measured"', '"badge":"simulated"'),
    );
    await refused(['compare', before, simulated], /simulated and measured figures are never compared/);
    await refused(['compare', before, at('other-suite')], /no figure of the same plane under the same scenario/);
    await refused(['compare', before, 'nowhere'], /there is no nowhere/);
    await writeFile(at('lone.json'), '{"schema":"planebench.summary/1"}');
    await refused(['compare', before, at('lone.json')], /away from its results folder: .* no pairs can be formed/);
  });
});
