/** A suite as a typed value: which scenarios, which planes, how often. */

import { UsageError } from './errors.js';
import { nearest } from './nearest.js';
import { isPath } from './processes/load-architecture.js';
import { seededRandom } from './random.js';
import type { Arm, RunPlan, Scenario } from './scenario.js';
import { headline } from './suites/headline.js';
import { smoke } from './suites/smoke.js';

export interface Suite {
  readonly name: string;
  /** One line for the help text. */
  readonly about: string;
  readonly scenarios: readonly Scenario[];
  readonly arms: readonly Arm[];
  readonly repetitions: number;
}

export const suites: readonly Suite[] = [headline, smoke];

export function findSuite(name: string): Suite {
  const suite = suites.find((candidate) => candidate.name === name);
  if (suite) return suite;
  const names = suites.map((candidate) => candidate.name);
  throw new UsageError(
    `there is no suite "${name}"; did you mean "${nearest(name, names)}"? Suites: ${names.join(', ')}`,
  );
}

export function armOf(specifier: string, params: Arm['params'] = null): Arm {
  const name = isPath(specifier) ? (specifier.split(/[/\\]/).pop() ?? specifier).replace(/\.[^.]+$/, '') : specifier;
  return { architecture: name, specifier, params };
}

/**
 * Every run of a suite, in the order in which they are done: repetition by repetition, so that a drift of the machine
 * meets all arms, and within a repetition in seeded random order. Runs of a repetition share a seed and so a trace.
 */
export function planRuns(options: {
  readonly scenarios: readonly Scenario[];
  readonly arms: readonly Arm[];
  readonly repetitions: number;
  readonly seed: number;
}): RunPlan[] {
  const order = seededRandom(options.seed, '/order');
  const seeds = seededRandom(options.seed, '/repetitions');
  const plans: RunPlan[] = [];
  for (let repetition = 1; repetition <= options.repetitions; repetition++) {
    const seed = seeds.below(2 ** 31);
    for (const scenario of options.scenarios) {
      for (const arm of shuffle(options.arms, order.below)) {
        plans.push({ id: `${scenario.name}-${repetition}-${arm.architecture}`, scenario, arm, repetition, seed });
      }
    }
  }
  return plans;
}

/** Fisher and Yates. */
function shuffle<T>(items: readonly T[], below: (bound: number) => number): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled;
}
