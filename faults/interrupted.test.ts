/** A run that ends in the middle of its faults, by Ctrl-C or by SIGKILL, leaves no process and no file behind. */
import { fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostClock } from '../harness/clock.js';

/** Processes of the run, by the folder that the environment of each names. */
const processesOf = (temporary: string) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`TMPDIR=${temporary}\0`) &&
          !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
        );
      } catch {
        return false;
      }
    });

const until = async (condition: () => boolean | Promise<boolean>) => {
  for (let i = 0; i < 600; i++) {
    if (await condition()) return;
    await hostClock.sleep(100_000);
  }
  throw new Error('waited a minute in vain');
};

describe.runIf(process.platform === 'linux')('a run that ends', () => {
  it.each(['SIGINT', 'SIGKILL'] as const)(
    'by %s in the middle of a pause, an outage and a crash loop leaves nothing behind',
    {
      timeout: 180_000,
    },
    async (signal) => {
      const temporary = await mkdtemp(join(tmpdir(), 'planebench-interrupted-'));
      const harness = fork(new URL('./fixture-interrupted.js', import.meta.url), {
        env: { ...process.env, TMPDIR: temporary },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      const exited = new Promise<[number | null, string | null]>((resolve) =>
        harness.once('exit', (code, by) => resolve([code, by])),
      );
      const hurt = new Promise<string>((resolve) => harness.once('message', (message) => resolve(String(message))));
      expect(await Promise.race([hurt, exited])).toBe('hurt');
      expect(processesOf(temporary).length).toBeGreaterThan(5);
      harness.kill(signal);
      expect(await exited).toEqual(signal === 'SIGINT' ? [0, null] : [null, 'SIGKILL']);
      await until(async () => processesOf(temporary).length === 0 && (await readdir(temporary)).length === 0);
      await rm(temporary, { recursive: true });
    },
  );
});
