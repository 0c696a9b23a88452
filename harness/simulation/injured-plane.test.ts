/** A plane of two roles whose ports, clocks and servers are hurt in virtual time, as faults hurt them. */
import { expect, it } from 'vitest';
import { CallError } from '../errors.js';
import { simulatedBuild } from '../lineage/origin.js';
import { type StartedPlane, startPlane } from '../processes/plane.js';
import type { RunPlan } from '../scenario.js';
import { measuredScenario } from '../suites/measured.js';
import { defaultCosts } from './costs.js';
import { begun } from './fixture-asking.js';
import { createEventClock, type SimulatedSupervisor, superviseSimulated } from './supervisor.js';
import { createVirtualTime } from './virtual-time.js';
import { createWorld, type World } from './world.js';

const scenario = measuredScenario({
  name: 'injured',
  customers: 20,
  historyFacts: 100,
  changesPerSecond: 50,
  predictionsPerSecond: 0,
  lookupsPerSecond: 0,
  warmUpUs: 0,
  measureUs: 0,
  faultUs: 0,
  drainUs: 0,
});

interface Under {
  readonly world: World;
  readonly supervisor: SimulatedSupervisor;
  readonly plane: StartedPlane;
  /** Reports of first calls that were hurt, by role. */
  readonly struck: string[];
  lookup(): Promise<string>;
}

async function withPlane(test: (under: Under) => Promise<void>): Promise<void> {
  const time = createVirtualTime();
  const eventClock = createEventClock(time, 0);
  const world = createWorld({ time, nowUs: eventClock.nowUs, costs: defaultCosts, parquet: () => [] });
  const supervisor = superviseSimulated({ world, eventClock, restartDelayUs: 500_000, sampleEveryUs: 1_000_000 });
  const struck: string[] = [];
  await time.run(async () => {
    const plane = await startPlane({
      supervisor: {
        ...supervisor,
        start: (spec) =>
          supervisor.start({
            ...spec,
            onReport(kind, body) {
              if (kind === 'struck') struck.push(spec.name);
              spec.onReport?.(kind, body);
            },
          }),
      },
      plan: {
        seed: 1,
        arm: { specifier: new URL('./fixture-asking.js', import.meta.url).pathname, params: null },
        scenario,
      } as unknown as RunPlan,
      architecture: {
        name: 'asking',
        params: null,
        uses: ['onlineStore'],
        roles: ['serving', 'restless'].map((name) => ({ name, ingests: false, priority: 'normal' as const })),
        settlesWithinUs: null,
        outside: false,
      },
      stack: { connection: { stack: 'simulated', world }, storedPaths: [], servers: {} },
      build: simulatedBuild,
    });
    const lookup = () =>
      plane.client.call('lookup', { keys: ['k'] }, { timeoutUs: 2_000_000 }).then(
        () => 'ok',
        (error: unknown) => (error instanceof CallError ? `${error.outcome}: ${error.message}` : `threw ${error}`),
      );
    await test({ world, supervisor, plane, struck, lookup });
  });
}

it('an injury befalls every role, and one that is started under it; each process tells of it once', () =>
  withPlane(async ({ supervisor, plane, struck, lookup }) => {
    const { clock } = supervisor;
    expect(await lookup()).toBe('ok');
    const injured = plane.injure('onlineStore', { kind: 'down' });
    expect(injured.firstStruck()).toBeNull();
    const fromUs = clock.nowUs();
    for (let i = 0; i < 3; i++) expect(await lookup()).toContain('onlineStore.get: nobody answers');
    await clock.sleep(100_000);
    expect(struck.toSorted()).toEqual(['restless', 'serving']);
    const first = injured.firstStruck();
    expect(first?.saw).toBe('serving met it in onlineStore.get');
    expect(first?.atUs).toBeGreaterThanOrEqual(fromUs);
    expect(first?.atUs).toBeLessThan(fromUs + 10_000);

    const since = supervisor.eventCount();
    await supervisor.kill('serving');
    await supervisor.waitFor('serving', 'ready', since, 5_000_000);
    for (let i = 0; i < 3; i++) expect(await lookup()).toContain('nobody answers');
    expect(struck.toSorted()).toEqual(['restless', 'serving', 'serving']);
    expect(injured.firstStruck()).toEqual(first);

    injured.heal();
    await clock.sleep(1_000);
    expect(await lookup()).toBe('ok');
    injured.heal();
    expect(await lookup()).toBe('ok');
  }));

it('an injury that heals while a role is started is none to it, and one that comes then is', () =>
  withPlane(async ({ supervisor, plane, lookup }) => {
    const before = plane.injure('onlineStore', { kind: 'down' });
    const restart = async () => {
      const since = supervisor.eventCount();
      await supervisor.kill('serving');
      await supervisor.waitFor('serving', 'started', since, 5_000_000);
      return supervisor.waitFor('serving', 'ready', since, 5_000_000);
    };
    const ready = restart();
    const started = supervisor.waitFor('serving', 'started', supervisor.eventCount(), 5_000_000);
    // It was started with the injury, and has not yet loaded its module.
    await started.then(() => before.heal());
    await ready;
    await supervisor.clock.sleep(1_000);
    expect(await lookup()).toBe('ok');
    const again = restart();
    await supervisor.waitFor('serving', 'started', supervisor.eventCount(), 5_000_000);
    const since = plane.injure('onlineStore', { kind: 'full' });
    const other = plane.injure('onlineStore', { kind: 'down' });
    since.heal();
    await again;
    expect(await lookup()).toContain('nobody answers');
    other.heal();
  }));

it('when the first call was hurt is read from the clock of the run, however wrong that of the role', () =>
  withPlane(async ({ supervisor, plane, lookup }) => {
    supervisor.shiftClock('serving', 3_600_000_000);
    supervisor.shiftClock('restless', -3_600_000_000);
    const injured = plane.injure('onlineStore', { kind: 'slow', latencyUs: 1_000, jitterUs: 0 });
    const fromUs = supervisor.clock.nowUs();
    expect(await lookup()).toBe('ok');
    await supervisor.clock.sleep(50_000);
    expect(injured.firstStruck()?.atUs).toBeGreaterThanOrEqual(fromUs);
    expect(injured.firstStruck()?.atUs).toBeLessThan(fromUs + 50_000);
  }));

it.each([3_600_000_000, -3_600_000_000])(
  'a role whose clock is off by %i us is no witness of a wire before it is cut, and is one after',
  (offUs) =>
    withPlane(async ({ world, supervisor, plane, lookup }) => {
      const { clock } = supervisor;
      supervisor.shiftClock('serving', offUs);
      const fromUs = clock.nowUs() + 100_000;
      const injured = plane.injure('onlineStore', { kind: 'outside', fromUs, slowUs: 50_000, role: 'serving' });
      await clock.sleep(1_000);
      world.setDown('onlineStore', true);
      expect(await lookup()).not.toBe('ok');
      world.setDown('onlineStore', false);
      await clock.sleepUntil(fromUs);
      expect(injured.firstStruck()).toBeNull();
      expect(await lookup()).toBe('ok');
      expect(injured.firstStruck()).toBeNull();
      world.setDown('onlineStore', true);
      expect(await lookup()).not.toBe('ok');
      expect(injured.firstStruck()?.atUs).toBeGreaterThanOrEqual(fromUs);
    }),
);

it('a role tells what its clock shows; one that is gone or stands still tells nothing', () =>
  withPlane(async ({ supervisor, plane }) => {
    expect(await plane.readClockOff('serving')).toBe(0);
    supervisor.shiftClock('serving', -12_345);
    expect(await plane.readClockOff('serving')).toBe(-12_345);
    expect(await plane.readClockOff('restless')).toBe(0);
    supervisor.pause('serving');
    expect(await plane.readClockOff('serving')).toBeNull();
    supervisor.resume('serving');
    expect(await plane.readClockOff('serving')).toBe(-12_345);
    const since = supervisor.eventCount();
    await supervisor.hold('serving');
    expect(await plane.readClockOff('serving')).toBeNull();
    await supervisor.release('serving');
    expect(supervisor.hasExited('serving', since)).toBe(true);
    expect(await plane.readClockOff('serving')).toBe(-12_345);
  }));

it('a role that stands still does not even begin with a call, and one that waits for it gives up in time', () =>
  withPlane(async ({ supervisor, lookup }) => {
    const before = begun.lookups;
    supervisor.pause('serving');
    expect(await lookup()).toMatch(/^indeterminate: lookup: no answer within 2 s/);
    expect(begun.lookups).toBe(before);
    supervisor.resume('serving');
    expect(await lookup()).toBe('ok');
    // What was asked of it while it stood still it answered later, and nobody heard it.
    expect(begun.lookups).toBe(before + 2);
  }));

it('a server that is down leaves calls in flight in doubt, refuses later ones, and has kept what it held', () =>
  withPlane(async ({ world, supervisor }) => {
    const ports = world.openPorts(supervisor.clock);
    const outcome = (call: Promise<unknown>) =>
      call.then(
        () => 'ok',
        (error: unknown) => (error instanceof CallError ? error.outcome : String(error)),
      );
    const row = (seq: number) => ({ keys: ['k'], seqs: [seq], asOfUs: [0], values: [Uint8Array.of(seq)] });
    await ports.onlineStore.put('t', row(1));
    await ports.changeLog.createTopic('t', 1);
    await ports.changeLog.append('t', 0, [Uint8Array.of(7)]);
    const inFlight = [
      ports.onlineStore.put('t', row(2)),
      ports.onlineStore.get('t', ['k']),
      ports.changeLog.read('t', 0, 1, { maxBytes: 1, maxWaitUs: 3_600_000_000 }),
    ].map(outcome);
    world.setDown('onlineStore', true);
    world.setDown('onlineStore', true);
    world.setDown('changeLog', true);
    expect(await Promise.all(inFlight)).toEqual(['indeterminate', 'indeterminate', 'indeterminate']);
    expect(supervisor.clock.nowUs()).toBeLessThan(3_600_000_000);
    expect(await outcome(ports.onlineStore.get('t', ['k']))).toBe('failed');
    expect(await outcome(ports.onlineStore.put('t', row(3)))).toBe('failed');
    expect(await outcome(ports.changeLog.endOffsets('t'))).toBe('failed');
    expect(await outcome(ports.warehouse.inventory()), 'another server is as ever').toBe('ok');
    world.setDown('onlineStore', false);
    world.setDown('onlineStore', false);
    world.setDown('changeLog', false);
    const [held] = await ports.onlineStore.get('t', ['k']);
    // The one in doubt may be there; the one that was refused is not.
    expect([1, 2]).toContain(held?.seq);
    expect(await ports.changeLog.endOffsets('t')).toEqual([1]);
    expect((await ports.changeLog.read('t', 0, 0, { maxBytes: 9, maxWaitUs: 0 })).entries).toEqual([Uint8Array.of(7)]);
  }));
