/** What the cost of each plane consists of, and how far it moves with the prices. */
import type { CostPart, PlaneCost } from '../../reports/summary.js';
import type { RunCost } from '../measures/cost.js';
import type { MetricName } from '../measures/metrics.js';
import { type PlannedRun, rounded } from './estimates.js';

const figures = [
  'cost.per_1k_predictions',
  'cost.per_million_changes',
  'cost.per_slo_point',
] as const satisfies MetricName[];

/** Of the runs of a plane under one scenario; nothing where no valid run could be priced. */
export function describeCost(runs: readonly PlannedRun[]): PlaneCost[] {
  const priced = runs.flatMap((run) =>
    run.invalid.length > 0 || 'kind' in run.cost ? [] : [{ measures: run.measures, cost: run.cost }],
  );
  const [first] = runs;
  if (first === undefined || priced.length === 0) return [];
  return [
    {
      scenario: first.plan.scenario.name,
      architecture: first.plan.arm.architecture,
      runs: priced.length,
      parts: meanParts(priced.map(({ cost }) => cost)),
      bands: figures.flatMap((metric) => {
        const units = priced.map(({ measures }) => {
          const measure = measures[metric];
          return measure.kind === 'absent' ? null : measure.denominator;
        });
        const all = units.reduce<number>((sum, unit) => sum + (unit ?? 0), 0);
        if (all === 0) return [];
        const at = (usdOf: (cost: RunCost) => number) =>
          rounded(priced.reduce((sum, { cost }, k) => sum + (units[k] === null ? 0 : usdOf(cost)), 0) / all);
        return [{ metric, lowUsd: at((cost) => cost.lowUsd), highUsd: at((cost) => cost.highUsd) }];
      }),
    },
  ];
}

/** A part that a run lacks cost nothing there. */
function meanParts(costs: readonly RunCost[]): CostPart[] {
  const sums = new Map<string, CostPart>();
  for (const part of costs.flatMap(({ parts }) => parts)) {
    const key = JSON.stringify([part.role, part.port]);
    const sum = sums.get(key);
    sums.set(key, sum === undefined ? part : addParts(sum, part));
  }
  return [...sums.values()].map((part) => ({
    role: part.role,
    port: part.port,
    cpuUsd: rounded(part.cpuUsd / costs.length),
    memoryUsd: rounded(part.memoryUsd / costs.length),
    storageUsd: rounded(part.storageUsd / costs.length),
    requestsUsd: rounded(part.requestsUsd / costs.length),
  }));
}

function addParts(a: CostPart, b: CostPart): CostPart {
  return {
    role: a.role,
    port: a.port,
    cpuUsd: a.cpuUsd + b.cpuUsd,
    memoryUsd: a.memoryUsd + b.memoryUsd,
    storageUsd: a.storageUsd + b.storageUsd,
    requestsUsd: a.requestsUsd + b.requestsUsd,
  };
}
