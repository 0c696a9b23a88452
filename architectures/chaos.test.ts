/**
 * Every fault against every plane, and against the lakehouse two at a time: what was acknowledged is there once, and what
 * is served is right. In virtual time, with the roles as they are. harness/soak/pair-trials.ts tries all pairs.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../harness/random.js';
import type { RunFacts } from '../harness/record/facts.js';
import type { FaultPlan, FaultSpec, Scenario } from '../harness/scenario.js';
import { type Injurable, injuriesOf, kills, longPauseUs, nameOf, pairsOf } from '../harness/soak/fault-pairs.js';
import { secondUs } from '../workloads/durations.js';
import type { Workload } from '../workloads/workload.js';
import { openSimulations, type Simulations, smallScenario } from './fixture-simulation.js';

interface Plane extends Injurable {
  readonly plane: string;
}
const lakehouse: Plane = {
  plane: 'lakehouse',
  roles: ['stream', 'compactor', 'serving'],
  ports: ['changeLog', 'onlineStore', 'tables'],
};
const planes: readonly Plane[] = [
  lakehouse,
  { plane: 'warehouse', roles: ['loader', 'serving'], ports: ['changeLog', 'warehouse'] },
  { plane: 'lambda', roles: ['batch', 'speed', 'serving'], ports: ['changeLog', 'onlineStore', 'tables'] },
];

/** Of a loop beside an outage only the first kill may be seen: the role is not ready again before the outage has ended. */
const mayGoUnseen =
  (specs: readonly FaultSpec[]) =>
  ({ kind }: RunFacts['faults'][number]) =>
    kind === 'crash-loop' && specs.length > 1;

const scenarioFor = (lastsUs: number): Scenario => ({
  ...smallScenario,
  phases: { ...smallScenario.phases, faultUs: lastsUs + 2.5 * secondUs, drainUs: 20 * secondUs },
});
/** Of all changes that the source offers, in a million. */
const dirtPpm = 200_000;
const dirty = (kind: keyof Workload['changes']['dirt']): Scenario => {
  const { workload } = smallScenario;
  const { changes } = workload;
  return {
    ...smallScenario,
    workload: { ...workload, changes: { ...changes, dirt: { ...changes.dirt, [kind]: dirtPpm } } },
  };
};
const scenarios = {
  short: scenarioFor(5 * secondUs),
  long: scenarioFor(longPauseUs),
  duplicates: dirty('duplicatePpm'),
  disorder: dirty('outOfOrderPpm'),
  lateness: dirty('latePpm'),
  violations: dirty('violationPpm'),
};

const opened = new Map<string, Promise<Simulations>>();
afterAll(async () => {
  for (const simulations of opened.values()) await (await simulations).close();
});

async function suffer(plane: string, specs: readonly FaultSpec[], seed: number): Promise<RunFacts> {
  const isLong = specs.some((spec) => 'lastsUs' in spec && spec.lastsUs === longPauseUs);
  const simulations = await simulationsOf(plane, isLong ? 'long' : 'short');
  const schedule = { kind: 'once', afterUs: secondUs / 2, jitterUs: secondUs / 4 } as const;
  const faults = specs.map((spec): FaultPlan => ({ ...spec, schedule }));
  return (await simulations.run(seed, null, { faults })).facts;
}

/** Runs of one scenario share their trace. */
function simulationsOf(plane: string, scenario: keyof typeof scenarios): Promise<Simulations> {
  const key = `${plane} ${scenario}`;
  const simulations = opened.get(key) ?? openSimulations(plane, '', scenarios[scenario]);
  opened.set(key, simulations);
  return simulations;
}

function expectSound(plane: string, specs: readonly FaultSpec[], facts: RunFacts): void {
  const { invalid, faults, ledger, processes } = facts;
  expect(invalid).toEqual([]);
  // Trouble is waited out: a role dies of nothing but a kill.
  const died = processes.filter(({ kind, restarts }) => kind === 'role' && restarts > 0);
  expect(specs.some(kills) ? [] : died).toEqual([]);
  expect(faults.filter(({ saw }) => saw === null).filter((fault) => !mayGoUnseen(specs)(fault))).toEqual([]);
  const { tables, final, live, settled, behind, monotonicViolations, examples } = ledger ?? {};
  const told = examples?.join('; ');
  expect(tables, told).toMatchObject({
    lost: 0,
    duplicated: 0,
    unexpected: 0,
    quarantineMissing: 0,
    quarantineUnexpected: 0,
  });
  expect(behind, told).toBe(0);
  const last = settled ?? final;
  expect(last?.checked).toBeGreaterThan(0);
  expect(last?.right, told).toBe(last?.checked);
  // Lambda counts again what came since its last position, until its next batch: that is its bargain.
  if (plane === 'lambda') return;
  expect(live?.checked).toBeGreaterThan(0);
  expect(live?.right, told).toBe(live?.checked);
  if (plane === 'warehouse' || specs.length < 2) expect(monotonicViolations, told).toBe(0);
}

describe.each(planes)('$plane', (plane) => {
  it.each(injuriesOf(plane).map((spec) => [nameOf(spec), spec] as const))(
    'loses nothing by %s',
    { timeout: 60_000 },
    async (_, spec) => {
      expectSound(plane.plane, [spec], await suffer(plane.plane, [spec], 1));
    },
  );
});

describe.each(planes)('$plane', ({ plane }) => {
  it.each(['duplicates', 'disorder', 'lateness', 'violations'] as const)(
    'keeps its promises when a fifth of the changes are %s',
    { timeout: 60_000 },
    async (scenario) => {
      expectSound(plane, [], (await (await simulationsOf(plane, scenario)).run(1, null)).facts);
    },
  );
});

it('lambda shows what it counted twice after a crash, until its next batch', { timeout: 60_000 }, async () => {
  const { ledger } = await suffer('lambda', [{ kind: 'role-crash', role: 'speed' }], 1);
  expect(ledger?.live.mistakes.over).toBeGreaterThan(0);
  expect(ledger?.final.mistakes.over).toBeGreaterThan(0);
  expect(ledger?.settled?.right).toBe(ledger?.settled?.checked);
});

describe('lakehouse, two at a time', () => {
  const all = pairsOf(injuriesOf(lakehouse));
  const random = seededRandom(4, '/pairs');
  const left = [...all];
  const sampled = Array.from(
    { length: 15 },
    () => left.splice(random.below(left.length), 1)[0] as (typeof all)[number],
  );

  it.each(sampled.map((specs) => [specs.map(nameOf).join(' and '), specs] as const))(
    'loses nothing by %s',
    { timeout: 60_000 },
    async (_, specs) => {
      expectSound('lakehouse', specs, await suffer('lakehouse', specs, 1));
    },
  );
});
