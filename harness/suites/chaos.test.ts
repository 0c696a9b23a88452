/** What the suites of faults plan, before anything is run. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { DescribedArms } from '../arms.js';
import { refuseFaultPlans } from '../fault-plans.js';
import { scheduleFaults, supportOf } from '../injection.js';
import type { ArchitectureDescription } from '../processes/describe-architecture.js';
import { descriptionOf, loadArchitecture } from '../processes/load-architecture.js';
import type { Scenario } from '../scenario.js';
import { planSoak } from '../soak/soak.js';
import { groupByTrace, planRuns, type Suite, takeShard } from '../suite.js';
import { chaos } from './chaos.js';
import { chaosShort } from './chaos-short.js';
import { chaosWire } from './chaos-wire.js';
import { faultKinds, lastsUs } from './fault-defaults.js';
import { threePlanes } from './measured.js';
import { smoke } from './smoke.js';

const secondUs = 1_000_000;
let described: DescribedArms;
beforeAll(async () => {
  const one = async (arm: (typeof threePlanes)[number]) =>
    [arm, descriptionOf(await loadArchitecture(arm.specifier, undefined))] as const;
  described = new Map(await Promise.all(threePlanes.map(one)));
});

const loadUs = ({ phases: { warmUpUs, measureUs, faultUs } }: Scenario) => warmUpUs + measureUs + faultUs;

describe.each([chaos, chaosShort, chaosWire])('$name', (suite: Suite) => {
  it('has faults that can be injected as planned, whatever the seed', () => {
    for (let seed = 1; seed <= 20; seed++) refuseFaultPlans(planRuns({ ...suite, seed }), described);
  });

  it.each(suite.scenarios.map((scenario) => [scenario.name, scenario] as const))(
    '%s: the plane is seen for one SLO and the hold time after each injection',
    (_, scenario) => {
      const { slo, restartDelayUs, epochUs } = scenario;
      const windows = scheduleFaults(scenario, 1).filter(({ fault }) => fault === 0);
      expect(windows.length).toBeGreaterThan(0);
      windows.forEach(({ plan, window }, i) => {
        const next = windows[i + 1]?.window.atUs ?? epochUs + loadUs(scenario);
        expect(next - (window.atUs + lastsUs(plan))).toBeGreaterThanOrEqual(
          restartDelayUs + slo.freshnessUs + slo.holdUs - 2 * secondUs,
        );
      });
    },
  );

  it('strikes nobody before a probe can have told whether freshness stands', () => {
    for (const { scenario, seed } of planRuns({ ...suite, repetitions: 20, seed: 1 })) {
      const first = Math.min(...scheduleFaults(scenario, seed).map(({ window }) => window.atUs));
      expect(first - scenario.epochUs).toBeGreaterThan(scenario.slo.freshnessUs);
    }
  });

  it('leaves the load no more than the time that the suite is allowed', () => {
    const allowedMinutes = { chaos: 40, 'chaos-short': 6, 'chaos-wire': 20 }[suite.name] ?? 0;
    const all = suite.scenarios.reduce((sum, scenario) => sum + suite.arms.length * loadUs(scenario), 0);
    // The rest is for what starts, loads, drains and checks, about 7 s a run.
    expect(all + suite.scenarios.length * suite.arms.length * 7 * secondUs).toBeLessThan(
      allowedMinutes * 60 * secondUs,
    );
  });
});

/** Some stacks have no proxies in their links, no brokers, and no servers that are processes. */
const ofEveryStack = faultKinds
  .filter((kind) => kind !== 'partition' && kind !== 'leader-kill' && !/^(wire|server)-/.test(kind))
  .sort();

it('chaos has every fault, and a pause longer than any time-out', () => {
  const plans = chaos.scenarios.flatMap(({ faults }) => faults);
  expect([...new Set(plans.map(({ kind }) => kind))].sort()).toEqual(ofEveryStack);
  expect(plans.filter(({ kind }) => kind === 'role-pause').map(lastsUs)).toEqual([300_000, 12_000_000]);
  expect(plans.flatMap((plan) => (plan.kind === 'clock-jump' ? [Math.sign(plan.byUs)] : []))).toEqual([1, -1]);
});

it('the floor is measured on the servers of what is measured', () => {
  const [scenario] = smoke.scenarios as [Scenario];
  const servers = { directory: '/somewhere' } as unknown as NonNullable<Scenario['servers']>;
  const [floor] = planRuns({ ...smoke, scenarios: [{ ...scenario, stack: 'external', servers }], seed: 1 });
  expect(floor?.scenario).toMatchObject({ name: 'floor', stack: 'external', servers });
});

describe('shards', () => {
  const traces = groupByTrace(planRuns({ ...smoke, repetitions: 7, seed: 3 }));
  it.each([1, 2, 3, 8])('%i of them are the whole, each run once, all runs of a trace in one', (of) => {
    const shards = Array.from({ length: of }, (_, i) => takeShard(traces, { part: i + 1, of }));
    expect(shards.every((shard) => shard.length > 0)).toBe(true);
    const ids = (groups: typeof traces) => groups.flatMap((group) => group.map(({ id }) => id));
    expect(shards.flatMap(ids).sort()).toEqual(ids(traces).sort());
    for (const group of shards.flat()) expect(traces).toContain(group);
  });

  it('are no more than there are traces', () => {
    expect(() => takeShard(traces, { part: 9, of: 9 })).toThrow(/has 8 traces.*at most 8 shards/);
  });
});

describe('soak', () => {
  const seeds = Array.from({ length: 200 }, (_, i) => i + 1);
  const plan = (seed: number, arm: (typeof threePlanes)[number], stack: 'embedded' | 'simulated' = 'embedded') =>
    planSoak(seed, stack, arm, described.get(arm) as ArchitectureDescription);

  it.each(threePlanes)(
    '$architecture: one to three faults, each on a target of its own, that can be injected',
    (arm) => {
      for (const seed of seeds) {
        const { scenario } = plan(seed, arm);
        const architecture = described.get(arm) as ArchitectureDescription;
        const targets = scenario.faults.map((fault) => supportOf(fault, scenario, architecture));
        expect(targets.length).toBeGreaterThan(0);
        expect(targets.length).toBeLessThanOrEqual(3);
        expect(new Set(targets.map((support) => ('target' in support ? support.target : null))).size).toBe(
          targets.length,
        );
        expect(targets.every((support) => 'target' in support)).toBe(true);
        refuseFaultPlans([plan(seed, arm)], described);
      }
    },
  );

  it('meets every fault, and every role and port of the lakehouse', () => {
    const [lakehouse] = threePlanes as [(typeof threePlanes)[number]];
    const faults = seeds.flatMap((seed) => plan(seed, lakehouse).scenario.faults);
    expect([...new Set(faults.map(({ kind }) => kind))].sort()).toEqual(ofEveryStack);
    const aims = new Set(faults.flatMap((fault) => ('role' in fault ? fault.role : 'port' in fault ? fault.port : [])));
    expect([...aims].sort()).toEqual(['batch', 'changeLog', 'compactor', 'onlineStore', 'serving', 'stream', 'tables']);
  });

  it('disturbs so many changes that chance alone does not hide it, in virtual time too', () => {
    const [lakehouse] = threePlanes as [(typeof threePlanes)[number]];
    const asked = seeds.flatMap((seed) => {
      const { workload, faults } = plan(seed, lakehouse, 'simulated').scenario;
      const changesOf = (us: number) => (workload.changes.perSecond * us) / secondUs;
      return faults.flatMap((fault) => ('ppm' in fault ? (changesOf(fault.lastsUs) * fault.ppm) / 1_000_000 : []));
    });
    expect(asked.length).toBeGreaterThan(20);
    // A binomial count of 125 at 0.3 is below half of its mean once in 10,000 times.
    expect(Math.min(...asked)).toBeGreaterThanOrEqual(37.5);
  });

  it('has no two seeds alike, and a seed alike on both stacks', () => {
    const [lakehouse] = threePlanes as [(typeof threePlanes)[number]];
    const faults = seeds.map((seed) => JSON.stringify(scheduleFaults(plan(seed, lakehouse).scenario, seed)));
    expect(new Set(faults).size).toBe(seeds.length);
    expect(plan(7, lakehouse, 'simulated').scenario.faults).toEqual(plan(7, lakehouse).scenario.faults);
  });
});
