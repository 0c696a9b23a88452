import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HarnessError } from '../errors.js';
import { createVirtualTime, type VirtualTime } from './virtual-time.js';

const sleep = (time: VirtualTime, durationUs: number) =>
  new Promise<void>((resolve) => void time.after(durationUs, resolve));

describe('virtual time', () => {
  it('releases sleeps by time, then in the order in which they were asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 60 }), async (durations) => {
        const time = createVirtualTime();
        const released: [number, number][] = [];
        await time.run(async () => {
          await Promise.all(
            durations.map(async (durationUs, i) => {
              await sleep(time, durationUs);
              expect(time.nowUs()).toBe(durationUs);
              released.push([durationUs, i]);
            }),
          );
        });
        expect(released).toEqual(released.toSorted(([a, i], [b, j]) => a - b || i - j));
        expect(released).toHaveLength(durations.length);
      }),
    );
  });

  it('lets everything go on that can before time passes', async () => {
    const time = createVirtualTime();
    await time.run(async () => {
      const later = sleep(time, 10);
      for (let i = 0; i < 1000; i++) await Promise.resolve();
      expect(time.nowUs()).toBe(0);
      await later;
      expect(time.nowUs()).toBe(10);
    });
  });

  it('drops a sleep that was cancelled', async () => {
    const time = createVirtualTime();
    await time.run(async () => {
      const cancel = time.after(5, () => expect.unreachable());
      cancel();
      await sleep(time, 20);
    });
  });

  it('stands still while the harness works, whose pieces of work end in the order in which they began', async () => {
    const time = createVirtualTime();
    const done: string[] = [];
    await time.run(async () => {
      const slow = time.host(async () => {
        for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve));
        done.push('slow');
      });
      const quick = time.host(() => void done.push('quick'));
      const slept = sleep(time, 1).then(() => void done.push('slept'));
      await Promise.all([slow, quick, slept]);
    });
    expect(done).toEqual(['slow', 'quick', 'slept']);
  });

  it('never resumes a task that was killed', async () => {
    const time = createVirtualTime();
    const task = time.task('victim');
    let went = 0;
    await time.run(async () => {
      void (async () => {
        for (;;) {
          await task.wait('a second', () => sleep(time, 1_000_000));
          went++;
        }
      })();
      time.after(1, () => expect.unreachable(), task);
      task.kill();
      await sleep(time, 5_000_000);
    });
    expect(went).toBe(0);
  });

  it('holds back what comes to a paused task until it is resumed, and loses nothing of it', async () => {
    const time = createVirtualTime();
    const task = time.task('sleeper');
    const went: number[] = [];
    await time.run(async () => {
      void task.wait('an answer', () => sleep(time, 10)).then(() => went.push(time.nowUs()));
      time.after(20, () => went.push(-time.nowUs()), task);
      task.pause();
      await sleep(time, 100);
      expect(went).toEqual([]);
      task.resume();
      await sleep(time, 1);
    });
    expect(went).toEqual([-100, 100]);
  });

  it('says who waits for what when nobody can go on', async () => {
    const time = createVirtualTime();
    const deadlock = time.run(async () => {
      await sleep(time, 2_500_000);
      const stream = time.task('stream');
      void stream.wait('changeLog.read', () => new Promise(() => {}));
      void stream.wait('changeLog.read', () => new Promise(() => {}));
      await time.task('serving').wait('onlineStore.get', () => new Promise(() => {}));
    });
    await expect(deadlock).rejects.toThrow(HarnessError);
    await expect(deadlock).rejects.toThrow(
      'virtual deadlock 2.5 s after the start of the simulation: nobody sleeps and nobody can go on. stream waits for changeLog.read (2 times); serving waits for onlineStore.get',
    );
  });

  it('rejects with the error of what it runs', async () => {
    await expect(createVirtualTime().run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });
});
