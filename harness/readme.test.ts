/** README's own commands, run as they stand there. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../reports/summary.js';
import { hostClock } from './clock.js';
import { type Ended, startCommand } from './fixture-command.js';
import { loadFacts } from './record/saved-facts.js';
import { findImage, imageOf } from './servers/images.js';
import { kafka } from './servers/kafka.js';
import { postgres } from './servers/postgres.js';
import { isFound, type Missing } from './servers/programs.js';
import { redis } from './servers/redis.js';
import { versitygw } from './servers/versitygw.js';
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
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const real = [kafka, redis, versitygw];
const sought = {
  native: await Promise.all(real.map(({ find }) => find())),
  docker: await Promise.all(real.map((program) => findImage(imageOf(program)))),
};
const missing = Object.entries(sought).flatMap(([stack, found]) =>
  found.filter((one): one is Missing => !isFound(one)).map((one) => ({ stack, ...one })),
);
for (const { stack, missing: what, toGet } of missing)
  process.stderr.write(`no suite is run on the stack ${stack}: ${what} Get it: ${toGet}\n`);

const database = await postgres.find();
if (!isFound(database))
  process.stderr.write(`no suite is run on a database: ${database.missing} Get it: ${database.toGet}\n`);

const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) process.stderr.write('the example in Python is not run: there is no python3 on this machine\n');

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

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
      'npm run planebench -- new architecture mine',
      'node --import tsx --test mine.test.ts',
      'npm run planebench -- check ./mine.ts',
      'npm run bench -- --suite smoke --architecture lakehouse --architecture ./mine.ts',
      'npm run bench -- --suite smoke --fault role-pause:role=serving,lastsUs=300000',
      'npm run bench -- --suite soak --for 60m',
      'npm run bench -- --suite chaos --shard 1/4',
      'python3 architectures/http/example.py 8080',
      'npm run planebench -- check http://127.0.0.1:8080',
      'npm run bench -- --suite smoke --architecture lakehouse --architecture http://127.0.0.1:8080',
      'npm run simulate',
      'npm run planebench -- report RUN',
      'npm run planebench -- gate RUN --baseline FILE',
      'npm run planebench -- gate RUN --write-baseline FILE',
      'npm run planebench -- compare A B',
      'npm run planebench -- doctor',
      'npm run planebench -- clean --servers FILE',
      'npm run bench:micro',
      'npm run bench -- --suite smoke --stack native',
      'npm run bench -- --suite smoke --source postgres',
      'npm run bench -- --suite smoke --stack docker',
    ];
    const byCi = [
      'npm ci',
      'npm test',
      'npm run stack:install',
      'npm run stack:images',
      'npm run bench -- --suite chaos-short',
    ];
    // The same command as with a suite, whose name it does not have to say.
    const whole = ['npm run bench'];
    // The same commands as with names of their own.
    const general = [
      'npm run planebench -- check PLANE',
      'npm run planebench -- new architecture NAME',
      'npm run bench:micro -- native',
    ];
    expect([...new Set(commands)].sort()).toEqual([...tested, ...byCi, ...whole, ...general].sort());
    const ci = ['.ci/run', '.github/workflows/bench.yml']
      .map((path) => readFileSync(join(projectDirectory, path), 'utf8'))
      .join('\n');
    for (const command of byCi) expect(ci).toContain(command);
    expect(findSuite('headline').repetitions).toBe(5);
  });

  it('brings your own plane: writes it, tests it, checks it, runs it, and computes the report again', async () => {
    // Where 'planebench' can be imported, but not among the sources.
    const own = await mkdtemp(join(projectDirectory, 'dist', 'readme-mine-'));
    cleanups.push(() => rm(own, { recursive: true, force: true }));
    const here = (command: string) => listed(command).replace(/(\.\/)?mine(\.test)?\.ts$/, join(own, 'mine$2.ts'));
    const written = await run(listed('npm run planebench -- new architecture mine'), ['--out', own]);
    expect(written.code, written.stderr).toBe(0);
    expect((await readdir(own)).sort()).toEqual(['mine.test.ts', 'mine.ts']);

    const tested = await run(here('node --import tsx --test mine.test.ts'));
    expect(tested.code, tested.stdout).toBe(0);
    expect(tested.stdout).toMatch(/fail 0\b/);

    const checked = await run(here('npm run planebench -- check ./mine.ts'));
    expect(checked.stdout).toMatch(/^mine on embedded\n {2}offers lookup, predict, backfill; not exportChanges/m);
    // Or 2 on a machine too busy to start a role again in three seconds.
    expect([0, 2], checked.stdout + checked.stderr).toContain(checked.code);
    expect(checked.stdout).not.toContain('FAILS');

    const out = join(folder, 'mine');
    const command = here('npm run bench -- --suite smoke --architecture lakehouse --architecture ./mine.ts');
    // In virtual time: `check` has run it on servers, and a plane beside the lakehouse is run there behind HTTP, below.
    const { code, stdout, stderr } = await run(command, ['--stack', 'simulated', '--out', out]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/lakehouse\s+mine/);
    const results = await onlyFolder(out);
    const facts = await loadFacts(join(results, 'runs', 'smoke-1-mine'));
    expect(facts.invalid).toEqual([]);
    expect(facts.ledger?.examples).toEqual([]);
    expect(facts.ledger?.final.checked).toBeGreaterThan(1_000);

    const again = await run(listed('npm run planebench -- report RUN').replace('RUN', results));
    expect(again.code).toBe(code);
    const summary = JSON.parse(readFileSync(join(results, 'summary.json'), 'utf8')) as Summary;
    expect(new Set(summary.estimates.map(({ architecture }) => architecture))).toEqual(new Set(['lakehouse', 'mine']));
  }, 240_000);

  it('simulates: in virtual time, one plane and one seed of it', async () => {
    const out = join(folder, 'simulated');
    const { code, stdout, stderr } = await run(`${listed('npm run simulate')} --`, [
      '--architecture',
      'warehouse',
      '--repetitions',
      '1',
      '--out',
      out,
    ]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('Every figure: simulated, simulated stack');
  }, 240_000);

  it('hurts a plane: a chosen fault, a shard of chaos, a soak that ends when its time is over', async () => {
    const short = ['--stack', 'simulated', '--architecture', 'lakehouse'];
    const of = async (command: string, name: string, more: readonly string[] = []) => {
      const out = join(folder, name);
      const { code, stderr } = await run(listed(command), [...short, ...more, '--out', out]);
      // Or 2, where a fault was not seen to bite.
      expect([0, 2], stderr).toContain(code);
      return onlyFolder(out);
    };
    const smoke = await of('npm run bench -- --suite smoke --fault role-pause:role=serving,lastsUs=300000', 'fault');
    const { faults } = await loadFacts(join(smoke, 'runs', 'smoke-1-lakehouse'));
    expect(faults.map(({ kind, target, witnessedUs }) => [kind, target, witnessedUs !== null])).toEqual([
      ['role-pause', 'serving', true],
    ]);
    // One of the 19 scenarios instead of a quarter of them.
    const chaos = await of('npm run bench -- --suite chaos --shard 1/4', 'chaos', ['--shard', '2/18']);
    expect(await readdir(join(chaos, 'runs'))).toEqual(['role-pause-1-lakehouse']);
    const soak = await of('npm run bench -- --suite soak --for 60m', 'soak', ['--for', '1s']);
    expect(readFileSync(join(soak, 'soak.jsonl'), 'utf8').trim().split('\n').length).toBeGreaterThan(0);
  }, 240_000);

  it.skipIf(!hasPython)(
    'brings a system behind HTTP, in Python',
    async () => {
      const port = await freePort();
      const local = (command: string) => listed(command).replace('8080', String(port));
      const example = startCommand('python3', local('python3 architectures/http/example.py 8080').split(' ').slice(1), {
        cwd: projectDirectory,
      });
      cleanups.push(() => example.child.kill('SIGKILL'));
      for (let i = 0; i < 100 && !(await fetch(`http://127.0.0.1:${port}`).catch(() => null)); i++)
        await hostClock.sleep(100_000);
      const checked = await run(local('npm run planebench -- check http://127.0.0.1:8080'));
      expect([0, 2], checked.stdout + checked.stderr).toContain(checked.code);
      expect(checked.stdout).toMatch(/offers lookup, backfill; not predict/);
      expect(checked.stdout).not.toContain('FAILS');

      const out = join(folder, 'python');
      const command = local(
        'npm run bench -- --suite smoke --architecture lakehouse --architecture http://127.0.0.1:8080',
      );
      const { code, stderr } = await run(command, ['--out', out]);
      expect([0, 2], stderr).toContain(code);
      const facts = await loadFacts(join(await onlyFolder(out), 'runs', `smoke-1-127-0-0-1-${port}`));
      expect(facts.invalid).toEqual([]);
      expect(facts.ledger?.examples).toEqual([]);
    },
    240_000,
  );
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
    for (const program of ['redis-server', 'versitygw', 'toxiproxy-server', 'java', 'mvn', 'go', 'docker'])
      expect(stdout).toMatch(new RegExp(`^program\\s+${program} \\(.+\\): (?:MISSING, .*Get it: .+|\\d.*, /.+)$`, 'm'));
    expect(code).toBe(0);
  }, 180_000); // it starts every stack that is there, one after the other

  it('looks for what was left on servers of yours', async () => {
    const port = await freePort();
    const file = join(folder, 'servers.json');
    const s3 = { endpoint: `http://127.0.0.1:${port}`, region: 'r', bucket: 'b', prefix: '' };
    const nobody = {
      kafka: { brokers: [`127.0.0.1:${port}`], replication: 1 },
      redis: { host: '127.0.0.1', port },
      s3,
    };
    await writeFile(file, JSON.stringify(nobody));
    // What it finds and takes away is tested on servers: harness/stacks/external-servers.test.ts.
    const { code, stderr } = await run(listed('npm run planebench -- clean --servers FILE').replace('FILE', file));
    expect(stderr).toMatch(/planebench: kafka cannot be asked what was left there: .*ECONNREFUSED/);
    expect(code).toBe(3);
  }, 60_000);

  // CI has no time for it beside faults/native-outage.test.ts and docker-outage.test.ts, which kill the same servers.
  const stacks = process.env.PLANEBENCH_FULL_SIZE
    ? (['native', 'docker'] as const).filter((name) => !missing.some(({ stack }) => stack === name))
    : [];
  it.each(stacks)('runs a suite on real servers: %s', { timeout: 240_000 }, async (stack) => {
    const out = join(folder, stack);
    const command = listed(`npm run bench -- --suite smoke --stack ${stack}`);
    const { code, stderr } = await run(command, ['--architecture', 'lakehouse', '--repetitions', '1', '--out', out]);
    // Or 2 where the machine is too busy for a measurement: what is right is right all the same.
    expect([0, 2], stderr).toContain(code);
    const facts = await loadFacts(join(await onlyFolder(out), 'runs', 'smoke-1-lakehouse'));
    expect(facts.plan.scenario.stack).toBe(stack);
    expect(facts.ledger?.examples).toEqual([]);
    expect(facts.ledger).toMatchObject({ tables: { lost: 0, duplicated: 0 }, behind: 0 });
  });

  it.skipIf(!isFound(database) || !process.env.PLANEBENCH_FULL_SIZE)(
    'runs a suite whose changes come out of a database',
    { timeout: 240_000 },
    async () => {
      const out = join(folder, 'postgres');
      const command = listed('npm run bench -- --suite smoke --source postgres');
      const { code, stderr } = await run(command, ['--architecture', 'lakehouse', '--repetitions', '1', '--out', out]);
      expect([0, 2], stderr).toContain(code);
      const facts = await loadFacts(join(await onlyFolder(out), 'runs', 'smoke-1-lakehouse'));
      expect(facts.commits.rows).toBeGreaterThan(100);
      expect(facts.ledger?.examples).toEqual([]);
      expect(facts.ledger).toMatchObject({ tables: { lost: 0, duplicated: 0 }, behind: 0 });
    },
  );

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
