/**
 * Programs that others wrote and a stack runs: where they lie on this machine, in which version, and what gets them.
 * They are kept apart from the project and outlive it: in a folder of the user's, one folder a program and version.
 */
import { execFile, spawn } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { HarnessError, messageOf } from '../errors.js';
import type { Spawn } from '../processes/program-process.js';

export interface Found {
  readonly path: string;
  readonly version: string;
}
export interface Missing {
  /** A sentence. */
  readonly missing: string;
  /** For a shell. */
  readonly toGet: string;
}

/** Where a server listens: on loopback, or, in a container whose ports are published on loopback, on all that it has. */
export type ListenAddress = typeof loopback | '0.0.0.0';
export const loopback = '127.0.0.1';

/** How a program comes to this machine. */
export interface Recipe {
  readonly name: string;
  readonly isFor: string;
  find(): Promise<Found | Missing>;
  /** Gets it; rejects with what is in the way and what to do. */
  install(run: RunCommand): Promise<void>;
}

/** A server program of others: how it is found, started and asked whether it is ready. */
export interface ServerProgram<Settings> extends Recipe {
  /** Writes the files that it needs before it starts; then what to spawn. */
  prepare(found: Found, settings: Settings): Promise<Spawn>;
  /** Asks the protocol, not the socket. */
  isReady(settings: Settings): Promise<boolean>;
}

/** Runs a program with these arguments, as they are: there is no shell. Rejects if it fails. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  where?: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string },
) => Promise<void>;

export const installCommand = 'npm run stack:install';

/** https://specifications.freedesktop.org/basedir-spec: user-specific data files. */
export function programsDirectory(): string {
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'planebench');
}

export function isFound(found: Found | Missing): found is Found {
  return 'path' in found;
}

/** What a stack needs and cannot go on without. */
export async function demand({ name, isFor, find }: Recipe): Promise<Found> {
  const found = await find();
  if (isFound(found)) return found;
  throw new HarnessError(`${name} (${isFor}) is not on this machine: ${found.missing} Get it: ${found.toGet}`);
}

/** A program of a Go module, which Go fetches by its proxy, holds against the checksum database, and builds. */
export function goProgram(options: {
  readonly name: string;
  readonly isFor: string;
  /** The package of its `main`, without a version. */
  readonly package: string;
  readonly version: string;
  /** What it takes to build it. */
  readonly needsGo: string;
  /** For `go build -ldflags`. */
  readonly linkerFlags?: string;
}): Recipe {
  const { name, isFor, version } = options;
  const directory = join(programsDirectory(), `${name}-${version}`);
  const path = join(directory, name);
  return {
    name,
    isFor,
    async find() {
      if (await isExecutable(path)) return { path, version };
      const go = await onPath('go');
      const wanted = `${path} is not there`;
      if (go !== null) return { missing: `${wanted}.`, toGet: installCommand };
      return {
        missing: `${wanted}, nor is Go ${options.needsGo} or newer, which builds it.`,
        toGet: `install Go (https://go.dev/doc/install), then ${installCommand}`,
      };
    },
    async install(run) {
      const go = await onPath('go');
      if (go === null) {
        throw new HarnessError(
          `${name} is built by Go ${options.needsGo} or newer, and there is no go on PATH; get it from https://go.dev/doc/install.`,
        );
      }
      await intoPlace(directory, async (draft) => {
        const linker = ['-s', '-w', options.linkerFlags].filter(Boolean).join(' ');
        await run(
          go,
          ['install', '-trimpath', `-ldflags=${linker}`, `${options.package}@v${version}`],
          // Away from any module of the user's; GOBIN may not be set beside GOOS of another machine.
          { cwd: draft, env: { ...process.env, GOBIN: draft, GOFLAGS: '' } },
        );
        const [built] = options.package.split('/').slice(-1);
        if (built !== name) await rename(join(draft, built!), join(draft, name));
      });
    },
  };
}

/** Fills a folder beside, and puts it in place when it is whole. */
export async function intoPlace(directory: string, fill: (draft: string) => Promise<void>): Promise<void> {
  await mkdir(programsDirectory(), { recursive: true });
  const draft = await mkdtemp(join(programsDirectory(), '.draft-'));
  try {
    await fill(draft);
    await rm(directory, { recursive: true, force: true });
    await rename(draft, directory);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The first program of that name that may be run; null if there is none. */
export async function onPath(name: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (folder !== '' && (await isExecutable(path))) return path;
  }
  return null;
}

export function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** What a program prints, of both its streams; null if it fails or is not there. */
export async function outputOf(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | null> {
  const ran = await promisify(execFile)(command, args, { timeout: 30_000, env }).catch(() => null);
  return ran === null ? null : `${ran.stdout}${ran.stderr}`;
}

/** Runs commands one at a time; what they print goes to `say`, line by line. */
export function commandRunner(say: (line: string) => void): RunCommand {
  return (command, args, { env = process.env, cwd } = {}) => {
    say(`$ ${[command, ...args].join(' ')}`);
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, { env, ...(cwd && { cwd }), stdio: ['ignore', 'pipe', 'pipe'] });
      let last = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          last = (last + text).slice(-2_000);
        });
      }
      child.once('error', (error) => reject(new HarnessError(`${command} did not start: ${messageOf(error)}`)));
      child.once('close', (code, signal) => {
        if (code === 0) resolve();
        else reject(new HarnessError(`${command} ${args[0] ?? ''} failed (${signal ?? code}):\n${last.trim()}`));
      });
    });
  };
}
