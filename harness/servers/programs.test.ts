/** Programs in a folder of the test's own, of which none has to be there. */
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { foundOrSkipped } from './program.fixture.js';
import { commandRunner, demand, goProgram, intoPlace, onPath, type RunCommand } from './programs.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'planebench-programs-'));
  vi.stubEnv('XDG_DATA_HOME', directory);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

const tool = () =>
  goProgram({ name: 'tool', isFor: 'a test', package: 'example.org/x/cmd/server', version: '1.2.3', needsGo: '1.23' });
const toolPath = () => join(directory, 'planebench', 'tool-1.2.3', 'tool');

async function putProgram(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '#!/bin/sh\n');
  await chmod(path, 0o755);
  return path;
}

test('a program is found in the version that is asked for; of any other it is said what gets it', async () => {
  await putProgram(join(directory, 'planebench', 'tool-1.2.2', 'tool'));
  const go = await putProgram(join(directory, 'bin', 'go'));
  vi.stubEnv('PATH', dirname(go));
  expect(await tool().find()).toEqual({ missing: `${toolPath()} is not there.`, toGet: 'npm run stack:install' });
  await expect(demand(tool())).rejects.toThrow(
    `tool (a test) is not on this machine: ${toolPath()} is not there. Get it: npm run stack:install`,
  );
  vi.stubEnv('PATH', '');
  expect(await tool().find()).toEqual({
    missing: expect.stringMatching(/nor is Go 1.23 or newer/),
    toGet: expect.stringMatching(/^install Go .*stack:install$/),
  });
  await putProgram(toolPath());
  expect(await tool().find()).toEqual({ path: toolPath(), version: '1.2.3' });
  expect(await demand(tool())).toEqual({ path: toolPath(), version: '1.2.3' });
});

test('what was there when the tests began, and is not any more, fails them', async () => {
  const absent = { ...tool(), prepare: () => Promise.reject(), isReady: async () => false };
  vi.stubEnv('PLANEBENCH_STACKS', 'docker,native');
  await expect(foundOrSkipped(absent)).rejects.toThrow(
    `the stack native was there and is not any more. tool: ${toolPath()} is not there`,
  );
});

test('a Go program is built beside, and there under its own name when it is whole', async () => {
  const go = await putProgram(join(directory, 'bin', 'go'));
  vi.stubEnv('PATH', dirname(go));
  const fails: RunCommand = async () => {
    throw new Error('no network');
  };
  await expect(tool().install(fails)).rejects.toThrow('no network');
  expect(await readdir(join(directory, 'planebench'))).toEqual([]);

  const asked: (readonly string[])[] = [];
  await tool().install(async (command, args, where) => {
    asked.push([command, ...args]);
    await putProgram(join(String(where?.env?.GOBIN), 'server'));
  });
  expect(asked).toEqual([[go, 'install', '-trimpath', '-ldflags=-s -w', 'example.org/x/cmd/server@v1.2.3']]);
  expect(await tool().find()).toEqual({ path: toolPath(), version: '1.2.3' });
  vi.stubEnv('PATH', '');
  await expect(tool().install(fails)).rejects.toThrow(/there is no go on PATH/);
});

test('what is put in place takes the place of what was there', async () => {
  const target = join(directory, 'planebench', 'x');
  for (const name of ['first', 'second']) await intoPlace(target, (draft) => writeFile(join(draft, name), ''));
  expect(await readdir(target)).toEqual(['second']);
  expect(await readdir(dirname(target))).toEqual(['x']);
});

test('commands are run as they are, and a failure has their last words', async () => {
  const lines: string[] = [];
  const run = commandRunner((line) => lines.push(line));
  await run(process.execPath, ['-e', '', '$HOME; `false`']);
  expect(lines).toEqual([`$ ${process.execPath} -e  $HOME; \`false\``]);
  await expect(run(process.execPath, ['-e', 'console.error("of no use"); process.exit(7)'])).rejects.toThrow(
    /-e failed \(7\):\nof no use/,
  );
  await expect(run(join(directory, 'absent'), [])).rejects.toThrow(/did not start/);
  expect(await onPath('planebench-has-no-such-program')).toBeNull();
});
