/** The temporary folder of one harness process, and the janitor that removes it whatever happens. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { HarnessError, messageOf } from '../errors.js';
import { makeNetwork, removeContainers } from './containers.js';
import type { ToJanitor } from './janitor.js';

export interface Scratch {
  readonly directory: string;
  /** The janitor kills this process should the harness die. */
  watch(pid: number): void;
  /** The same of all processes of the group that this one leads. */
  watchGroup(pid: number): void;
  forget(pid: number): void;
  /** The label by which the janitor finds containers, and removes them when the harness ends, however it does. */
  watchContainers(): string;
  /** Of those containers that are to find each other; there is one, and it goes when they go. */
  network(): Promise<string>;
  /** Removes the folder and ends the janitor. */
  close(): Promise<void>;
}

export async function openScratch(parent: string = tmpdir()): Promise<Scratch> {
  let label: string | undefined;
  let network: Promise<string> | undefined;
  const directory = await mkdtemp(join(parent, 'planebench-')).catch((error: unknown) => {
    throw new HarnessError(`cannot make a temporary folder in ${parent}: ${messageOf(error)}`);
  });
  const janitor = fork(new URL('./janitor.js', import.meta.url), { stdio: 'ignore', detached: true });
  tell(janitor, { order: { directory } });
  janitor.unref();
  janitor.channel?.unref();
  const watchContainers = () => {
    label = `org.planebench.harness=${basename(directory)}`;
    tell(janitor, { watchContainers: label });
    return label;
  };
  return {
    directory,
    // What could not be started has no number, and -1 would be everybody (kill(2)).
    watch: (pid) => pid > 0 && tell(janitor, { watch: pid }),
    watchGroup: (pid) => pid > 0 && tell(janitor, { watchGroup: pid }),
    forget: (pid) => tell(janitor, { forget: pid }),
    watchContainers,
    network() {
      network ??= makeNetwork(watchContainers());
      return network;
    },
    async close() {
      // Those that could not be removed one by one; without a daemon there is nothing to be removed from.
      if (label !== undefined) await removeContainers(label).catch(() => {});
      await rm(directory, { recursive: true, force: true, maxRetries: 10 });
      if (!janitor.connected) return;
      tell(janitor, 'closing');
      const gone = new Promise((resolve) => janitor.once('exit', resolve));
      janitor.ref();
      janitor.disconnect();
      await gone;
    },
  };
}

function tell(janitor: ChildProcess, message: ToJanitor): void {
  if (janitor.connected) janitor.send(message, () => {});
}
