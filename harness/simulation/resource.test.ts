import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ServiceCost, serviceUs } from './costs.js';
import { fakeClock } from './fake-clock.fixture.js';
import { createResource } from './resource.js';

interface Call {
  readonly gapUs: number;
  readonly operation: string;
  readonly rows: number;
  readonly bytes: number;
}

const costs: Record<string, ServiceCost> = {
  free: { fixedUs: 0, perRowUs: 0, perByteNs: 0 },
  fixed: { fixedUs: 7, perRowUs: 0, perByteNs: 0 },
  sized: { fixedUs: 1.25, perRowUs: 0.3, perByteNs: 2.5 },
};
const startUs = 1_768_478_400_000_000;

/** Makes the calls, each `gapUs` after the one before, and says when they came and were served, in the order served. */
async function serve(calls: readonly Call[], look?: (nowUs: number, busyUs: number) => void) {
  const { clock, run } = fakeClock(startUs);
  const resource = createResource({ clock, costs });
  const served: { call: number; cameUs: number; endUs: number; takesUs: number }[] = [];
  let atUs = 0;
  calls.forEach(({ gapUs, operation, rows, bytes }, call) => {
    atUs += gapUs;
    clock.after(atUs, async () => {
      const cameUs = clock.nowUs();
      await resource.use(operation, rows, bytes);
      const takesUs = serviceUs(costs[operation]!, rows, bytes);
      served.push({ call, cameUs, endUs: clock.nowUs(), takesUs });
    });
  });
  if (look) for (let us = 0; us <= 200; us += 5) clock.after(us, () => look(clock.nowUs(), resource.busyUs()));
  await run();
  return { served, resource };
}

const someCalls = fc.array(
  fc.record({
    gapUs: fc.oneof(fc.constant(0), fc.constant(7), fc.nat(30)),
    operation: fc.constantFrom('free', 'fixed', 'sized'),
    rows: fc.nat(20),
    bytes: fc.nat(2000),
  }),
  { maxLength: 25 },
);

describe('a resource', () => {
  it('serves in the order of the calls, one at a time, without a pause while anybody waits', async () => {
    await fc.assert(
      fc.asyncProperty(someCalls, async (calls) => {
        const { served, resource } = await serve(calls);
        expect(served.map(({ call }) => call)).toEqual(calls.map((_, i) => i));
        let freeUs = 0;
        for (const { cameUs, endUs, takesUs } of served) {
          expect(endUs - takesUs).toBe(Math.max(cameUs, freeUs));
          freeUs = endUs;
        }
        expect(resource.busyUs()).toBe(served.reduce((sum, { takesUs }) => sum + takesUs, 0));
      }),
    );
  });

  it('was busy for exactly the time in which it served, at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(someCalls, async (calls) => {
        const looks: (readonly [nowUs: number, busyUs: number])[] = [];
        const { served } = await serve(calls, (nowUs, busyUs) => looks.push([nowUs, busyUs]));
        expect(looks.length).toBeGreaterThan(0);
        for (const [nowUs, busyUs] of looks) {
          const parts = served.map(({ endUs, takesUs }) => Math.max(0, Math.min(nowUs, endUs) - (endUs - takesUs)));
          expect(busyUs).toBe(parts.reduce((sum, part) => sum + part, 0));
          expect(busyUs).toBeLessThanOrEqual(nowUs - startUs);
        }
      }),
    );
  });

  it('lets a call that takes no time not overtake one that ends at that moment', async () => {
    const { served } = await serve([
      { gapUs: 0, operation: 'fixed', rows: 0, bytes: 0 },
      { gapUs: 7, operation: 'free', rows: 0, bytes: 0 },
    ]);
    expect(served.map(({ call, endUs }) => [call, endUs - startUs])).toEqual([
      [0, 7],
      [1, 7],
    ]);
  });

  it('knows its operations', () => {
    const resource = createResource({ clock: fakeClock(startUs).clock, costs });
    expect(() => resource.use('fixd', 0, 0)).toThrow("'fixd' has no cost here; there are free, fixed, sized");
    expect(resource.busyUs()).toBe(0);
  });
});

describe('a server that dies', () => {
  /** Three calls of 7 us each at once, death after 10 us; then two more. What was done, and when. */
  async function lose(isServed: boolean) {
    const { clock, run } = fakeClock(startUs);
    const resource = createResource({ clock, costs });
    const done: (readonly [call: string, afterUs: number])[] = [];
    const call = async (name: string) => {
      await resource.use('fixed', 0, 0);
      done.push([name, clock.nowUs() - startUs]);
    };
    for (const name of ['first', 'second', 'third']) clock.after(0, () => void call(name));
    clock.after(10, () => resource.die(isServed));
    for (const name of ['fourth', 'fifth']) clock.after(12, () => void call(name));
    await run();
    return { done, busyUs: resource.busyUs() };
  }

  it('does nothing more of what waits, and its successor begins at once', async () => {
    const { done, busyUs } = await lose(false);
    expect(done).toEqual([
      ['first', 7],
      ['fourth', 19],
      ['fifth', 26],
    ]);
    expect(busyUs).toBe(7 + 3 + 7 + 7);
  });

  it('may have done what it was doing, though nobody hears of it', async () => {
    expect((await lose(true)).done.slice(0, 2)).toEqual([
      ['first', 7],
      ['second', 10],
    ]);
  });
});
