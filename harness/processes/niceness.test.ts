import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

/** Stands back, then has work done on threads that were there before and on threads that come with it. */
const program = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { readFile } from 'node:fs/promises';
  import { DuckDBInstance } from '@duckdb/node-api';
  import { standBack } from '${new URL('./niceness.js', import.meta.url)}';
  await readFile('/proc/self/stat');
  standBack(10);
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '3' })).connect();
  await connection.run('SELECT sum(i) FROM range(1000000) t(i)');
  const niceness = readdirSync('/proc/self/task').map((thread) => {
    const stat = readFileSync('/proc/self/task/' + thread + '/stat', 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
  console.log(JSON.stringify(niceness));
`;

describe.skipIf(process.platform !== 'linux')('a process that stands back', () => {
  it('does so with every thread, an engine among them', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
    const niceness = JSON.parse(stdout) as number[];
    expect(niceness.length).toBeGreaterThan(4);
    expect(new Set(niceness)).toEqual(new Set([10]));
  });
});
