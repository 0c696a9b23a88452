/** A suite as a typed value: which scenarios, which planes, how often. */

import { UsageError } from './errors.js';
import type { Threshold } from './gate/thresholds.js';
import { nearest } from './nearest.js';
import { isPath, isUrl } from './processes/load-architecture.js';
import { seededRandom, shuffled } from './random.js';
import type { Arm, RunPlan, Scenario } from './scenario.js';
import { batch } from './suites/batch.js';
import { batchLarge } from './suites/batch-large.js';
import { chaos } from './suites/chaos.js';
import { chaosShort } from './suites/chaos-short.js';
import { chaosWire } from './suites/chaos-wire.js';
import { floor } from './suites/floor.js';
import { headline } from './suites/headline.js';
import { ingest } from './suites/ingest.js';
import { simulated } from './suites/simulated.js';
import { smoke } from './suites/smoke.js';
import { soakSuite } from './suites/soak.js';

export interface Suite {
  readonly name: string;
  /** One line for the help text. */
  readonly about: string;
  readonly scenarios: readonly Scenario[];
  readonly arms: readonly Arm[];
  readonly repetitions: number;
  /** False: without the harness's own floor, where no figure is read. */
  readonly floor?: false;
  /** What faults do: a run that none of them strikes is left out. Absent: figures, which such a run has too. */
  readonly asks?: 'recovery';
  /** What `gate` demands of a run. */
  readonly thresholds: readonly Threshold[];
}

export const suites: readonly Suite[] = [
  headline,
  smoke,
  ingest,
  batch,
  batchLarge,
  simulated,
  chaos,
  chaosShort,
  chaosWire,
];

/** The soak has no scenarios until a seed has drawn them. */
export const suiteNames: readonly string[] = [...suites.map(({ name }) => name), soakSuite.name];

export function findSuite(name: string): Suite {
  const suite = suites.find((candidate) => candidate.name === name);
  if (suite) return suite;
  throw new UsageError(
    `there is no suite "${name}"; did you mean "${nearest(name, suiteNames)}"? Suites: ${suiteNames.join(', ')}`,
  );
}

export function armOf(specifier: string, params: Arm['params'] = null): Arm {
  return { architecture: nameOf(specifier), specifier, params };
}

/** A name for reports, folders and `--param`: of a module its file's, of a system its address without what none of these take. */
function nameOf(specifier: string): string {
  if (isUrl(specifier))
    return specifier
      .replace(/^[^/]+\/\//, '')
      .replace(/[^a-z0-9]+/gi, '-')
      .replace(/^-|-$/g, '');
  if (!isPath(specifier)) return specifier;
  return (specifier.split(/[/\\]/).pop() ?? specifier).replace(/\.[^.]+$/, '');
}

/**
 * Every run of a suite, in the order in which they are done: repetition by repetition, so that a drift of the machine
 * meets all arms, and within a repetition in seeded random order. The harness's own floor comes first, once. Runs of a
 * repetition share a seed, and those of a scenario a trace.
 */
export function planRuns({
  scenarios,
  arms,
  repetitions,
  seed,
  floor: hasFloor,
}: Suite & { readonly seed: number }): RunPlan[] {
  const order = seededRandom(seed, '/order');
  const seeds = seededRandom(seed, '/repetitions');
  const plans: RunPlan[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    const repetitionSeed = seeds.below(2 ** 31);
    const add = (scenario: Scenario, arm: Arm) =>
      plans.push({
        id: `${scenario.name}-${repetition}-${arm.architecture}`,
        scenario,
        arm,
        repetition,
        seed: repetitionSeed,
      });
    // Virtual time has no floor: nothing there takes longer than its cost says.
    const measured = scenarios.find(({ stack }) => stack !== 'simulated');
    if (repetition === 1 && hasFloor !== false && measured) add(floorOn(measured), nothing);
    for (const scenario of scenarios) for (const arm of shuffled(arms, order)) add(scenario, arm);
  }
  return plans;
}

const nothing = armOf('null');

/** On the servers of the others. */
function floorOn({ stack, servers, brokers }: Scenario): Scenario {
  return { ...floor, stack, ...(servers && { servers }), ...(brokers && { brokers }) };
}

/** Which of so many parts of a suite is run here. */
export interface Shard {
  /** From 1. */
  readonly part: number;
  readonly of: number;
}

/** Every `of`-th trace with all its runs, so that planes are compared within a shard, and shards make up the whole. */
export function takeShard<T>(traces: readonly T[], { part, of }: Shard): T[] {
  if (of > traces.length) {
    throw new UsageError(
      `--shard ${part}/${of}: the suite has ${traces.length} traces, and runs of one trace stay together; at most ${traces.length} shards`,
    );
  }
  return traces.filter((_, i) => i % of === part - 1);
}

/** The runs of each trace. */
export function groupByTrace(plans: readonly RunPlan[]): RunPlan[][] {
  const groups = new Map<string, RunPlan[]>();
  for (const plan of plans) {
    const key = `${plan.scenario.name} ${plan.seed}`;
    groups.set(key, [...(groups.get(key) ?? []), plan]);
  }
  return [...groups.values()];
}
