/** `new architecture NAME`: a plane that works, and its test, as files of the user's own. Nothing is ever overwritten. */
import { existsSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { HarnessError, messageOf, UsageError } from './errors.js';
import { builtIn } from './processes/load-architecture.js';
import { projectDirectory } from './testbed.js';
import { quoted } from './verbs/shell.js';

/** The two files as they are in this project, where they are compiled and tested; the plane there is named `template`. */
const template = join(projectDirectory, 'architectures', 'template');

export function declareNew(program: Command, out: (text: string) => void): void {
  program
    .command('new')
    .description('write a plane of your own to begin with, and its test')
    .command('architecture')
    .description('write NAME.ts, a plane that works, and NAME.test.ts')
    .argument('<name>', 'an identifier')
    .option('--out <folder>', 'where the two files are written', '.')
    .action(async (name: string, flags: { out: string }) => {
      const [module, test] = await writeArchitecture(name, resolve(flags.out));
      out(
        [
          `wrote ${module}`,
          `wrote ${test}`,
          'next:',
          `  node --import ${isInside(test) ? 'tsx' : import.meta.resolve('tsx')} --test ${quoted(test)}`,
          `  ${commandIn(module)} check ${quoted(module)}`,
        ].join('\n'),
      );
    });
}

/** The paths of what was written. */
export async function writeArchitecture(name: string, directory: string): Promise<readonly [string, string]> {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    throw new UsageError(
      `"${name}" is no identifier: a name is made of letters, digits and _, and begins with no digit`,
    );
  if (builtIn.some((plane) => plane === name))
    throw new UsageError(`${name} is a plane of planebench: choose another name, so that reports can tell them apart`);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`there is no folder ${directory}: make it, or name another with --out`);
  const files = [
    { from: 'plane.ts', to: join(directory, `${name}.ts`) },
    { from: 'plane-test.ts', to: join(directory, `${name}.test.ts`) },
  ] as const;
  const taken = files.find(({ to }) => existsSync(to));
  if (taken)
    throw new UsageError(`${taken.to} is there already, and nothing was written: choose another name, or --out`);
  if (!canImport(directory))
    throw new UsageError(
      `a module in ${directory} could not import 'planebench': choose a folder in ${projectDirectory}, or run npm install ${projectDirectory} there first`,
    );
  for (const { from, to } of files) {
    const text = await readFile(join(template, from), 'utf8');
    const named = text.replace(/\btemplate\b/g, name).replaceAll("'./plane.js'", `'./${name}.js'`);
    await write(to, named.replaceAll('npm run planebench --', commandIn(to)));
  }
  return [files[0].to, files[1].to];
}

const isInside = (path: string) => !relative(projectDirectory, path).startsWith('..');
/** Where it is installed beside a user's own, planebench is a command there; only its own folder has its scripts. */
const commandIn = (path: string) => (isInside(path) ? 'npm run planebench --' : 'npx planebench');

function canImport(directory: string): boolean {
  try {
    createRequire(join(directory, 'plane.js')).resolve('planebench');
    return true;
  } catch {
    return false;
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    // Fails where a file has appeared since.
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    throw new HarnessError(`cannot write ${path}: ${messageOf(error)}`);
  }
}
