import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Clock } from '../clock.js';
import { CallError } from '../errors.js';
import { seededRandom } from '../random.js';
import type { OnlineStore } from './online-store/port.js';
import { openServedTime } from './served-time.js';

const toleranceUs = 1_000;
const aheadUs = 100;

/** A clock that is put forward by hand, and one row of a store that can be down. */
function world() {
  let nowUs = 10_000;
  let isDown = false;
  let markUs = 0;
  let sleepers: { readonly untilUs: number; readonly wake: () => void }[] = [];
  const clock = {
    nowUs: () => nowUs,
    sleep: (us: number) => new Promise<void>((wake) => sleepers.push({ untilUs: nowUs + us, wake })),
  } as Clock;
  const answer = () => {
    if (isDown) throw new CallError('failed', 'the store is down');
  };
  const store: Pick<OnlineStore, 'get' | 'put'> = {
    async get() {
      answer();
      return [markUs === 0 ? null : { seq: markUs, asOfUs: 0, value: new Uint8Array(0) }];
    },
    async put(_, { seqs }) {
      answer();
      markUs = Math.max(markUs, seqs[0] as number);
      return { written: 1, stale: 0 };
    },
  };
  return {
    /** A process that serves; it ends with the test. */
    open: () =>
      openServedTime(
        { clock, random: seededRandom(1), signal: new AbortController().signal },
        { store: store as OnlineStore, table: 'times', toleranceUs },
      ),
    async goOn(us: number) {
      for (const endUs = nowUs + us; nowUs < endUs; ) {
        nowUs += 10;
        const due = sleepers.filter(({ untilUs }) => untilUs <= nowUs);
        sleepers = sleepers.filter(({ untilUs }) => untilUs > nowUs);
        for (const { wake } of due) wake();
        await setImmediate();
      }
    },
    setDown: (down: boolean) => {
      isDown = down;
    },
    nowUs: () => nowUs,
  };
}

it('is the clock, also for one who comes after, while the source speaks', async () => {
  const { open, goOn, nowUs } = world();
  const first = await open();
  first.see(nowUs());
  await goOn(aheadUs);
  expect(first.nowUs()).toBe(nowUs());
  const second = await open();
  second.see(nowUs());
  await goOn(aheadUs);
  expect([second.isInDoubt(), second.nowUs()]).toEqual([false, nowUs()]);
});

it('is not before what a predecessor has served, though the source has been silent for too long to trust the clock', async () => {
  const { open, goOn, nowUs } = world();
  const lastWordUs = nowUs();
  const first = await open();
  first.see(lastWordUs);
  await goOn(toleranceUs - 50);
  const servedUs = first.nowUs();
  expect(servedUs).toBe(nowUs());
  await goOn(200);
  const second = await open();
  second.see(lastWordUs);
  expect(second.isInDoubt()).toBe(true);
  expect(second.nowUs()).toBeGreaterThanOrEqual(servedUs);
  expect(second.nowUs()).toBeLessThanOrEqual(nowUs());
});

/** One that served while its source spoke, whose store has taken no mark for a while. */
async function silenced() {
  const around = world();
  const { open, goOn, setDown, nowUs } = around;
  const first = await open();
  first.see(nowUs());
  await goOn(aheadUs);
  setDown(true);
  await goOn(5 * aheadUs);
  return { ...around, first, servedUs: first.nowUs() };
}

it('stands still while the store takes no mark, since a successor would not know of it, and moves with what is seen', async () => {
  const { open, first, servedUs, setDown, nowUs } = await silenced();
  expect(servedUs).toBeLessThan(nowUs() - 3 * aheadUs);
  first.see(servedUs + 7);
  expect(first.nowUs()).toBe(servedUs + 7);
  setDown(false);
  const second = await open();
  expect(second.nowUs()).toBeGreaterThanOrEqual(servedUs);
});

it('does not leave the last mark where the source falls silent, too, and time comes into doubt', async () => {
  const { first, servedUs, goOn } = await silenced();
  await goOn(2 * toleranceUs);
  expect(first.isInDoubt()).toBe(true);
  expect(first.nowUs()).toBe(servedUs);
});
