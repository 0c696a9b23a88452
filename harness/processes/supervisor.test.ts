import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostClock } from '../clock.js';
import { HarnessError, PlaneError } from '../errors.js';
import type { FixtureInit } from './fixture-role.js';
import { isAlive, isRunning } from './running.fixture.js';
import { openScratch, type Scratch } from './scratch.js';
import { type ProcessSpec, type Supervisor, supervise } from './supervisor.js';

const module = new URL('./fixture-role.js', import.meta.url);
const spec = (name: string, init: FixtureInit, more: Partial<ProcessSpec> = {}): ProcessSpec => ({
  name,
  kind: 'role',
  module,
  init: () => init,
  restart: true,
  ...more,
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 6_000; i++) {
    if (await condition()) return;
    await hostClock.sleep(10_000);
  }
  throw new Error('waited a minute in vain');
}

describe('supervisor', () => {
  let scratch: Scratch;
  let supervisor: Supervisor;
  beforeEach(async () => {
    scratch = await openScratch();
    supervisor = supervise({ lullStartUs: 1_000, restartDelayUs: 50_000, scratch });
  });
  afterEach(async () => {
    await supervisor.stopAll();
    await scratch.close();
  });
  const pids = () => supervisor.processes().map(({ pid }) => pid);

  it('starts a process, hears its ready, and leaves nothing behind', async () => {
    expect(await supervisor.start(spec('a', { does: 'wait', note: 'x' }))).toMatchObject({ note: 'x' });
    const [pid] = pids() as [number];
    expect(isAlive(pid)).toBe(true);
    await supervisor.stopAll();
    expect(isAlive(pid)).toBe(false);
    await scratch.close();
    expect(existsSync(scratch.directory)).toBe(false);
  });

  it('starts a killed role again after the delay, and times it', async () => {
    await supervisor.start(spec('a', { does: 'wait' }));
    const [before] = pids();
    const since = supervisor.eventCount();
    const killed = await supervisor.kill('a');
    expect(killed.exit?.signal).toBe('SIGKILL');
    const restarted = await supervisor.waitFor('a', 'started', since, 60_000_000);
    expect(restarted).not.toBeNull();
    expect(await supervisor.waitFor('a', 'ready', since, 60_000_000)).not.toBeNull();
    expect(pids()[0]).not.toBe(before);
    expect(supervisor.processes()[0]?.restarts).toBe(1);
  });

  it('gives up a role that dies again and again, with its last words', async () => {
    await expect(supervisor.start(spec('a', { does: 'throw' }))).rejects.toThrow(/for the 6th time in a row/);
    await expect(supervisor.givenUp).rejects.toThrow(/a died .*for the 6th time in a row.*/s);
    await expect(supervisor.givenUp).rejects.toThrow(/thrown on purpose/);
  });

  it('starts nothing once everything was stopped: a step that goes on would start what nobody stops', async () => {
    await supervisor.start(spec('a', { does: 'wait' }));
    await supervisor.stopAll();
    expect(() => supervisor.start(spec('b', { does: 'wait' }))).toThrow(/b is not started: the run is over/);
    expect(supervisor.processes().map(({ name }) => name)).toEqual(['a']);
  });

  it('keeps how a role ended by itself, but not that it was killed or stopped', async () => {
    await supervisor.start(spec('killed', { does: 'wait' }));
    const since = supervisor.eventCount();
    await supervisor.kill('killed');
    await supervisor.waitFor('killed', 'ready', since, 60_000_000);
    await supervisor.start(spec('died', { does: 'die', note: 'I always wanted to go' }));
    await supervisor.waitFor('died', 'exited', 0, 60_000_000);
    await supervisor.stopAll();
    expect(supervisor.lastWords('role')).toBe(
      'died ended by itself (exit code 7); its last words:\nI always wanted to go',
    );
    expect(supervisor.lastWords('server')).toBe('');
  });

  it('says that a process was not ready in time', async () => {
    await expect(supervisor.start(spec('a', { does: 'never-ready' }, { readyWithinUs: 300_000 }))).rejects.toThrow(
      /a was not ready within 0.3 s/,
    );
  });

  it('reports the death of a process that is not restarted', async () => {
    await supervisor.start(spec('a', { does: 'die' }, { restart: false }));
    await expect(supervisor.givenUp).rejects.toThrow(/a died \(exit code 7\)/);
  });

  it.each([
    ['role', PlaneError],
    ['server', HarnessError],
    ['load', HarnessError],
  ] as const)('blames the death of a %s on whose it is, and so its never being ready', async (kind, error) => {
    const hangs = spec('hangs', { does: 'never-ready' }, { kind, readyWithinUs: 300_000, restart: false });
    await expect(supervisor.start(hangs)).rejects.toThrow(error);
    await supervisor.start(spec('dies', { does: 'die' }, { kind, restart: false }));
    await expect(supervisor.givenUp).rejects.toThrow(error);
  });

  it('kills processes that do not stop when asked, and tells whoever waits for one of them', async () => {
    await supervisor.start(spec('a', { does: 'stubborn' }));
    const ready = expect(supervisor.start(spec('b', { does: 'never-ready' }))).rejects.toThrow(
      'b was stopped before it was ready',
    );
    await supervisor.stop(['a', 'b']);
    expect(pids().map(isAlive)).toEqual([false, false]);
    await ready;
  });

  it('sets event time once, forward, and the same in every process', async () => {
    const epochUs = 3_600_000_000;
    const early = (await supervisor.start(spec('a', { does: 'wait' }))) as { nowUs: number };
    expect(early.nowUs).toBeGreaterThanOrEqual(1_000);
    expect(early.nowUs).toBeLessThanOrEqual(supervisor.clock.nowUs());
    supervisor.startLoad(epochUs, 0);
    const late = (await supervisor.start(spec('b', { does: 'wait' }))) as { nowUs: number };
    expect(late.nowUs).toBeGreaterThan(epochUs);
    expect(late.nowUs).toBeLessThanOrEqual(supervisor.clock.nowUs());
    expect(() => supervisor.startLoad(epochUs, 0)).toThrow(/longer than the lull/);
  });

  it.runIf(process.platform === 'linux')('samples what the processes use', async () => {
    await supervisor.start(spec('a', { does: 'wait' }));
    await until(() => supervisor.usage().rows > 1);
    const { rssBytes, cpuUs } = supervisor.usage();
    expect(rssBytes[rssBytes.length - 1]).toBeGreaterThan(1e6);
    expect(cpuUs[cpuUs.length - 1]).toBeGreaterThan(0);
  });

  it('leaves no process and no folder when the harness itself is killed, not even a stopped process', async () => {
    const harness = fork(new URL('./fixture-harness.js', import.meta.url), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const started = await new Promise<{ pids: number[]; directory: string }>((resolve) =>
      harness.once('message', (message) => resolve(message as never)),
    );
    expect(started.pids.length, 'two of ours, two programs, a child of each').toBe(6);
    expect(started.pids.every(isAlive)).toBe(true);
    harness.kill('SIGKILL');
    await until(
      async () => !(await Promise.all(started.pids.map(isRunning))).includes(true) && !existsSync(started.directory),
    );
  });
});
