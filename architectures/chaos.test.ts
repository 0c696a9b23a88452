/**
 * Every fault against every plane, and against the lakehouse two at a time: what was acknowledged is there once, and what
 * is served is right. In virtual time, with the roles as they are. `PLANEBENCH_CHAOS_PAIRS=all` tries all pairs.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { PortName } from '../harness/ports/ports.js';
import { seededRandom } from '../harness/random.js';
import type { RunFacts } from '../harness/record/facts.js';
import type { FaultPlan, FaultSpec, Scenario } from '../harness/scenario.js';
import { secondUs } from '../workloads/durations.js';
import { openSimulations, type Simulations, smallScenario } from './fixture-simulation.js';

interface Plane {
  readonly plane: string;
  readonly roles: readonly string[];
  /** Those that it uses while there is load. */
  readonly ports: readonly PortName[];
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

const hourUs = 3600 * secondUs;
/** Longer than every time-out. */
const longPauseUs = 15 * secondUs;

function injuriesOf({ plane, roles, ports }: Plane): FaultSpec[] {
  return [
    ...roles.flatMap((role): FaultSpec[] => [
      { kind: 'role-crash', role },
      { kind: 'crash-loop', role, lastsUs: 3 * secondUs },
      { kind: 'role-pause', role, lastsUs: 0.3 * secondUs },
      { kind: 'role-pause', role, lastsUs: longPauseUs },
      ...[hourUs, -hourUs, 10 * secondUs, -10 * secondUs].map(
        (byUs): FaultSpec => ({ kind: 'clock-jump', role, byUs, lastsUs: 2 * secondUs }),
      ),
    ]),
    ...[secondUs, 5 * secondUs].flatMap((lastsUs): FaultSpec[] => [
      { kind: 'change-log-outage', lastsUs },
      ...(plane === 'warehouse' ? [] : [{ kind: 'online-store-outage', lastsUs } as const]),
      { kind: 'table-store-outage', lastsUs },
    ]),
    { kind: 'full-disk', lastsUs: 2 * secondUs },
    ...ports.flatMap((port): FaultSpec[] => [
      { kind: 'slow-port', port, latencyUs: 50_000, jitterUs: 150_000, lastsUs: 2 * secondUs },
      { kind: 'failing-port', port, errorPpm: 300_000, lastsUs: 5 * secondUs },
    ]),
  ];
}

function nameOf(spec: FaultSpec): string {
  const { kind, ...how } = spec;
  return [kind, ...Object.values(how).map((value) => (typeof value === 'number' ? value / secondUs : value))].join(' ');
}

/** Two that are told apart: of one role, nobody is killed while the other fault has killed it already. */
function pairsOf(specs: readonly FaultSpec[]): [FaultSpec, FaultSpec][] {
  const kills = ({ kind }: FaultSpec) => kind === 'role-crash' || kind === 'crash-loop';
  const roleOf = (spec: FaultSpec) => ('role' in spec ? spec.role : undefined);
  return specs.flatMap((one, i) =>
    specs
      .slice(i + 1)
      .filter((other) => !(kills(one) && kills(other) && roleOf(one) === roleOf(other)))
      .map((other): [FaultSpec, FaultSpec] => [one, other]),
  );
}

/** Of a loop beside an outage only the first kill may be seen: the role is not ready again before the outage has ended. */
const mayGoUnseen =
  (specs: readonly FaultSpec[]) =>
  ({ kind }: RunFacts['faults'][number]) =>
    kind === 'crash-loop' && specs.length > 1;

const scenarioFor = (lastsUs: number): Scenario => ({
  ...smallScenario,
  phases: { ...smallScenario.phases, faultUs: lastsUs + 2.5 * secondUs, drainUs: 20 * secondUs },
});
const scenarios = { short: scenarioFor(5 * secondUs), long: scenarioFor(longPauseUs) };

const opened = new Map<string, Promise<Simulations>>();
afterAll(async () => {
  for (const simulations of opened.values()) await (await simulations).close();
});

async function suffer(plane: string, specs: readonly FaultSpec[], seed: number): Promise<RunFacts> {
  const isLong = specs.some((spec) => 'lastsUs' in spec && spec.lastsUs === longPauseUs);
  const length = isLong ? 'long' : 'short';
  const key = `${plane} ${length}`;
  const simulations = opened.get(key) ?? openSimulations(plane, '', scenarios[length]);
  opened.set(key, simulations);
  const schedule = { kind: 'once', afterUs: secondUs / 2, jitterUs: secondUs / 4 } as const;
  const faults = specs.map((spec): FaultPlan => ({ ...spec, schedule }));
  return (await (await simulations).run(seed, null, { faults })).facts;
}

function expectSound(plane: string, specs: readonly FaultSpec[], { invalid, faults, ledger }: RunFacts): void {
  expect(invalid).toEqual([]);
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
  expect(live?.right, told).toBe(live?.checked);
  if (plane === 'warehouse' || specs.length === 1) expect(monotonicViolations, told).toBe(0);
}

describe.each(planes)('$plane', (plane) => {
  it.each(injuriesOf(plane).map((spec) => ({ name: nameOf(spec), spec })))(
    'loses nothing by $name',
    { timeout: 60_000 },
    async ({ spec }) => {
      expectSound(plane.plane, [spec], await suffer(plane.plane, [spec], 1));
    },
  );
});

describe('lakehouse, two at a time', () => {
  const all = pairsOf(injuriesOf(lakehouse));
  const random = seededRandom(4, '/pairs');
  const sampled = process.env.PLANEBENCH_CHAOS_PAIRS === 'all' ? all : draw(all, 25);

  function draw<T>(from: readonly T[], count: number): T[] {
    const left = [...from];
    return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0] as T);
  }

  it.each(sampled.map((specs) => ({ name: specs.map(nameOf).join(' and '), specs })))(
    'loses nothing by $name',
    { timeout: 60_000 },
    async ({ specs }) => {
      expectSound('lakehouse', specs, await suffer('lakehouse', specs, 1));
    },
  );
});
