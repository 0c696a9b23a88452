/** What every supervisor must do, as tests; that of processes and that of coroutines call this. */
import { describe, expect, it } from 'vitest';
import { HarnessError } from '../errors.js';
import { type ObedientInit, obey } from './fixture-obedient.js';
import { deathsUntilGivenUp, type ProcessSpec, type Supervisor } from './supervisor.js';

/** Runs a test with a supervisor that restarts after `restartDelayUs`, to the end of the test's own time. */
export type WithSupervisor = (restartDelayUs: number, test: (supervisor: Supervisor) => Promise<void>) => Promise<void>;

const restartDelayUs = 50_000;
const patientUs = 20_000_000;
/** For what must not happen: long enough for it to happen if it could. */
const watchedUs = 300_000;

interface Started {
  /** What the process reported, in order. */
  readonly reports: { readonly kind: string; readonly body: unknown }[];
  /** How often it was started. */
  starts: number;
}

export function supervisorContract(name: string, withSupervisor: WithSupervisor): void {
  describe(`${name} keep the supervisor's contract`, () => {
    const test = (title: string, body: (supervisor: Supervisor) => Promise<void>) =>
      it(title, () => withSupervisor(restartDelayUs, body));

    const module = new URL('./fixture-obedient-process.js', import.meta.url);
    async function start(
      supervisor: Supervisor,
      { does = 'obey', loadsForUs = 0 }: Partial<ObedientInit> = {},
      more: Partial<ProcessSpec> = {},
    ): Promise<Started> {
      const started: Started = { reports: [], starts: 0 };
      await supervisor.start({
        name: 'a',
        kind: 'role',
        module,
        main: obey,
        restart: true,
        init(): ObedientInit {
          started.starts++;
          return { does, loadsForUs };
        },
        onReport: (kind, reported) => started.reports.push({ kind, body: reported }),
        ...more,
      });
      return started;
    }

    async function until(supervisor: Supervisor, condition: () => boolean | Promise<boolean>): Promise<void> {
      const untilUs = supervisor.clock.nowUs() + patientUs;
      while (!(await condition())) {
        if (supervisor.clock.nowUs() > untilUs) throw new Error('waited 20 s in vain');
        await supervisor.clock.sleep(2_000);
      }
    }

    const isReady = (supervisor: Supervisor) => supervisor.lastEvent('a')?.kind === 'ready';
    const kindOf = (kind: string, { reports }: Started) => reports.filter((report) => report.kind === kind);
    const ticksOf = (started: Started) => kindOf('tick', started).length;

    async function ask(supervisor: Supervisor, started: Started, kind: string, body: unknown, answer: string) {
      const before = kindOf(answer, started).length;
      supervisor.send('a', kind, body);
      await until(supervisor, () => kindOf(answer, started).length > before);
      return kindOf(answer, started).at(-1)?.body;
    }

    async function readOff(supervisor: Supervisor, started: Started): Promise<number> {
      const askedUs = supervisor.clock.nowUs();
      const saidUs = (await ask(supervisor, started, 'time', null, 'time')) as number;
      const heardUs = supervisor.clock.nowUs();
      // The moment of the answer lies between: by so much it was off at least.
      return saidUs < askedUs ? saidUs - askedUs : Math.max(0, saidUs - heardUs);
    }

    test('a killed process is gone at once and started again after the delay', async (supervisor) => {
      const started = await start(supervisor);
      const since = supervisor.eventCount();
      const killed = await supervisor.kill('a');
      expect(killed).toMatchObject({ process: 'a', kind: 'exited', exit: { signal: 'SIGKILL', code: null } });
      expect(supervisor.isRunning('a')).toBe(false);
      const again = await supervisor.waitFor('a', 'started', since, patientUs);
      expect((again?.atUs ?? 0) - killed.atUs).toBeGreaterThanOrEqual(restartDelayUs - 1_000);
      expect(await supervisor.waitFor('a', 'ready', since, patientUs)).not.toBeNull();
      expect(started.starts).toBe(2);
      expect(supervisor.processes().find(({ name }) => name === 'a')).toMatchObject({ restarts: 1 });
      expect(supervisor.hasExited('a', since)).toBe(true);
    });

    test('one that is just being started again is killed as soon as it is there', async (supervisor) => {
      const started = await start(supervisor);
      const first = await supervisor.kill('a');
      const second = await supervisor.kill('a');
      expect(second.exit?.signal).toBe('SIGKILL');
      expect(second.atUs - first.atUs).toBeGreaterThanOrEqual(restartDelayUs - 1_000);
      await until(supervisor, () => isReady(supervisor));
      expect(started.starts).toBe(3);
    });

    test('one that nobody starts again cannot be killed, and that is said', async (supervisor) => {
      await start(supervisor);
      await supervisor.stop(['a']);
      await expect(supervisor.kill('a')).rejects.toThrow(
        'a was to be killed, but it is not running and nobody starts it again',
      );
    });

    test('a process that does not exist is named', async (supervisor) => {
      await expect(supervisor.kill('nobody')).rejects.toThrow('there is no process nobody');
      expect(supervisor.lastEvent('nobody')).toBeNull();
      expect(supervisor.isRunning('nobody')).toBe(false);
    });

    test('a held process stays away until it is released, and is ready then', async (supervisor) => {
      const started = await start(supervisor);
      const gone = await supervisor.hold('a');
      expect(gone.exit?.signal).toBe('SIGKILL');
      await supervisor.clock.sleep(watchedUs);
      expect(started.starts).toBe(1);
      expect(await supervisor.hold('a'), 'held twice: it is gone all the same').toEqual(gone);
      await expect(supervisor.kill('a')).rejects.toThrow(HarnessError);
      await supervisor.release('a');
      expect(isReady(supervisor)).toBe(true);
      await supervisor.release('a');
      await supervisor.clock.sleep(watchedUs);
      expect(started.starts).toBe(2);
      expect(await ask(supervisor, started, 'say', 1, 'said')).toBe(1);
    });

    test('held and released while it is just being started again, it is started once', async (supervisor) => {
      const started = await start(supervisor);
      const killed = await supervisor.kill('a');
      expect(await supervisor.hold('a')).toEqual(killed);
      await supervisor.release('a');
      await supervisor.clock.sleep(watchedUs);
      expect(started.starts).toBe(2);
      expect(await ask(supervisor, started, 'say', 1, 'said')).toBe(1);
      expect(kindOf('said', started)).toHaveLength(1);
    });

    test('two who release wait both until it is ready', async (supervisor) => {
      const started = await start(supervisor, { loadsForUs: 20_000 });
      await supervisor.hold('a');
      const both = ['first', 'second'].map(async () => {
        await supervisor.release('a');
        return isReady(supervisor);
      });
      expect(await Promise.all(both)).toEqual([true, true]);
      expect(started.starts).toBe(2);
    });

    test('a held process that was stopped meanwhile is not started by its release', async (supervisor) => {
      const started = await start(supervisor);
      await supervisor.hold('a');
      await supervisor.stopAll();
      await supervisor.release('a');
      expect(started.starts).toBe(1);
      expect(supervisor.isRunning('a')).toBe(false);
    });

    test('a paused process does nothing at all, and goes on where it was', async (supervisor) => {
      const started = await start(supervisor);
      await until(supervisor, () => ticksOf(started) > 0);
      expect(await supervisor.isPaused('a')).toBe(false);
      supervisor.pause('a');
      await until(supervisor, () => supervisor.isPaused('a'));
      // What it had said before is heard by now.
      await supervisor.clock.sleep(watchedUs);
      const before = started.reports.length;
      supervisor.send('a', 'say', 'while it stood still');
      await supervisor.clock.sleep(watchedUs);
      expect(started.reports.length).toBe(before);
      expect(await supervisor.isPaused('a')).toBe(true);
      supervisor.resume('a');
      await until(supervisor, () => kindOf('said', started).length === 1);
      expect(await supervisor.isPaused('a')).toBe(false);
      const ticks = ticksOf(started);
      await until(supervisor, () => ticksOf(started) > ticks);
      expect(started.starts).toBe(1);
    });

    test('a paused process can be killed, and its successor runs', async (supervisor) => {
      const started = await start(supervisor);
      supervisor.pause('a');
      await until(supervisor, () => supervisor.isPaused('a'));
      expect((await supervisor.kill('a')).exit?.signal).toBe('SIGKILL');
      expect(await supervisor.isPaused('a')).toBe(false);
      await until(supervisor, () => isReady(supervisor));
      expect(await supervisor.isPaused('a')).toBe(false);
      supervisor.resume('a');
      expect(await ask(supervisor, started, 'say', 'I run', 'said')).toBe('I run');
      expect(started.starts).toBe(2);
    });

    test('a paused process ends when it is stopped, and one that is gone cannot be paused', async (supervisor) => {
      await start(supervisor);
      supervisor.pause('a');
      await until(supervisor, () => supervisor.isPaused('a'));
      await supervisor.stop(['a']);
      expect(supervisor.lastEvent('a')).toMatchObject({ kind: 'exited', exit: { signal: null, code: 0 } });
      supervisor.pause('a');
      expect(await supervisor.isPaused('a')).toBe(false);
    });

    for (const byUs of [3_600_000_000, -3_600_000_000]) {
      test(`a clock that is shifted by ${byUs / 1e6} s stays so over a restart, until it is set right`, async (supervisor) => {
        const started = await start(supervisor);
        expect(await readOff(supervisor, started)).toBe(0);
        supervisor.shiftClock('a', byUs);
        const off = await readOff(supervisor, started);
        expect(Math.abs(off - byUs)).toBeLessThan(patientUs);
        await supervisor.kill('a');
        await until(supervisor, () => isReady(supervisor));
        expect(Math.abs((await readOff(supervisor, started)) - byUs)).toBeLessThan(patientUs);
        supervisor.shiftClock('a', 0);
        expect(await readOff(supervisor, started)).toBe(0);
        expect(started.starts, 'a wrong clock ends no process').toBe(2);
      });
    }

    test('a clock that is shifted before the load is wrong by as much after it has begun', async (supervisor) => {
      const started = await start(supervisor);
      supervisor.shiftClock('a', -5_000_000_000);
      supervisor.startLoad(86_400_000_000, 0);
      expect(supervisor.clock.nowUs()).toBeGreaterThanOrEqual(86_400_000_000);
      expect(Math.abs((await readOff(supervisor, started)) + 5_000_000_000)).toBeLessThan(patientUs);
      supervisor.shiftClock('a', 0);
      expect(await readOff(supervisor, started)).toBe(0);
    });

    test('what a process is told before it listens it hears when it does, in order', async (supervisor) => {
      const starting = start(supervisor, { loadsForUs: 50_000 });
      for (const word of [1, 2, 3]) supervisor.send('a', 'say', word);
      const started = await starting;
      await until(supervisor, () => kindOf('said', started).length === 3);
      expect(kindOf('said', started).map(({ body }) => body)).toEqual([1, 2, 3]);
    });

    test('kills on purpose are no deaths of its own, however many', async (supervisor) => {
      const started = await start(supervisor);
      let isGivenUp = false;
      supervisor.givenUp.catch(() => {
        isGivenUp = true;
      });
      for (let kills = 0; kills < deathsUntilGivenUp + 2; kills++) await supervisor.kill('a');
      await until(supervisor, () => isReady(supervisor));
      expect([isGivenUp, started.starts]).toEqual([false, deathsUntilGivenUp + 3]);
      expect(supervisor.lastWords('role')).toBe('');
    });

    test('own deaths in a row are counted over kills, and too many end it, with its last words', async (supervisor) => {
      await start(supervisor);
      for (let deaths = 1; deaths <= deathsUntilGivenUp; deaths++) {
        const since = supervisor.eventCount();
        supervisor.send('a', 'die', `for the ${deaths}. time`);
        await supervisor.waitFor('a', 'ready', since, patientUs);
        if (deaths === 2) await supervisor.kill('a');
        await until(supervisor, () => isReady(supervisor));
      }
      expect(supervisor.lastWords('role')).toMatch(/^a ended by itself \(exit code 1: .*for the 5\. time/s);
      supervisor.send('a', 'die', 'for good');
      await expect(supervisor.givenUp).rejects.toThrow(
        /a died \(exit code 1: .*for good.*\), for the 6th time in a row/s,
      );
    });

    test('one that dies at every start is given up', async (supervisor) => {
      await expect(start(supervisor, { does: 'throw' })).rejects.toThrow(/for the 6th time in a row/);
      await expect(supervisor.givenUp).rejects.toThrow(/thrown on purpose/);
    });

    test('one that is not ready in time is ended and said so', async (supervisor) => {
      const hanging = start(supervisor, { does: 'never-ready' }, { readyWithinUs: 300_000, restart: false });
      await expect(hanging).rejects.toThrow('a was not ready within 0.3 s');
      await until(supervisor, () => !supervisor.isRunning('a'));
    });

    test('a wait finds what was there, waits for what comes, and gives up what does not', async (supervisor) => {
      await start(supervisor);
      expect(await supervisor.waitFor('a', 'ready', 0, 0)).toMatchObject({ kind: 'ready' });
      expect(await supervisor.waitFor('a', 'exited', 0, 10_000)).toBeNull();
      const exit = supervisor.waitFor('a', 'exited', 0, patientUs);
      const killed = await supervisor.kill('a');
      expect(await exit).toEqual(killed);
      expect(await supervisor.waitFor('a', 'exited', supervisor.eventCount(), 10_000)).toBeNull();
    });

    test('when everything was stopped no wait goes on, and none begins', async (supervisor) => {
      await start(supervisor);
      const hourUs = 3_600_000_000;
      const waiting = supervisor.waitFor('a', 'ready', supervisor.eventCount(), hourUs);
      await supervisor.stopAll();
      expect(await waiting).toBeNull();
      expect(await supervisor.waitFor('a', 'ready', supervisor.eventCount(), hourUs)).toBeNull();
      expect(await supervisor.waitFor('a', 'exited', 0, hourUs)).not.toBeNull();
      expect(supervisor.lastWords('role')).toBe('');
    });
  });
}
