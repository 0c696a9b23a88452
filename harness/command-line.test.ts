/** The command line as a user meets it; each exit code of it once from a real process. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headlineManifest } from '../reports/fixtures/headline.js';
import type { Manifest, Summary } from '../reports/summary.js';
import { type Ended, startCommand } from './fixture-command.js';
import { callCommandLine } from './fixture-command-line.js';
import { plantRun } from './measures/planted-run.js';
import { standardPrices } from './prices/prices.js';
import { loadFacts, saveFacts } from './record/saved-facts.js';
import { projectDirectory } from './testbed.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-cli-test-'));
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(projectDirectory);
  return rm(folder, { recursive: true, force: true });
});

const planebench = (...args: string[]): Promise<Ended> => planebenchIn(process.env, ...args);

function planebenchIn(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> {
  const main = join(projectDirectory, 'dist/harness/main.js');
  return startCommand(process.execPath, [main, ...args], { cwd: folder, env }).ended;
}

/** Bad usage: exit 3, one clear sentence, nothing started, nothing written. */
async function refused(args: string[], sentence: RegExp, call = callCommandLine): Promise<void> {
  const { code, stdout, stderr } = await call(...args);
  expect(stderr).toMatch(sentence);
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(await readdir(folder)).not.toContain('results');
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('bad usage', () => {
  it.each([
    [
      'an unknown suite',
      ['run', '--suite', 'smok'],
      /no suite "smok"; did you mean "smoke"\? Suites: headline, smoke, ingest/,
    ],
    ['an unknown plane', ['run', '--architecture', 'lakehose'], /no plane "lakehose"; did you mean "lakehouse"\?/],
    [
      'a system whose address holds a secret',
      ['run', '--architecture', 'http://user:tree@127.0.0.1:9'],
      /named by an address with http:\/\/ or https:\/\/, without user, password, query and fragment(?!.*tree)/,
    ],
    [
      'a token in the address of a system',
      ['run', '--architecture', 'http://127.0.0.1:9/?token=tree'],
      /without user, password, query and fragment(?!.*tree)/,
    ],
    ['an unknown stack', ['run', '--stack', 'embeded'], /no stack "embeded"; did you mean "embedded"\?/],
    ['servers of nobody', ['run', '--stack', 'external'], /on your servers: say where they are with --servers FILE/],
    [
      'servers for a stack that has its own',
      ['check', 'null', '--stack', 'embedded', '--servers', 'nowhere.json'],
      /name that, too, by --stack external/,
    ],
    [
      'servers that nobody wrote down',
      ['run', '--stack', 'external', '--servers', 'nowhere.json'],
      /nowhere\.json cannot be read/,
    ],
    [
      'brokers where there is no Kafka',
      ['run', '--stack', 'embedded', '--brokers', '3'],
      /3 brokers are asked for, and the stack embedded starts no Kafka: .*--stack native/,
    ],
    [
      'brokers that are yours to start',
      ['run', '--suite', 'soak', '--stack', 'external', '--brokers', '1'],
      /and the stack external starts no Kafka/,
    ],
    [
      'brokers of which none may die',
      ['run', '--stack', 'native', '--brokers', '2'],
      /'--brokers <count>' argument '2' is invalid\. expected 1 or 3, found 2/,
    ],
    ['an unknown source', ['run', '--source', 'oracle'], /'oracle' is invalid.*postgres/],
    [
      'real processes in virtual time',
      ['simulate', '--suite', 'smoke', '--stack', 'embedded'],
      /--stack embedded: simulate runs in virtual time; use npm run bench -- --stack embedded/,
    ],
    [
      'service times of servers that are there',
      ['run', '--suite', 'smoke', '--service-times', 'mine.json'],
      /--service-times mine\.json: nothing here is simulated/,
    ],
    [
      'a source that is not simulated',
      ['simulate', '--source', 'postgres'],
      /--source postgres: a database is not simulated/,
    ],
    ['a source for a soak', ['run', '--suite', 'soak', '--source', 'postgres'], /--source is not for the suite soak/],
    ['an unknown flag', ['run', '--sute', 'smoke'], /unknown option '--sute'.*--suite/],
    ['an unknown verb', ['rum'], /unknown command 'rum'.*did you mean run\?/],
    ['a seed that is none', ['run', '--seed', 'seven'], /'seven' is invalid.*expected an integer from 0 to 999999999/],
    ['no repetitions', ['run', '--repetitions', '0'], /expected an integer from 1 to 99999, found 0/],
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
    ['a plane whose name is no identifier', ['new', 'architecture', 'my-plane'], /"my-plane" is no identifier/],
    ['a new plane with an old name', ['new', 'architecture', 'null'], /null is a plane of planebench/],
    ['a new thing that is none', ['new', 'arkitecture', 'mine'], /unknown command 'arkitecture'/],
    [
      'a new plane where it could not import anything',
      ['new', 'architecture', 'mine'],
      /could not import 'planebench': choose a folder in .*npm install/,
    ],
    [
      'a new plane in no folder',
      ['new', 'architecture', 'mine', '--out', 'nowhere'],
      /there is no folder .*nowhere.*--out/,
    ],
    [
      'an address that is none',
      ['run', '--suite', 'smoke', '--architecture', 'ftp://127.0.0.1:8080'],
      /a system is named by an address with http:/,
    ],
    [
      'an unknown fault',
      ['run', '--suite', 'smoke', '--fault', 'rol-pause'],
      /no fault "rol-pause"; did you mean "role-pause"\? Faults: role-crash, role-pause, crash-loop/,
    ],
    [
      'a fault without a value',
      ['run', '--suite', 'smoke', '--fault', 'role-pause:lastsUs'],
      /expected field=value, found "lastsUs"\. For example: --fault role-pause:role=serving,lastsUs=300000/,
    ],
    [
      'a fault with a field that it does not have',
      ['run', '--suite', 'smoke', '--fault', 'role-crash:lastsUs=5'],
      /role-crash: Unrecognized key: "lastsUs".*Parameters: role/,
    ],
    [
      'a fault that lasts no time',
      ['run', '--suite', 'smoke', '--fault', 'role-pause:lastsUs=0'],
      /role-pause\.lastsUs: .*expected number to be >0\. Given: \{"lastsUs":0\}/,
    ],
    [
      'a share of more than all changes',
      ['run', '--suite', 'smoke', '--fault', 'late-events:ppm=1000001'],
      /late-events\.ppm: .*<=1000000.*Given: \{"ppm":1000001\}/,
    ],
    [
      'a share of more than all calls',
      ['run', '--suite', 'smoke', '--fault', 'failing-port:errorPpm=0'],
      /failing-port\.errorPpm: .*>=1/,
    ],
    [
      'two outages of one server at a time',
      ['run', '--suite', 'smoke', '--fault', 'online-store-outage', '--fault', 'online-store-loss'],
      /the one would bring up the server that the other has taken down\. Let them begin at least/,
    ],
    [
      'a part of a suite for a baseline of all of it',
      ['run', '--suite', 'smoke', '--shard', '1/2', '--baseline', 'nowhere.json'],
      /--baseline judges all runs of a suite, and --shard does some of them/,
    ],
    [
      'a verdict of what is to be a baseline',
      ['gate', 'nowhere', '--write-baseline', 'there.json', '--junit', 'gate.xml'],
      /--junit is for --baseline, by which the run is judged: leave it away/,
    ],
    [
      'a baseline that is only read to be written over',
      ['gate', 'nowhere', '--baseline', 'there.json', '--overwrite'],
      /--overwrite is for --write-baseline: leave it away/,
    ],
    [
      'a jump of a clock by nothing',
      ['run', '--suite', 'smoke', '--fault', 'clock-jump:byUs=0'],
      /clock-jump\.byUs: expected a jump forward, or back/,
    ],
    [
      'a fault aimed at a port that is none',
      ['run', '--suite', 'smoke', '--fault', 'slow-port:port=warehose'],
      /slow-port\.port: .*"changeLog"\|"onlineStore"\|"tables"\|"warehouse"/,
    ],
    [
      'a fault aimed at a port that no plane uses',
      ['run', '--suite', 'smoke', '--architecture', 'lakehouse', '--fault', 'slow-port:port=warehouse'],
      /aimed at the port warehouse, which no plane uses\. Ports in use: lakehouse has changeLog, onlineStore, tables/,
    ],
    [
      'a fault aimed at a role that no plane has',
      ['run', '--suite', 'smoke', '--fault', 'role-pause:role=servin'],
      /role servin, which no plane has; did you mean serving\? Roles: lakehouse has stream, compactor, batch, serving; lambda has batch/,
    ],
    [
      'a fault aimed at a partition that there is not',
      ['run', '--suite', 'smoke', '--fault', 'leader-kill:partition=9'],
      /leader-kill is aimed at partition 9 of changes, which has partitions 0 to \d\. Name one of those/,
    ],
    [
      'a fault that strikes nothing in any plane',
      ['run', '--suite', 'smoke', '--architecture', 'warehouse', '--fault', 'online-store-outage'],
      /no run is left.*\n {2}smoke of warehouse is not applicable: online-store-outage: the plane does not use onlineStore/,
    ],
    [
      'a fault after the load',
      ['run', '--suite', 'smoke', '--architecture', 'lakehouse', '--fault', 'role-crash:schedule.afterUs=6000000'],
      /role-crash would end 6\.\d+ s into the fault phase, when the load has ended after 5 s\. Let it begin earlier/,
    ],
    [
      'a fault that outlasts the load',
      ['run', '--suite', 'smoke', '--architecture', 'lakehouse', '--fault', 'role-pause:lastsUs=9000000'],
      /role-pause would end \d+\.\d+ s into the fault phase, when the load has ended after 5 s\. Let it begin earlier, or last less long/,
    ],
    [
      'a fault that never strikes',
      [
        'run',
        '--suite',
        'smoke',
        '--architecture',
        'lakehouse',
        '--fault',
        'role-pause:lastsUs=4900000,schedule.everyUs=20000000',
      ],
      /role-pause (never strikes|cannot strike)/,
    ],
    [
      'a hold time longer than is watched',
      [
        'run',
        '--suite',
        'smoke',
        '--architecture',
        'lakehouse',
        '--fault',
        'role-pause:lastsUs=4000000,schedule.jitterUs=500000',
      ],
      /must hold for 1 s to count as regained, but after the last fault \(role-pause\) the plane is watched for 0\.\d+ s only/,
    ],
    [
      'two faults that could not be told apart',
      ['run', '--suite', 'smoke', '--architecture', 'lakehouse', '--fault', 'late-events', '--fault', 'late-events'],
      /late-events of source begins again .* the two could not be told apart\. Let them begin at least 2 s apart/,
    ],
    [
      'a schedule with a field that there is not',
      ['run', '--suite', 'smoke', '--fault', 'role-crash:schedule.soonUs=1'],
      /role-crash\.schedule: Unrecognized key: "soonUs".*Parameters: kind, afterUs, jitterUs/,
    ],
    [
      'a shard that is none',
      ['run', '--suite', 'chaos', '--shard', '4/3'],
      /expected i\/n with i from 1 to n.*found 4\/3/,
    ],
    [
      'more shards than traces',
      ['run', '--suite', 'smoke', '--shard', '3/3'],
      /the suite has 2 traces.*at most 2 shards/,
    ],
    ['a time without a unit', ['run', '--suite', 'soak', '--for', '60'], /expected a number and s, m or h.*found 60/],
    [
      'a time for a suite that has an end',
      ['run', '--suite', 'smoke', '--for', '60s'],
      /--for 60s is for the suite soak/,
    ],
    [
      'a soak with two ends',
      ['run', '--suite', 'soak', '--for', '60s', '--repetitions', '3'],
      /--for and --repetitions both say when a soak ends: choose one/,
    ],
    [
      'a soak of a chosen fault',
      ['run', '--suite', 'soak', '--fault', 'role-crash'],
      /--fault is not for the suite soak: its faults are drawn by the seed/,
    ],
    [
      'a soak against a baseline',
      ['run', '--suite', 'soak', '--baseline', 'nowhere.json'],
      /--baseline is not for the suite soak/,
    ],
    [
      'a soak of a plane that could lose nothing',
      ['run', '--suite', 'soak', '--architecture', 'null'],
      /no role of null takes changes in/,
    ],
    ['a soak of a plane that is none', ['run', '--suite', 'soak', '--architecture', 'lakehose'], /no plane "lakehose"/],
    ['a check of nothing', ['check', './nowhere.ts'], /there is no file .*nowhere\.ts/],
    ['a check on no stack', ['check', 'null', '--stack', 'embeded'], /no stack "embeded"; did you mean "embedded"\?/],
    ['a check of a plane that is none', ['check', 'lakehose'], /no plane "lakehose"; did you mean "lakehouse"\?/],
    ['a report of nothing', ['report', 'nowhere'], /holds no manifest\.json/],
    [
      'no price book',
      ['run', '--suite', 'smoke', '--prices', 'nowhere.json'],
      /price book nowhere\.json cannot be read/,
    ],
    ['a report at no prices', ['report', 'nowhere', '--prices', 'nowhere.json'], /nowhere\.json cannot be read/],
  ])('%s', (_, args, sentence) => refused(args, sentence));

  it('says so to the shell', async () => {
    await refused(['rum'], /unknown command 'rum'/, planebench);
    await refused(['run', '--suite', 'smok'], /no suite "smok"/, planebench);
  });

  it.each(['run --suite smoke', 'run --suite soak', 'check null'])('%s on servers that are not there', (words) =>
    refused(
      [...words.split(' '), '--stack', 'native'],
      /the stack native cannot be started here\.\nkafka \(change log.*Get it: .*\nredis-server .*Get it: .*\nversitygw /s,
      (...args) => planebenchIn({ ...process.env, PATH: '', XDG_DATA_HOME: folder }, ...args),
    ),
  );

  it('a server that is there and does not start: which one, what was tried, what it said; nothing is left', async () => {
    const pids = join(folder, 'pids');
    const put = async (path: string, script: string) => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `#!/bin/sh\n${script}\n`);
      await chmod(path, 0o755);
    };
    const programs = join(folder, 'share', 'planebench');
    const serve = `echo $$ >> '${pids}'; exec sleep 300`;
    await put(
      join(folder, 'bin', 'java'),
      `[ "$1" = -version ] && exec echo 'version "17"'; echo No heap. >&2; exit 1`,
    );
    await put(join(folder, 'bin', 'redis-server'), `[ "$1" = --version ] && exec echo v=7.0.1; ${serve}`);
    await put(join(programs, 'kafka-4.1.1', 'libs', 'kafka_2.13-4.1.1.jar'), '');
    await put(join(programs, 'versitygw-1.8.0', 'versitygw'), serve);
    const PATH = `${join(folder, 'bin')}${delimiter}${process.env.PATH}`;
    await refused(
      ['run', '--suite', 'smoke', '--architecture', 'lakehouse', '--stack', 'native'],
      /kafka 4\.1\.1 \(change log.* did not start at 127\.0\.0\.1:\d+, by java .*exit code 1.*\nNo heap\.\nMend what it says/s,
      (...args) => planebenchIn({ ...process.env, PATH, XDG_DATA_HOME: join(folder, 'share') }, ...args),
    );
    const started = (await readFile(pids, 'utf8')).trim().split('\n').map(Number);
    expect(started.length).toBeGreaterThan(0);
    expect(started.filter(isAlive)).toEqual([]);
  });

  it('run on containers without a daemon', () =>
    refused(
      ['run', '--suite', 'smoke', '--stack', 'docker'],
      /the stack docker cannot be started here\.\nNo container daemon answers at unix:\/\/\/nowhere\/docker\.sock\. Get it: start one: [^\n]*\n$/,
      (...args) => planebenchIn({ ...process.env, DOCKER_HOST: 'unix:///nowhere/docker.sock' }, ...args),
    ));

  it.each(['lakehouse', 'warehouse', 'lambda', 'null'])(
    'a parameter that %s does not have: its path and what there is',
    (plane) =>
      refused(
        ['run', '--suite', 'smoke', '--architecture', plane, '--param', `${plane}.speed="high"`],
        new RegExp(`${plane}.*speed`, 's'),
      ),
  );

  it('a price book in which a unit is missing: where, and what was expected', async () => {
    const { prices, ...rest } = structuredClone(standardPrices);
    const { unit: _, ...cpu } = prices.cpu;
    await writeFile(join(folder, 'prices.json'), JSON.stringify({ ...rest, prices: { ...prices, cpu } }));
    await refused(
      ['run', '--suite', 'smoke', '--architecture', 'null', '--prices', 'prices.json'],
      /price book prices\.json cannot be used: prices\.cpu\.unit: expected "usd_per_vcpu_second", found nothing/,
    );
  });

  it('a parameter out of range: its path, what was given, what is allowed', () =>
    refused(
      ['run', '--suite', 'smoke', '--architecture', 'lambda', '--param', 'lambda.batchIntervalUs=-5'],
      /lambda\.batchIntervalUs: .*1000.*Given: .*-5/s,
    ));
});

describe('a fault that strikes some of the planes', () => {
  it('is left out of the others, and said so', async () => {
    const planes = ['lakehouse', 'warehouse'].flatMap((plane) => ['--architecture', plane]);
    const fault = ['--fault', 'online-store-outage:lastsUs=1000000'];
    const args = ['run', '--suite', 'smoke', '--stack', 'simulated', ...planes, ...fault, '--out', 'spared'];
    const { code, stderr } = await planebench(...args);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/left out:\n {2}smoke of warehouse is not applicable: .*does not use onlineStore/);
    const [name = ''] = await readdir(join(folder, 'spared'));
    expect(await readdir(join(folder, 'spared', name, 'runs'))).toEqual(['smoke-1-lakehouse']);
    const manifest = JSON.parse(await readFile(join(folder, 'spared', name, 'manifest.json'), 'utf8')) as Manifest;
    expect(manifest.notApplicable).toEqual([
      {
        scenario: 'smoke',
        architecture: 'warehouse',
        reason: 'online-store-outage: the plane does not use onlineStore',
      },
    ]);
    const { faults } = await loadFacts(join(folder, 'spared', name, 'runs', 'smoke-1-lakehouse'));
    expect(faults.map(({ kind, witnessedUs }) => [kind, witnessedUs !== null])).toEqual([
      ['online-store-outage', true],
    ]);
  });
});

describe('a report at other prices', () => {
  const costIn = (stdout: string) =>
    (JSON.parse(stdout) as Summary).estimates.find(({ metric }) => metric === 'cost.per_1k_predictions')?.pointEstimate;

  it('needs no new run, and stays at them', async () => {
    const run = plantRun();
    await saveFacts(join(folder, 'saved', 'runs', run.plan.id), run);
    await writeFile(join(folder, 'saved', 'manifest.json'), JSON.stringify(headlineManifest()));
    const { cpu, memory, ...others } = standardPrices.prices;
    const twice = <P extends { value: number; high: number }>(price: P): P => ({
      ...price,
      value: 2 * price.value,
      high: 4 * price.high,
    });
    const dearer = { ...standardPrices, prices: { ...others, cpu: twice(cpu), memory: twice(memory) } };
    await writeFile(join(folder, 'dearer.json'), JSON.stringify(dearer));

    const asItWas = costIn((await callCommandLine('report', 'saved', '--json')).stdout) ?? Number.NaN;
    const repriced = await callCommandLine('report', 'saved', '--prices', 'dearer.json', '--json');
    // What is stored costs next to nothing in ten seconds.
    expect(costIn(repriced.stdout)).toBeCloseTo(2 * asItWas, 9);
    expect((await callCommandLine('report', 'saved', '--json')).stdout).toBe(repriced.stdout);
    expect(JSON.parse(await readFile(join(folder, 'saved', 'prices.json'), 'utf8'))).toEqual(dearer);
  });
});

describe('a machine that does not let us', () => {
  it.skipIf(process.getuid?.() === 0)('says that results cannot be written, and where else', async () => {
    const locked = join(folder, 'locked');
    await writeFile(locked, '');
    await chmod(locked, 0o400);
    const { code, stderr } = await callCommandLine(
      'run',
      '--suite',
      'smoke',
      '--architecture',
      'null',
      '--out',
      locked,
    );
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
    for (const verb of ['run', 'simulate', 'report', 'gate', 'compare', 'doctor', 'new', 'check'])
      expect(stdout).toContain(verb);
  });
});
