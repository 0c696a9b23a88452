/** What `new architecture` writes compiles, passes its own test, and is never written over anything. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UsageError } from './errors.js';
import { writeArchitecture } from './new-architecture.js';
import { projectDirectory } from './testbed.js';

const run = promisify(execFile);
let folder: string;
beforeAll(async () => {
  // Inside the project, where 'planebench' is the project itself.
  folder = await mkdtemp(join(projectDirectory, 'dist', 'new-architecture-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('writes a typed plane and a test that passes', async () => {
  const [module, test] = await writeArchitecture('gull', folder);
  expect(await readFile(module, 'utf8')).toContain("name: 'gull'");
  for (const path of [module, test]) expect(await readFile(path, 'utf8')).not.toMatch(/template|plane\.js/);
  const config = join(folder, 'tsconfig.json');
  await writeFile(
    config,
    JSON.stringify({
      extends: join(projectDirectory, 'tsconfig.json'),
      compilerOptions: { noEmit: true, incremental: false, tsBuildInfoFile: null, rootDir: projectDirectory },
      include: [],
      files: [module, test],
    }),
  );
  const { stdout } = await run('npx', ['tsc', '-p', config], { cwd: projectDirectory }).catch((error) => error);
  expect(stdout).toBe('');
  const tested = await run(process.execPath, ['--import', 'tsx', '--test', test], { cwd: projectDirectory });
  expect(tested.stdout).toMatch(/pass 6\b/);
  expect(tested.stdout).toMatch(/fail 0\b/);
}, 60_000);

it('beside a project of the user, names commands that there are in it', async () => {
  const theirs = await mkdtemp(join(tmpdir(), 'planebench theirs-'));
  try {
    await mkdir(join(theirs, 'node_modules'));
    await symlink(projectDirectory, join(theirs, 'node_modules', 'planebench'), 'dir');
    const main = join(projectDirectory, 'dist', 'harness', 'main.js');
    const { stdout } = await run(process.execPath, [main, 'new', 'architecture', 'tern'], { cwd: theirs });
    expect(stdout).toContain(`npx planebench check '${join(theirs, 'tern.ts')}'`);
    expect(await readFile(join(theirs, 'tern.ts'), 'utf8')).toContain('npx planebench check ./tern.ts');
    const [, loader, test] = /node --import (\S+) --test '(.*)'/.exec(stdout) ?? [];
    const tested = await run(process.execPath, ['--import', loader as string, '--test', test as string], {
      cwd: theirs,
    });
    expect(tested.stdout).toMatch(/pass 6\b/);
  } finally {
    await rm(theirs, { recursive: true });
  }
}, 60_000);

it.each(['.ts', '.test.ts'])('writes over nothing: NAME%s is there', async (ending) => {
  const name = `heron${ending.length}`;
  const path = join(folder, `${name}${ending}`);
  await writeFile(path, 'mine');
  const before = await readdir(folder);
  await expect(writeArchitecture(name, folder)).rejects.toThrow(UsageError);
  await expect(writeArchitecture(name, folder)).rejects.toThrow(`${path} is there already, and nothing was written`);
  expect(await readFile(path, 'utf8')).toBe('mine');
  expect(await readdir(folder)).toEqual(before);
});

it.each(['', '1st', 'a b', '../x', 'a.b', 'my-plane', 'é'])('refuses what is no identifier: %j', async (name) => {
  await expect(writeArchitecture(name, folder)).rejects.toThrow(/is no identifier/);
});
