import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Plane, RoleContext } from '../../harness/architecture.js';
import { hostClock } from '../../harness/clock.js';
import { UsageError } from '../../harness/errors.js';
import { startCommand } from '../../harness/fixture-command.js';
import { loadFacts } from '../../harness/record/saved-facts.js';
import { projectDirectory } from '../../harness/testbed.js';
import type { Summary } from '../../reports/summary.js';
import { viewBlock } from '../../workloads/change-batch.js';
import { refusals } from '../../workloads/data-contract.js';
import { readEntries } from '../../workloads/trace.js';
import { openWorld, type World } from '../fixture-world.js';
import { adapt } from './adapter.js';
import http from './index.js';
import { type PlainChange, plainChanges } from './plain-changes.js';

let world: World;
beforeAll(async () => {
  world = await openWorld(71);
});
afterAll(() => world.close());

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Answer = { readonly status?: number; readonly text: string } | 'never' | 'without end';
type Answers = Readonly<Record<string, Answer | ((body: never) => Answer)>>;

/** A system that answers what it is told to, by path; it keeps what it was sent. */
async function startSystem(answers: Answers): Promise<{ url: string; received: [string, unknown][] }> {
  const received: [string, unknown][] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length === 0 ? null : JSON.parse(Buffer.concat(chunks).toString());
    const path = request.url as string;
    received.push([path, body]);
    const found = answers[path] ?? { status: 404, text: 'nothing here' };
    const answer = typeof found === 'function' ? found(body as never) : found;
    if (answer === 'without end') {
      const chunk = Buffer.alloc(1 << 20, ' ');
      const go = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', go);
      go();
    } else if (answer !== 'never') response.writeHead(answer.status ?? 200).end(answer.text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

/** What came last to a path. */
const sent = (received: readonly [string, unknown][], path: string): unknown =>
  received.findLast(([asked]) => asked === path)?.[1];

const json = (value: unknown): Answer => ({ text: JSON.stringify(value) });
const all = ['lookup', 'predict', 'backfill', 'exportChanges', 'quarantine', 'inventory'];
const greeting: Answers = { '/': json({ name: 'test', operations: all }), '/start': json({}) };

/** Runs the adapter against a system until the test ends; resolves with the plane that it serves. */
async function connect(url: string, params: Record<string, unknown> = {}): Promise<Partial<Plane>> {
  return (await run(url, params)).served;
}

/** `ended`: how the adapter ends, by itself or with the test. */
async function run(
  url: string,
  params: Record<string, unknown>,
): Promise<{ readonly served: Partial<Plane>; readonly ended: Promise<void> }> {
  const abort = new AbortController();
  let served: Partial<Plane> = {};
  let ran: Promise<void> = Promise.resolve();
  const ready = new Promise<void>((resolve, reject) => {
    const context = {
      ...world,
      signal: abort.signal,
      ready: resolve,
      serve: async (operations: Partial<Plane>) => {
        served = operations;
      },
    } as unknown as RoleContext;
    ran = adapt(context, { url, feedPort: 0, command: null, readTimeoutUs: 20_000_000, ...params });
    ran.catch(reject);
  });
  cleanups.push(() => {
    abort.abort(new Error('the test is over'));
    return ran.catch(() => {});
  });
  await ready;
  return { served, ended: ran };
}

async function collect<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const page of pages) collected.push(page);
  return collected;
}

describe('a system that does not do what it should is told so, by address, operation, expected and found', () => {
  it.each([
    ['rubbish', { text: '<html>hello' }, /GET http:\S+\/: expected JSON, found <html>hello/],
    ['another status', { status: 503, text: 'later' }, /GET http:\S+\/: expected status 200, found 503: later/],
    ['no operations', json({ name: 'x' }), /expected \{ name, operations: \[...\] \}, found \{"name":"x"\}/],
    [
      'unknown operations',
      json({ operations: ['lookup', 'sing'] }),
      /expected operations out of lookup, .*; found sing/,
    ],
    ['no lookup', json({ operations: ['predict'] }), /expected at least the operation lookup, found \["predict"\]/],
  ] as const)('greeted with %s', async (_, answer, sentence) => {
    const { url } = await startSystem({ '/': answer });
    await expect(connect(url)).rejects.toThrow(sentence);
  });

  it('nobody listens', async () => {
    const { url } = await startSystem({});
    await cleanups.pop()?.();
    await expect(connect(url)).rejects.toThrow(/GET http:\S+\/: expected an answer, found nobody who listens there/);
  });

  it('refuses to start', async () => {
    const { url } = await startSystem({ ...greeting, '/start': { status: 500, text: 'no disk' } });
    await expect(connect(url)).rejects.toThrow(/POST http:\S+\/start: expected status 200, found 500: no disk/);
  });

  it.each([
    ['rubbish', { text: 'oops' }, /POST http:\S+\/lookup: expected JSON, found oops/],
    ['never', 'never', /POST http:\S+\/lookup: expected an answer within 0.3 s, found none/],
    ['without end', 'without end', /\/lookup: expected 134217728 bytes at most, found more/],
    ['too few rows', json([]), /\/lookup: lookup answered 0 rows for 1 keys/],
    ['another customer', json([{ key: '2' }]), /\/lookup: lookup answered \{"key":"2"\}: expected the row of key "1"/],
    ['no features', json([{ key: '1', lastSeq: 0, asOfUs: 1, features: [] }]), /expected 13 features/],
  ] as const)('lookup: %s', async (_, answer, sentence) => {
    const { url } = await startSystem({ ...greeting, '/lookup': answer });
    const plane = await connect(url, answer === 'never' ? { readTimeoutUs: 300_000 } : {});
    await expect(plane.lookup?.({ keys: ['1'] })).rejects.toThrow(sentence);
  });

  it('pages that are cut short, and entries that are none', async () => {
    const { url } = await startSystem({
      ...greeting,
      '/exportChanges': { text: '[{"customer":1,"seq":1}]\n' },
      '/quarantine': { text: '[{"customer":"x","seq":1}]\nnull\n' },
    });
    const plane = await connect(url);
    await expect(collect(plane.exportChanges!())).rejects.toThrow(/\/exportChanges: expected pages.*a last line null/);
    await expect(collect(plane.quarantine!())).rejects.toThrow(/\/quarantine: .*expected whole numbers/);
  });

  it.each(['ftp://127.0.0.1', 'http://', 'http://me:hush@127.0.0.1:80', 'http://127.0.0.1/?token=hush', 8080])(
    'an address that is none: %s',
    (url) => {
      expect(() => http({ url })).toThrow(UsageError);
      expect(() => http({ url })).toThrow(/http\.url: .*expected/);
      expect(() => http({ url })).not.toThrow(/hush/);
    },
  );

  it('a parameter that is none tells nothing of the others', () => {
    const params = { url: 'http://127.0.0.1:80', command: ['run', '--password', 'hush'], feedPort: -1 };
    expect(() => http(params)).toThrow(/http\.feedPort: .*Given: \{"feedPort":-1\}/);
  });
});

describe('what is forwarded', () => {
  it('is offered as the system says, with the time, and answered as it answers', async () => {
    const features = [0, 0, 0, 0, 0, 0, 0, 0, 0, null, null, null, null];
    const row = { key: '1', lastSeq: 0, asOfUs: 5, features };
    const { url, received } = await startSystem({
      '/': json({ operations: ['lookup', 'exportChanges'] }),
      '/start': json(null),
      '/lookup': json([row]),
      '/exportChanges': { text: '[{"customer":1,"seq":1}]\n[]\nnull\n' },
    });
    const plane = await connect(url);
    expect(Object.keys(plane).sort()).toEqual(['exportChanges', 'lookup']);
    const beforeUs = world.clock.nowUs();
    expect(await plane.lookup?.({ keys: ['1'] })).toEqual([row]);
    expect(await collect(plane.exportChanges!())).toEqual([[{ customer: 1, seq: 1 }], []]);
    const [, asked] = received.find(([path]) => path === '/lookup') as [string, { keys: string[]; nowUs: number }];
    expect(asked.keys).toEqual(['1']);
    expect(asked.nowUs).toBeGreaterThanOrEqual(beforeUs);
  });
});

describe('the feed', () => {
  it('gives every change with its envelope, and a payload exactly where the contract can decode one', async () => {
    const nulls = new Set(['undecodable', 'incompatible_schema']);
    let decodable = 0;
    let undecodable = 0;
    for await (const { block } of readEntries(world.traceDirectory)) {
      const batch = viewBlock(block);
      const { refusal, entity } = world.contract.decode(batch);
      for (const [i, change] of plainChanges(block).entries()) {
        expect([change.customer, change.seq]).toEqual([batch.customer[i], batch.seq[i]]);
        const reason = refusals[refusal[i]!]!;
        if (reason === 'late') continue;
        expect(change.payload === null, reason).toBe(nulls.has(reason));
        if (change.payload === null) undecodable++;
        else decodable++;
        if (reason !== '') continue;
        const image = (change.payload?.after ?? change.payload?.before) as Record<string, unknown>;
        expect(Object.values(image)[0]).toBe(entity[i]);
      }
    }
    expect(decodable).toBeGreaterThan(500);
    expect(undecodable).toBeGreaterThan(3);
  });

  it('is read by offsets, told at the start and again when the adapter starts again; history comes with the backfill', async () => {
    const { url, received } = await startSystem({ ...greeting, '/backfill': json({ rows: 3, filesByReference: 0 }) });
    type Terms = { feed: string; fresh: boolean; partitions: number; acceptedVersions: unknown; history: unknown };
    const terms = () => sent(received, '/start') as Terms;
    const plane = await connect(url);
    // Only the first adapter of a run finds the log untouched; the tests before have greeted already.
    expect(terms()).toMatchObject({ partitions: 3, acceptedVersions: { orders: [1, 2], clicks: [1] }, history: null });
    const { feed } = terms();
    expect((await fetch(`${feed}/history?table=orders`)).status).toBe(404);
    const files = Object.fromEntries(
      ['orders', 'clicks', 'devices', 'customers'].map((name) => [
        name,
        join(world.traceDirectory, 'history', `${name}.parquet`),
      ]),
    );
    await plane.backfill?.({ files: files as never });
    await plane.backfill?.({ files: files as never });
    const { history } = sent(received, '/backfill') as { history: Record<string, string> };
    const lines = (await (await fetch(history.orders as string)).text()).trim().split('\n');
    const facts = world.truth.ofCustomer.flat().filter(({ seq, table }) => seq === 0 && table === 'orders');
    expect(lines.map((line) => JSON.parse(line).order_id).sort()).toEqual(facts.map(({ entity }) => entity).sort());

    await world.append(0, 1e9);
    const seen: PlainChange[] = [];
    for (let partition = 0; partition < 3; partition++)
      for (let after = 0, end = 1; after < end; ) {
        const answer = await fetch(`${feed}/changes?partition=${partition}&after=${after}`);
        const page = (await answer.json()) as { next: number; end: number; changes: PlainChange[] };
        seen.push(...page.changes);
        [after, end] = [page.next, page.end];
      }
    expect(seen.length).toBe(world.truth.sound.length + world.truth.refused.length);

    await connect(url);
    expect(terms().fresh).toBe(false);
    expect(terms().feed).not.toBe(feed);
    expect(terms().history).toMatchObject({ orders: `${terms().feed}/history?table=orders` });
  });

  it.each([
    ['/changes', 400],
    ['/changes?partition=3&after=0', 400],
    ['/changes?partition=0&after=-1', 400],
    ['/history?table=secrets', 400],
    ['/', 404],
    ['//', 404],
    ['//changes?partition=0&after=0', 404],
  ])('says what it expects: %s', async (path, status) => {
    const { url, received } = await startSystem(greeting);
    await connect(url);
    const { feed } = sent(received, '/start') as { feed: string };
    const answer = await fetch(`${feed}${path}`);
    expect(answer.status).toBe(status);
    expect(((await answer.json()) as { error: string }).error).toMatch(/expected|there are/);
  });
});

describe('a program of the user', () => {
  const childrenOf = (pid: number | undefined): number[] =>
    execFileSync('ps', ['-eo', 'pid=,ppid=,stat='], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, parent, state]) => Number(parent) === pid && !state?.startsWith('Z'))
      .map(([child]) => Number(child));
  const isThere = (pid: number) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  const until = async (condition: () => boolean) => {
    for (let i = 0; i < 200; i++) {
      if (condition()) return;
      await hostClock.sleep(50_000);
    }
    throw new Error('waited ten seconds in vain');
  };

  it('dies with the role, however that died', async () => {
    const owner: ChildProcess = spawn(
      process.execPath,
      [fileURLToPath(new URL('./fixture-program-owner.js', import.meta.url)), 'sleep', '600'],
      { stdio: ['pipe', 'ignore', 'ignore'] },
    );
    const keeperOf = () => childrenOf(owner.pid)[0];
    await until(() => childrenOf(keeperOf() ?? -1).length === 1);
    const [program] = childrenOf(keeperOf()) as [number];
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    await until(() => !isThere(program));
  });

  it('takes along what it started and left behind', async () => {
    const file = join(world.traceDirectory, 'left-behind.pid');
    const command = ['/bin/sh', '-c', `sleep 600 & echo $! > '${file}'; exit 7`];
    await expect(connect('http://127.0.0.1:9', { command })).rejects.toThrow(/ended by itself: exit code 7/);
    const left = Number(await readFile(file, 'utf8'));
    expect(left).toBeGreaterThan(0);
    await until(() => !isThere(left));
  });

  it('that ends by itself ends the adapter, saying how', async () => {
    const { url } = await startSystem(greeting);
    // It ends when the plane is served: the adapter does not outlive it.
    const file = join(world.traceDirectory, 'end-now');
    const command = ['/bin/sh', '-c', `while [ ! -e '${file}' ]; do sleep 0.02; done; exit 7`];
    const { ended } = await run(url, { command });
    await writeFile(file, '');
    await expect(ended).rejects.toThrow(/ended by itself: exit code 7/);
    const died = connect('http://127.0.0.1:9', {
      command: [process.execPath, '-e', 'process.exit(7)', '--', '--password', 'hush'],
    });
    await expect(died).rejects.toThrow(/^the program \S+node\S* ended by itself: exit code 7$/);
  });
});

describe('example.py', () => {
  let python: string | null = null;
  try {
    python = execFileSync('python3', ['--version'], { encoding: 'utf8' }).trim();
  } catch {
    process.stderr.write('example.py is not run: there is no python3 on this machine\n');
  }

  it.skipIf(python === null)(
    'is a plane without a mistake; a system that is not there makes its own run invalid, and no other',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'planebench-example-'));
      cleanups.push(() => rm(folder, { recursive: true, force: true }));
      const { url } = await startSystem({}); // a port that is free a moment later
      const [nowhere, port] = [(await startSystem({})).url, new URL(url).port];
      for (const cleanup of cleanups.splice(1).reverse()) await cleanup();
      const example = spawn('python3', [join(projectDirectory, 'architectures/http/example.py'), port], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      cleanups.push(() => example.kill('SIGKILL'));
      for (let i = 0; i < 100 && !(await fetch(url).catch(() => null)); i++) await hostClock.sleep(100_000);
      const { code, stdout, stderr } = await startCommand(
        process.execPath,
        ['dist/harness/main.js', 'run', '--suite', 'smoke', '--json', '--out', folder].concat(
          [url, nowhere].flatMap((specifier) => ['--architecture', specifier]),
        ),
        { cwd: projectDirectory },
      ).ended;
      expect(code, stderr).toBe(2);
      const summary = JSON.parse(stdout) as Summary;
      const name = `127-0-0-1-${port}`;
      const found = summary.validity.findings.map(({ message }) => message).join('\n');
      expect(found).toMatch(
        /GET http:\S+\/: expected an answer, found nobody who listens there; is the system running\?/,
      );

      const [results] = await readdir(folder);
      const facts = await loadFacts(join(folder, results as string, 'runs', `smoke-1-${name}`));
      expect(facts.invalid).toEqual([]);
      expect(facts.backfill).toMatchObject({ wrongRows: 0 });
      expect(facts.backfill?.rows).toBeGreaterThan(10_000);
      expect(facts.faults.map(({ witnessedUs }) => witnessedUs !== null)).toEqual([true]);
      const { final, live, behind, tables, examples } = facts.ledger as NonNullable<typeof facts.ledger>;
      expect(examples).toEqual([]);
      expect(final.checked).toBeGreaterThan(1_000);
      expect([final.right, live.right, behind]).toEqual([final.checked, live.checked, 0]);
      expect(tables).toBeNull();
      // Of the system itself nothing was sampled or searched, and nothing is said.
      const validityOf = (metric: string) =>
        summary.estimates.find((one) => one.architecture === name && one.metric === metric)?.validity;
      for (const metric of ['resources.cpu', 'resources.memory', 'cost.per_1k_predictions'])
        expect([metric, validityOf(metric)]).toEqual([metric, 'not_measured']);
      expect(validityOf('ledger.personal_data_leaks')).toBe('not_offered');
      expect(summary.costs.planes.filter(({ architecture }) => architecture === name)).toEqual([]);
      const seen = facts.probes.lastSeq.filter((lastSeq) => lastSeq > 0).length;
      expect(seen).toBeGreaterThan(1_000);
    },
    180_000,
  );
});

it('README names every operation, every term and every parameter', async () => {
  const readme = await readFile(join(projectDirectory, 'architectures/http/README.md'), 'utf8');
  const { url, received } = await startSystem(greeting);
  await connect(url);
  const terms = Object.keys(sent(received, '/start') as object);
  const params = Object.keys(http({ url }).params as object);
  for (const name of [...all.map((operation) => `POST /${operation}`), ...terms, ...params])
    expect(readme).toContain(`\`${name}\``);
});
