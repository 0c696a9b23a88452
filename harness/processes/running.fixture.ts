/** Whether there is a process of that number, for tests. */
import { readFile } from 'node:fs/promises';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A zombie that nobody has waited for yet is no process that runs. */
export async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return process.platform !== 'linux' && isAlive(pid);
  return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}
