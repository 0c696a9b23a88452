/** The machine and the software on which a suite runs: for the manifest and for `doctor`. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Manifest } from '../reports/summary.js';
import { mayGoFirst } from './processes/precedence.js';

/** The folder that holds package.json: two above dist/harness. */
export const projectDirectory = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export async function describeMachine(): Promise<Omit<Manifest['machine'], 'stealBp'>> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${platform()} ${release()} ${process.arch}`,
    cgroup: await readCgroup(),
    loadGoesFirst: await mayGoFirst(),
  };
}

/** Limits of the control group, version 2, as the kernel words them; null where there is none. */
async function readCgroup(): Promise<string | null> {
  const read = (name: string) =>
    readFile(`/sys/fs/cgroup/${name}`, 'utf8').then(
      (text) => text.trim(),
      () => null,
    );
  const [cpu, memory] = await Promise.all([read('cpu.max'), read('memory.max')]);
  return cpu === null && memory === null ? null : `cpu.max ${cpu ?? '-'}, memory.max ${memory ?? '-'}`;
}

/** CPU time of all cores so far, and the part stolen by the hypervisor; null where the system does not tell. */
export async function readSteal(): Promise<{ readonly total: number; readonly stolen: number } | null> {
  const stat = await readFile('/proc/stat', 'utf8').catch(() => null);
  const fields = stat?.split('\n')[0]?.trim().split(/\s+/).slice(1).map(Number);
  if (!fields || fields.length < 8) return null;
  // user nice system idle iowait irq softirq steal; guest time is part of user already (proc(5)).
  return { total: fields.slice(0, 8).reduce((sum, field) => sum + field, 0), stolen: fields[7] ?? 0 };
}

export async function describeGit(): Promise<Manifest['git']> {
  const git = (...args: string[]) =>
    promisify(execFile)('git', args, { cwd: projectDirectory }).then(({ stdout }) => stdout.trim());
  try {
    return { commit: await git('rev-parse', 'HEAD'), dirty: (await git('status', '--porcelain')) !== '' };
  } catch {
    return { commit: null, dirty: null };
  }
}

export async function hashLockFile(): Promise<string | null> {
  const lock = await readFile(join(projectDirectory, 'package-lock.json')).catch(() => null);
  return lock && createHash('sha256').update(lock).digest('hex');
}

export async function readVersions(): Promise<Record<string, string>> {
  const { version, dependencies } = JSON.parse(await readFile(join(projectDirectory, 'package.json'), 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
  };
  const require = createRequire(import.meta.url);
  const versions: Record<string, string> = { planebench: version, node: process.version };
  for (const name of Object.keys(dependencies)) {
    const folder = require.resolve.paths(name)?.map((path) => join(path, name, 'package.json')) ?? [];
    for (const path of folder) {
      const found = await readFile(path, 'utf8').catch(() => null);
      if (found === null) continue;
      versions[name] = (JSON.parse(found) as { version: string }).version;
      break;
    }
  }
  return versions;
}
