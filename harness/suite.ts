/** A suite as a typed value: which scenarios, which planes, how often. */

import { UsageError } from './errors.js';
import type { Threshold } from './gate/thresholds.js';
import { nearest } from './nearest.js';
import { isPath, isUrl } from './processes/load-architecture.js';
import { seededRandom } from './random.js';
import type { Arm, RunPlan, Scenario } from './scenario.js';
import { floor } from './suites/floor.js';
import { headline } from './suites/headline.js';
import { ingest } from './suites/ingest.js';
import { simulated } from './suites/simulated.js';
import { smoke } from './suites/smoke.js';

export interface Suite {
  readonly name: string;
  /** One line for the help text. */
  readonly about: string;
  readonly scenarios: readonly Scenario[];
  readonly arms: readonly Arm[];
  readonly repetitions: number;
  /** False: without the harness's own floor, where no figure is read. */
  readonly floor?: false;
  /** What `gate` demands of a run. */
  readonly thresholds: readonly Threshold[];
}

export const suites: readonly Suite[] = [headline, smoke, ingest, simulated];

export function findSuite(name: string): Suite {
  const suite = suites.find((candidate) => candidate.name === name);
  if (suite) return suite;
  const names = suites.map((candidate) => candidate.name);
  throw new UsageError(
    `there is no suite "${name}"; did you mean "${nearest(name, names)}"? Suites: ${names.join(', ')}`,
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
    if (repetition === 1 && hasFloor !== false && scenarios.some(({ stack }) => stack !== 'simulated'))
      add(floor, nothing);
    for (const scenario of scenarios) for (const arm of shuffle(arms, order.below)) add(scenario, arm);
  }
  return plans;
}

const nothing = armOf('null');

/** Fisher and Yates. */
function shuffle<T>(items: readonly T[], below: (bound: number) => number): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled;
}
