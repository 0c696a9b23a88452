/**
 * What a process has used so far, and whether it stands still, as the operating system tells it: /proc on Linux (proc(5)), `ps` elsewhere, where
 * bytes read and written are unknown and stay 0.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface Usage {
  /** User and system time of the process, all threads. */
  readonly cpuUs: number;
  readonly rssBytes: number;
  /** Bytes that reached or left the storage layer, not those served from the page cache. */
  readonly readBytes: number;
  readonly writeBytes: number;
}

/** Whether it was stopped by a signal: state T (proc(5), ps(1)). */
export async function isStopped(pid: number): Promise<boolean> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'T';
  }
  const ps = promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)]);
  // It fails for one that is gone.
  const { stdout } = await ps.catch(() => ({ stdout: '' }));
  return stdout.trim().startsWith('T');
}

/** USER_HZ, which Linux has fixed at 100 for what it shows in /proc. */
const tickUs = 10_000;

/** AT_PAGESZ of the auxiliary vector (getauxval(3)): 4 KiB on x86, up to 64 KiB on ARM. */
function readPageBytes(): number {
  const vector = readFileSync('/proc/self/auxv');
  for (let at = 0; at + 16 <= vector.length; at += 16)
    if (vector.readBigUInt64LE(at) === 6n) return Number(vector.readBigUInt64LE(at + 8));
  throw new Error('/proc/self/auxv does not tell how large a page of memory is');
}
const pageBytes = process.platform === 'linux' ? readPageBytes() : Number.NaN;

/** Null when the process is gone. */
export const readUsage: (pid: number) => Promise<Usage | null> = process.platform === 'linux' ? readProc : readPs;

async function readProc(pid: number): Promise<Usage | null> {
  try {
    const [stat, io] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/io`, 'utf8').catch(() => ''),
    ]);
    // The second field is the command in parentheses and may hold anything; utime and stime are fields 14 and 15, rss 24.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      cpuUs: (Number(fields[11]) + Number(fields[12])) * tickUs,
      rssBytes: Number(fields[21]) * pageBytes,
      readBytes: counterOf(io, 'read_bytes'),
      writeBytes: counterOf(io, 'write_bytes'),
    };
  } catch {
    return null;
  }
}

function counterOf(io: string, name: string): number {
  const found = new RegExp(`^${name}: (\\d+)`, 'm').exec(io);
  return found ? Number(found[1]) : 0;
}

async function readPs(pid: number): Promise<Usage | null> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'time=,rss=', '-p', String(pid)]);
    const [time = '', rss = '0'] = stdout.trim().split(/\s+/);
    const seconds = time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
    return { cpuUs: Math.round(seconds * 1e6), rssBytes: Number(rss) * 1024, readBytes: 0, writeBytes: 0 };
  } catch {
    return null;
  }
}
