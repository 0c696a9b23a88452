/**
 * Redis: the online store. From PATH, or unpacked from Debian's packages into the folder of
 * programs, which needs no root and starts no service.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { HarnessError } from '../errors.js';
import { pingRedis } from '../ports/online-store/redis.js';
import type { Spawn } from '../processes/program-process.js';
import {
  installCommand,
  intoPlace,
  isExecutable,
  type ListenAddress,
  loopback,
  onPath,
  outputOf,
  programsDirectory,
  type ServerProgram,
} from './programs.js';

export interface RedisSettings {
  /** Where it keeps what it holds. */
  readonly directory: string;
  /** The address that it listens on: loopback unless it says so. */
  readonly host?: ListenAddress;
  readonly port: number;
  /**
   * When what was written is synced to the disk. `no`: by the kernel, so that what was acknowledged survives the death of
   * any process, as it was written to the page cache before the answer. `always`: before the answer, so that it survives
   * that of the machine. Redis's own default, `everysec`, is neither: while a sync is under way it answers before it
   * writes, for up to two seconds (flushAppendOnlyFile in aof.c), and a kill then loses what was acknowledged.
   */
  readonly appendfsync: 'no' | 'always';
}

/** The first with functions (FUNCTION LOAD). */
const oldestMajor = 7;
/** Debian's packages of the server, of its libraries those that a plain installation does not have. */
const packages = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1'];
const unpacked = () => join(programsDirectory(), 'redis');

export const redis: ServerProgram<RedisSettings> = {
  name: 'redis-server',
  isFor: 'online store',

  async find() {
    const own = join(unpacked(), 'usr', 'bin', 'redis-server');
    const path = (await onPath('redis-server')) ?? ((await isExecutable(own)) ? own : null);
    if (path === null) {
      if ((await onPath('apt-get')) !== null)
        return { missing: `redis-server is neither on PATH nor in ${unpacked()}.`, toGet: installCommand };
      return {
        missing: `redis-server is not on PATH, and only Debian's packages can be unpacked for you.`,
        toGet: 'install Redis 7 or newer by your package manager, e.g. brew install redis',
      };
    }
    const printed = await outputOf(path, ['--version'], { ...process.env, ...librariesOf(process.env) });
    const version = /v=(\d+\.\d+\.\d+)/.exec(printed ?? '')?.[1];
    if (version === undefined)
      return {
        missing: `${path} --version does not say that it is Redis.`,
        toGet: `remove it, then ${installCommand}`,
      };
    if (Number.parseInt(version, 10) < oldestMajor)
      return {
        missing: `${path} is Redis ${version}, and functions need ${oldestMajor}.0 or newer.`,
        toGet: 'install Redis 7 or newer, or take the old one off PATH',
      };
    return { path, version };
  },

  async install(run) {
    if ((await onPath('apt-get')) === null || (await onPath('dpkg-deb')) === null)
      throw new HarnessError(
        "redis-server is unpacked from Debian's packages, and there is no apt-get or dpkg-deb on PATH; install Redis 7 or newer by your package manager.",
      );
    await intoPlace(unpacked(), async (draft) => {
      await run('apt-get', ['-q', 'download', ...packages], { cwd: draft });
      for (const file of await readdir(draft)) {
        if (file.endsWith('.deb')) await run('dpkg-deb', ['--extract', file, '.'], { cwd: draft });
      }
    });
  },

  async prepare({ path }, { directory, host = loopback, port, appendfsync }): Promise<Spawn> {
    await mkdir(directory, { recursive: true });
    const file = join(directory, 'redis.conf');
    await writeFile(
      file,
      [
        // Quoted as redis.conf has it: a folder may have spaces.
        `dir ${JSON.stringify(directory)}`,
        `bind ${host}`,
        // In a container it is asked from another address than its own; who may ask, its published port says.
        'protected-mode no',
        `port ${port}`,
        'save ""',
        'appendonly yes',
        `appendfsync ${appendfsync}`,
        // A rewrite forks: a copy of the tables beside the measured load, for a run that is over in minutes.
        'auto-aof-rewrite-percentage 0',
        'rdbcompression no',
        'loglevel warning',
        'always-show-logo no',
        '',
      ].join('\n'),
    );
    return {
      command: path,
      args: [file],
      env: path.startsWith(unpacked()) ? librariesOf(process.env) : {},
      cwd: directory,
    };
  },

  isReady: ({ port }) => pingRedis({ port }),
};

/** Where all is that it keeps over a restart. */
export const appendOnlyOf = (directory: string): string => join(directory, 'appendonlydir');

/** Libraries of the unpacked packages, before those of the machine. */
export function librariesOf(env: NodeJS.ProcessEnv): { readonly LD_LIBRARY_PATH: string } {
  const folders = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((triplet) => join(unpacked(), 'usr', 'lib', triplet));
  return { LD_LIBRARY_PATH: [...folders, env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter) };
}
