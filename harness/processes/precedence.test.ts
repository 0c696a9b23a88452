import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { mayGoFirst, type Precedence } from './precedence.js';

/** Takes its place, has work done on threads that were there before and on threads that come with it, then says. */
const programOf = (precedence: Precedence) => `
  import { readdirSync, readFileSync } from 'node:fs';
  import { readFile } from 'node:fs/promises';
  import { DuckDBInstance } from '@duckdb/node-api';
  import { takePrecedence } from '${new URL('./precedence.js', import.meta.url)}';
  await readFile('/proc/self/stat');
  await takePrecedence('${precedence}');
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '3' })).connect();
  await connection.run('SELECT sum(i) FROM range(1000000) t(i)');
  const threads = readdirSync('/proc/self/task').map((thread) => {
    const stat = readFileSync('/proc/self/task/' + thread + '/stat', 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
    return { niceness: fields[16], policy: fields[38] }; // fields 19 and 41 of proc(5)
  });
  console.log(JSON.stringify(threads));
`;

async function threadsOf(precedence: Precedence): Promise<{ niceness: number; policy: number }[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', programOf(precedence)]);
  const threads = JSON.parse(stdout);
  expect(threads.length).toBeGreaterThan(4);
  return threads;
}

const fair = 0;
const roundRobin = 2;

describe.skipIf(process.platform !== 'linux')('precedence', () => {
  it('stands back with every thread, an engine among them', async () => {
    const threads = await threadsOf('low');
    expect(new Set(threads.map(({ niceness }) => niceness))).toEqual(new Set([15]));
  });

  it('puts the load first with every thread where that is permitted, and changes nothing where it is not', async () => {
    const policy = (await mayGoFirst()) ? roundRobin : fair;
    const threads = await threadsOf('load');
    expect(new Set(threads.map((thread) => thread.policy))).toEqual(new Set([policy]));
  });

  it('puts who answers before the rest of the plane, and behind it the engine that it calls', async () => {
    const threads = await threadsOf('high');
    const [main, ...others] = threads;
    if (!(await mayGoFirst())) {
      expect(new Set(threads.map(({ niceness }) => niceness))).toEqual(new Set([5]));
      return;
    }
    expect(main?.policy).toBe(roundRobin);
    expect(others.some(({ policy }) => policy === fair)).toBe(true);
  });
});
