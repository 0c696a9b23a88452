import { execFile } from 'node:child_process';
import { getPriority } from 'node:os';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { mayGoFirst, type Precedence } from './precedence.js';

/**
 * Takes its place, has work done on threads that were there before and on threads that come with it, then says, as soon as all
 * have the same niceness.
 */
const programOf = (precedence: Precedence) => `
  import { readdirSync, readFileSync } from 'node:fs';
  import { readFile } from 'node:fs/promises';
  import { DuckDBInstance } from '@duckdb/node-api';
  import { hostClock } from '${new URL('../clock.js', import.meta.url)}';
  import { takePrecedence } from '${new URL('./precedence.js', import.meta.url)}';
  await readFile('/proc/self/stat');
  await takePrecedence('${precedence}');
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '3' })).connect();
  await connection.run('SELECT sum(i) FROM range(1000000) t(i)');
  const look = () => readdirSync('/proc/self/task').map((thread) => {
    const stat = readFileSync('/proc/self/task/' + thread + '/stat', 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
    return { niceness: fields[16], policy: fields[38] }; // fields 19 and 41 of proc(5)
  });
  let threads = look();
  for (let looks = 0; looks < 100 && threads.some(({ niceness }) => niceness !== threads[0].niceness); looks++) {
    await hostClock.sleep(100_000);
    threads = look();
  }
  process.stdout.write(JSON.stringify(threads), () => process.exit());
`;

async function threadsOf(precedence: Precedence, before = 0): Promise<{ niceness: number; policy: number }[]> {
  const program = ['--input-type=module', '-e', programOf(precedence)];
  const { stdout } = await promisify(execFile)('nice', ['-n', String(before), process.execPath, ...program]);
  const threads = JSON.parse(stdout);
  expect(threads.length).toBeGreaterThan(4);
  return threads;
}

const behindUs = (by: number) => new Set([Math.min(19, getPriority() + by)]);

const fair = 0;
const roundRobin = 2;

describe.skipIf(process.platform !== 'linux')('precedence', () => {
  it('stands back with every thread, an engine among them', async () => {
    const threads = await threadsOf('low');
    expect(new Set(threads.map(({ niceness }) => niceness))).toEqual(behindUs(15));
  });

  it('stands back behind whoever stands back already, as far as there is room', async () => {
    const threads = await threadsOf('normal', 12);
    expect(new Set(threads.map(({ niceness }) => niceness))).toEqual(behindUs(22));
  });

  it('puts the load first with every thread where that is permitted, and changes nothing where it is not', async () => {
    const policy = (await mayGoFirst()) ? roundRobin : fair;
    const threads = await threadsOf('load');
    expect(new Set(threads.map((thread) => thread.policy))).toEqual(new Set([policy]));
  });

  it('puts who answers before the rest of the plane, and behind it the engine that it calls', async () => {
    const threads = await threadsOf('high');
    const [main, ...others] = threads;
    expect(new Set(threads.map(({ niceness }) => niceness))).toEqual(behindUs(5));
    if (!(await mayGoFirst())) return;
    expect(main?.policy).toBe(roundRobin);
    expect(others.some(({ policy }) => policy === fair)).toBe(true);
  });
});
