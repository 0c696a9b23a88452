/** The life of faults, driven in virtual time over the supervisor of simulations: what is told when a life goes wrong. */
import { expect, it } from 'vitest';
import type { AcknowledgedChanges, SourceRecord } from './fault.js';
import { beginInjections, type Injections, scheduleFaults } from './injection.js';
import { type ObedientInit, obey } from './processes/fixture-obedient.js';
import type { Supervisor } from './processes/supervisor.js';
import type { FaultPlan, Scenario } from './scenario.js';
import { defaultCosts } from './simulation/costs.js';
import { createEventClock, type SimulatedSupervisor, superviseSimulated } from './simulation/supervisor.js';
import { createVirtualTime } from './simulation/virtual-time.js';
import { createWorld } from './simulation/world.js';
import type { StackServer } from './stacks/stack.js';
import { faultOf } from './suites/fault-defaults.js';

const secondUs = 1_000_000;
const hourUs = 3600 * secondUs;
const scenarioOf = (faults: readonly FaultPlan[]) =>
  ({
    stack: 'simulated',
    epochUs: 0,
    phases: { warmUpUs: 0, measureUs: 0, faultUs: 60 * secondUs },
    faults,
  }) as Scenario;
const once = (atUs: number) => ({ kind: 'once', afterUs: atUs, jitterUs: 0 }) as const;
const nothing: SourceRecord = {
  usual: { atUs: 0, untilUs: 1 },
  acknowledged: () => Promise.reject(new Error('no fault of a role asks the source')),
};

interface Struck {
  readonly supervisor: SimulatedSupervisor;
  begin(faults: readonly FaultPlan[]): Injections;
  /** Of the start of the role with this number, from 1 on; it obeys if nothing is said. */
  starts: Map<number, Partial<ObedientInit>>;
  started(): number;
}

const restartDelayUs = secondUs / 2;

/** One role, `all`, which takes changes in, and one server. */
async function inVirtualTime(test: (struck: Struck) => Promise<void>, server?: StackServer): Promise<void> {
  const time = createVirtualTime();
  const eventClock = createEventClock(time, 0);
  const world = createWorld({ time, nowUs: eventClock.nowUs, costs: defaultCosts, parquet: () => [] });
  const supervisor = superviseSimulated({ world, eventClock, restartDelayUs, sampleEveryUs: hourUs });
  const starts: Struck['starts'] = new Map();
  let started = 0;
  const offs = new Map<string, (nowUs: number) => void>();
  await time.run(async () => {
    await supervisor.start({
      name: 'all',
      kind: 'role',
      module: new URL('./processes/fixture-obedient-process.js', import.meta.url),
      main: obey,
      restart: true,
      init: (): ObedientInit => ({ does: 'obey', loadsForUs: 0, ...starts.get(++started) }),
      onReport: (kind, body) => {
        if (kind === 'time') offs.get('all')?.((body as number) - supervisor.clock.nowUs());
      },
    });
    const begin = (faults: readonly FaultPlan[]) =>
      beginInjections(scenarioOf(faults), 1, {
        supervisor,
        architecture: {
          name: 'obedient',
          params: null,
          uses: ['onlineStore'],
          roles: [{ name: 'all', ingests: true, priority: 'normal' }],
          settlesWithinUs: null,
          outside: false,
        },
        servers: server ? { onlineStore: server } : {},
        topic: 'changes',
        brokers: () => {
          throw new Error('no fault of this test hurts a broker');
        },
        wires: () => {
          throw new Error('no fault of this test hurts a wire');
        },
        plane: {
          injure: () => {
            throw new Error('no fault of this test hurts a port');
          },
          readClockOff: (role) => readOff(role, supervisor),
        },
      });
    await test({ supervisor, begin, starts, started: () => started });
  });

  async function readOff(role: string, { clock, send }: Supervisor): Promise<number | null> {
    const read = new Promise<number>((resolve) => offs.set(role, resolve));
    send(role, 'time', null);
    return Promise.race([read, clock.sleep(secondUs).then(() => null)]);
  }
}

it('tells the life of a crash in the order in which it happened, and its proof once it is asked for', async () => {
  await inVirtualTime(async ({ begin, supervisor }) => {
    const injections = begin([{ kind: 'role-crash', schedule: once(2 * secondUs) }]);
    expect(injections.facts()).toMatchObject([
      { kind: 'role-crash', target: 'all', scheduledUs: 2 * secondUs, armedUs: 0, injectedUs: null, healedUs: null },
    ]);
    await supervisor.clock.sleep(2.2 * secondUs);
    expect(injections.facts()).toMatchObject([{ injectedUs: 2 * secondUs, readyUs: null, witnessedUs: null }]);
    await injections.healed;
    expect(injections.facts()).toMatchObject([{ witnessedUs: null, readyUs: 2 * secondUs + restartDelayUs }]);
    await injections.witness(nothing);
    expect(injections.facts()).toMatchObject([{ witnessedUs: 2 * secondUs, saw: 'all was gone, by SIGKILL' }]);
  });
});

it('a role that is already gone is struck when it is there again: both faults are witnessed', async () => {
  await inVirtualTime(async ({ begin, started }) => {
    const injections = begin([
      { kind: 'role-crash', schedule: once(secondUs) },
      { kind: 'role-crash', schedule: once(1.2 * secondUs) },
      { kind: 'role-pause', lastsUs: secondUs, schedule: once(1.7 * secondUs) },
      { kind: 'clock-jump', byUs: -hourUs, lastsUs: 3 * secondUs, schedule: once(1.6 * secondUs) },
    ]);
    await injections.healed;
    await injections.witness(nothing);
    expect(injections.facts().map(({ saw }) => saw)).toEqual([
      'all was gone, by SIGKILL',
      'all was gone, by SIGKILL',
      'all stood still',
      'the clock of all was off by -3600.0 s',
    ]);
    expect(injections.facts().every(({ readyUs }) => readyUs !== null)).toBe(true);
    expect(started()).toBe(3);
  });
});

it('a role that dies while it is paused is started again and runs; what was seen was seen', async () => {
  await inVirtualTime(async ({ begin, supervisor }) => {
    const injections = begin([
      { kind: 'role-pause', lastsUs: 5 * secondUs, schedule: once(secondUs) },
      { kind: 'role-crash', schedule: once(2 * secondUs) },
    ]);
    await supervisor.clock.sleep(3 * secondUs);
    expect(await supervisor.isPaused('all')).toBe(false);
    expect(supervisor.lastEvent('all')).toMatchObject({ kind: 'ready', atUs: 2 * secondUs + restartDelayUs });
    await injections.healed;
    await injections.witness(nothing);
    expect(injections.facts()).toMatchObject([
      { saw: 'all stood still', healedUs: 6 * secondUs, readyUs: 2 * secondUs + restartDelayUs },
      { saw: 'all was gone, by SIGKILL' },
    ]);
  });
});

it('a crash loop kills whatever comes up until it ends, and its last successor stays', async () => {
  await inVirtualTime(async ({ begin, supervisor, started }) => {
    const injections = begin([{ kind: 'crash-loop', lastsUs: 2.2 * secondUs, schedule: once(secondUs) }]);
    await injections.healed;
    await injections.witness(nothing);
    expect(injections.facts()).toMatchObject([
      {
        saw: 'all was gone 5 times, by SIGKILL',
        witnessedUs: secondUs,
        healedUs: 3.2 * secondUs,
        readyUs: 3.5 * secondUs,
      },
    ]);
    await supervisor.clock.sleep(10 * secondUs);
    expect(started()).toBe(6);
  });
});

it('a crash loop of a role that does not come up again was no loop: it has no witness, and is no longer waited for', async () => {
  await inVirtualTime(async ({ begin, starts, supervisor }) => {
    starts.set(2, { does: 'never-ready' });
    const injections = begin([{ kind: 'crash-loop', lastsUs: 2 * secondUs, schedule: once(secondUs) }]);
    await injections.healed;
    await injections.witness(nothing);
    expect(injections.facts()).toMatchObject([
      { injectedUs: secondUs, witnessedUs: null, saw: null, healedUs: 3 * secondUs },
    ]);
    expect(supervisor.clock.nowUs()).toBeLessThan(hourUs);
  });
});

it('a role that never comes back has no moment at which it was in service', async () => {
  await inVirtualTime(async ({ begin, starts }) => {
    starts.set(2, { loadsForUs: hourUs });
    starts.set(3, { loadsForUs: hourUs });
    const injections = begin([{ kind: 'role-crash', schedule: once(secondUs) }]);
    await injections.healed;
    await injections.witness(nothing);
    expect(injections.facts()).toMatchObject([{ witnessedUs: secondUs, healedUs: secondUs, readyUs: null }]);
  });
});

it('what fails to heal is tried again, and said if it never does', async () => {
  let failures = 0;
  let attempts = 0;
  const server: StackServer = {
    takeDown: async () => ({ atUs: 0, saw: 'it was gone' }),
    async bringUp() {
      if (attempts++ < failures) throw new Error('it does not start');
    },
  };
  const outage: FaultPlan = { kind: 'online-store-outage', lastsUs: secondUs, schedule: once(secondUs) };
  failures = 3;
  await inVirtualTime(async ({ begin }) => {
    const injections = begin([outage]);
    await injections.healed;
    expect(attempts).toBe(4);
    expect(injections.facts()).toMatchObject([{ healedUs: 3.5 * secondUs }]);
  }, server);
  failures = Number.POSITIVE_INFINITY;
  await inVirtualTime(async ({ begin }) => {
    const injections = begin([outage]);
    await expect(injections.healed).rejects.toThrow(
      'online-store-outage of onlineStore could not be healed, though it was tried 10 times: it does not start',
    );
    expect(injections.facts()).toMatchObject([{ injectedUs: secondUs, healedUs: null, readyUs: null }]);
  }, server);
});

it('what was seen before the harm was done proves nothing', async () => {
  let seenUs = 0;
  const server: StackServer = { takeDown: async () => ({ atUs: seenUs, saw: 'it was gone' }), bringUp: async () => {} };
  const outage: FaultPlan = { kind: 'online-store-outage', lastsUs: secondUs, schedule: once(secondUs) };
  for (const [atUs, witnessedUs, saw] of [
    [secondUs - 1, null, null],
    [secondUs, secondUs, 'it was gone'],
  ]) {
    seenUs = atUs as number;
    await inVirtualTime(async ({ begin }) => {
      const injections = begin([outage]);
      await injections.healed;
      await injections.witness(nothing);
      expect(injections.facts()).toMatchObject([{ injectedUs: secondUs, witnessedUs, saw }]);
    }, server);
  }
});

it('but of a disturbance the first change may be committed a little before', async () => {
  await inVirtualTime(async ({ begin }) => {
    const injections = begin([{ kind: 'load-burst', times: 2, lastsUs: secondUs, schedule: once(secondUs) }]);
    await injections.healed;
    const usual = { atUs: 0, untilUs: secondUs };
    const acknowledged = async ({ atUs }: { readonly atUs: number }) => ({
      changes: atUs === usual.atUs ? 10 : 20,
      firstUs: atUs - 1,
      byDirt: {} as AcknowledgedChanges['byDirt'],
    });
    await injections.witness({ usual, acknowledged });
    expect(injections.facts()).toMatchObject([{ injectedUs: secondUs, witnessedUs: secondUs - 1 }]);
  });
});

it('a run that broke off half way has what was known then, and no fault strikes or throws after it', async () => {
  await inVirtualTime(async ({ begin, supervisor, started }) => {
    const injections = begin([
      { kind: 'role-crash', schedule: once(secondUs) },
      { kind: 'role-pause', lastsUs: hourUs, schedule: once(3 * secondUs) },
      { kind: 'crash-loop', lastsUs: hourUs, schedule: once(5 * secondUs) },
      { kind: 'role-crash', schedule: once(10 * secondUs) },
      { kind: 'role-crash', role: 'nobody', schedule: once(secondUs) },
    ]);
    await supervisor.clock.sleep(5.1 * secondUs);
    injections.end();
    await supervisor.stopAll();
    await expect(injections.healed).rejects.toThrow('the run is over: no fault strikes any more');
    const facts = injections.facts();
    expect(facts.map(({ injectedUs, healedUs }) => [injectedUs, healedUs])).toEqual([
      [secondUs, secondUs],
      [3 * secondUs, null],
      [5 * secondUs, null],
      [null, null],
      [null, null],
    ]);
    expect(facts[4]?.notApplicable).toBe('the plane has no role nobody');
    const before = started();
    await supervisor.clock.sleep(2 * hourUs);
    expect(injections.facts()).toEqual(facts);
    expect(started()).toBe(before);
  });
});

it('strikes whichever port a plane reads from at the same moments, and what is another fault at its own', () => {
  const schedule = { kind: 'once', afterUs: 10 * secondUs, jitterUs: 10 * secondUs } as const;
  const slow = (port: 'onlineStore' | 'warehouse') => ({ ...faultOf('slow-port', { port }), schedule });
  const windows = scheduleFaults(
    scenarioOf([slow('onlineStore'), slow('warehouse'), { ...faultOf('role-crash'), schedule }]),
    1,
  );
  const [store, warehouse, crash] = windows.map(({ window }) => window.atUs);
  expect(warehouse).toBe(store);
  expect(crash).not.toBe(store);
});
