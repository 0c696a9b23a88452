/** Values of runs made by hand, for tests: one scenario, as many planes and figures as are asked for. */
import type { Baseline, RunValue } from '../../reports/baseline.js';
import { scenario } from '../measures/planted-run.js';
import type { Random } from '../random.js';
import type { Scenario } from '../scenario.js';
import { identityOf } from './run-values.js';

/** Under the names of the planted run's scenario. */
export function plantValues(
  planes: Readonly<Record<string, Readonly<Record<string, readonly RunValue[]>>>>,
  more: Partial<Baseline> & { readonly seeds?: readonly number[]; readonly repetitions?: number } = {},
): Baseline {
  const { seeds, ...rest } = more;
  const longest = Math.max(
    ...Object.values(planes).flatMap((figures) => Object.values(figures).map(({ length }) => length)),
  );
  return {
    schema: 'planebench.baseline/1',
    suite: 'planted',
    seed: 1,
    repetitions: longest,
    finished: true,
    from: { id: 'planted-1', startedAt: '2026-01-01T00:00:00.000Z', commit: null, machine: 'a machine, 2 cores' },
    scenarios: [identityOf(scenario, undefined)],
    planes: Object.entries(planes).map(([architecture, figures]) => ({
      scenario: scenario.name,
      architecture,
      runs: Object.values(figures)[0]?.map((_, k) => ({ repetition: k + 1, seed: seeds?.[k] ?? 1000 + k })) ?? [],
      figures: Object.entries(figures).map(([name, values]) => {
        const [, metric = '', statistic = ''] = /^(.*)\.([^.]+)$/.exec(name) ?? [];
        return { metric, statistic, unit: 'us', values };
      }),
    })),
    ...rest,
  };
}

export const simulated = [{ ...identityOf(scenario, undefined), badge: 'simulated' as const, stack: 'simulated' }];

export const plantedScenarios: readonly Scenario[] = [scenario];

/** Standard normal (Box and Muller 1958). */
export function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());
}
