/**
 * Outlives the harness by a moment: when the harness is gone, even by SIGKILL, it kills what is left of its processes
 * (a stopped one cannot notice by itself) and removes its containers and its temporary folder.
 */
import { readFile, rm } from 'node:fs/promises';
import { hostClock } from '../clock.js';

export interface JanitorOrder {
  readonly directory: string;
}
export type ToJanitor =
  | { readonly order: JanitorOrder }
  | { readonly watch: number }
  | { readonly watchGroup: number }
  | { readonly forget: number }
  /** Containers that have this label belong to the harness. */
  | { readonly watchContainers: string }
  /** The harness is at its end, and has removed its containers. */
  | 'closing';

/** One that was just being made when the harness was killed appears within. */
const madeWithinUs = 2_000_000;
const pids = new Map<number, string | null>();
const groups = new Set<number>();
let directory: string | undefined;
let label: string | undefined;
let isClosing = false;

process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('message', async (message: ToJanitor) => {
  if (message === 'closing') isClosing = true;
  else if ('watchContainers' in message) label = message.watchContainers;
  else if ('order' in message) directory = message.order.directory;
  else if ('forget' in message) pids.delete(message.forget);
  else {
    const pid = 'watch' in message ? message.watch : message.watchGroup;
    if ('watchGroup' in message) groups.add(pid);
    pids.set(pid, await startOf(pid));
  }
});
process.on('disconnect', async () => {
  for (const [pid, start] of pids) {
    if ((await startOf(pid)) === start) kill(groups.has(pid) ? -pid : pid);
  }
  if (label !== undefined && !isClosing) await removeOwnContainers(label).catch(() => {});
  if (directory !== undefined) await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  process.exit(0);
});

async function removeOwnContainers(own: string): Promise<void> {
  // Loaded here: most harnesses have none.
  const { removeContainers } = await import('./containers.js');
  await removeContainers(own);
  await hostClock.sleep(madeWithinUs);
  await removeContainers(own);
}

/** When a process started, so that a number given to another process since is left alone; null where unknown. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was gone already.
  }
}
