/** Programs that others wrote, supervised like our own processes. */
import { getPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClockOrigin } from '../clock.js';
import { HarnessError } from '../errors.js';
import { freePorts } from '../servers/free-ports.js';
import { isRunning } from './running.fixture.js';
import { openScratch, type Scratch } from './scratch.js';
import { type MachineSupervisor, type ProgramSpec, supervise } from './supervisor.js';

const program = fileURLToPath(new URL('./fixture-program.js', import.meta.url));
const patientUs = 20_000_000;

describe('a program of others', () => {
  let scratch: Scratch;
  let supervisor: MachineSupervisor;
  let port: number;
  beforeEach(async () => {
    scratch = await openScratch();
    supervisor = supervise({ lullStartUs: 1_000, restartDelayUs: 50_000, scratch });
    [port] = (await freePorts(1)) as [number];
  });
  afterEach(async () => {
    await supervisor.stopAll();
    await scratch.close();
  });

  const askAt = async () => {
    const response = await fetch(`http://127.0.0.1:${port}`);
    return { status: response.status, ...((await response.json()) as { pid: number; child: number }) };
  };
  const start = (does: string, more: Partial<ProgramSpec> = {}) =>
    supervisor.startProgram({
      name: 'p',
      kind: 'server',
      restart: true,
      spawn: {
        command: process.execPath,
        args: [program, does, String(port)],
        env: {},
        cwd: scratch.directory,
      },
      isReady: () =>
        askAt().then(
          ({ status }) => status === 200,
          () => false,
        ),
      ...more,
    });
  const until = async (condition: () => boolean | Promise<boolean>) =>
    expect.poll(condition, { timeout: 20_000 }).toBe(true);
  const areGone = async (...pids: number[]) => !(await Promise.all(pids.map(isRunning))).includes(true);

  it('is ready when its protocol says so, stands back as servers do, and is stopped with what it started', async () => {
    const asked: boolean[] = [];
    const isReady = async () => {
      const { status } = await askAt().catch(() => ({ status: 0 }));
      asked.push(status === 200);
      return status === 200;
    };
    await start('loads', { isReady });
    expect(asked.at(-1)).toBe(true);
    expect(asked.slice(0, -1)).not.toContain(true);
    const { pid, child } = await askAt();
    expect(supervisor.processes()).toMatchObject([{ name: 'p', kind: 'server', pid, restarts: 0 }]);
    expect(getPriority(pid)).toBe(Math.min(19, getPriority() + 10));
    await until(() => supervisor.usage().rows > 0);
    // What it writes while it serves is its log.
    expect(supervisor.lastWords('server')).toBe('');
    await supervisor.stopAll();
    await until(() => areGone(pid, child));
  });

  it('is killed with what it started, and started again on the same port after the delay', async () => {
    await start('serve');
    const before = await askAt();
    const since = supervisor.eventCount();
    expect((await supervisor.kill('p')).exit?.signal).toBe('SIGKILL');
    await until(() => areGone(before.child));
    expect(await supervisor.waitFor('p', 'ready', since, patientUs)).not.toBeNull();
    expect((await askAt()).pid).not.toBe(before.pid);
    expect(supervisor.processes()[0]).toMatchObject({ restarts: 1 });
  });

  it('stays away while it is held, and stands still while it is paused', async () => {
    await start('serve');
    const gone = await supervisor.hold('p');
    expect(await supervisor.hold('p')).toEqual(gone);
    await expect(askAt()).rejects.toThrow();
    await supervisor.release('p');
    const { pid } = await askAt();
    supervisor.pause('p');
    await until(() => supervisor.isPaused('p'));
    const answer = askAt();
    supervisor.resume('p');
    expect((await answer).pid).toBe(pid);
    supervisor.pause('p');
    await supervisor.stop(['p']);
    await until(() => areGone(pid));
  });

  it('is told where event time stands: when it is ready, when the load starts, and when it comes back', async () => {
    const told: ClockOrigin[] = [];
    const setClock = async (origin: ClockOrigin) => void told.push(origin);
    await start('serve', { setClock });
    expect(told).toMatchObject([{ epochUs: 1_000 }]);
    supervisor.startLoad(86_400_000_000, 0);
    await until(() => told.length === 2);
    const since = supervisor.eventCount();
    await supervisor.kill('p');
    await supervisor.waitFor('p', 'ready', since, patientUs);
    expect(told.map(({ epochUs }) => epochUs)).toEqual([1_000, 86_400_000_000, 86_400_000_000]);
  });

  it('that ends at every start is given up, with its last words', async () => {
    const dies = start('die');
    await expect(dies).rejects.toThrow(HarnessError);
    await expect(dies).rejects.toThrow(/p died \(exit code 7\), for the 6th time .*cannot open the ledger/s);
  });

  it('that is not there is said to be so', async () => {
    const spawn = { command: 'no-such-program', args: [], env: {}, cwd: scratch.directory };
    await expect(start('serve', { spawn, restart: false })).rejects.toThrow(/exit code 127.*no-such-program/s);
  });

  it('that never is ready is ended, and leaves nothing behind', async () => {
    let pids: number[] = [];
    const isReady = async () => {
      const { pid, child } = await askAt();
      pids = [pid, child];
      return false;
    };
    const hangs = start('serve', { isReady: () => isReady().catch(() => false), readyWithinUs: 2_000_000 });
    await expect(hangs).rejects.toThrow(/p was not ready within 2 s; its last words:\nserving/);
    expect(pids).toHaveLength(2);
    await supervisor.stopAll();
    await until(() => areGone(...pids));
  });
});
