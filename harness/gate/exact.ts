/**
 * Runs in virtual time, figure by figure and seed by seed: chance plays no part in them, so whatever is not the baseline's
 * digit for digit was changed.
 */
import type { Baseline, PlaneValues, RunValue } from '../../reports/baseline.js';
import { counted, digits, listed } from '../summary/wording.js';
import { planeOf, sideOf } from './decision.js';

export interface Changed {
  /** Figures that were compared: of the planes and the seeds that both sides have. */
  readonly compared: number;
  /** Of those that differ in a run. */
  readonly names: readonly string[];
}

/** Null: nothing was simulated with the same seeds on both sides. */
export function changedFigures(candidate: Baseline, baseline: Baseline): Changed | null {
  const simulated = candidate.scenarios.filter(({ badge }) => badge === 'simulated').map(({ name }) => name);
  const names: string[] = [];
  let compared = 0;
  for (const plane of candidate.planes) {
    const other = planeOf(baseline, plane.scenario, plane.architecture);
    if (other === undefined || !simulated.includes(plane.scenario)) continue;
    const figures = new Map(
      [...other.figures, ...plane.figures].map((figure) => [`${figure.metric}.${figure.statistic}`, figure]),
    );
    for (const [name, { metric, statistic }] of figures) {
      const pairs = pairsOf(plane, other, metric, statistic);
      if (pairs.length > 0) compared++;
      // A value may be an object: a bound.
      const differs = pairs.some(([ours, theirs]) => JSON.stringify(ours) !== JSON.stringify(theirs));
      if (differs) names.push(`${plane.scenario} ${plane.architecture} ${name}`);
    }
  }
  return compared === 0 ? null : { compared, names };
}

function pairsOf(plane: PlaneValues, other: PlaneValues, metric: string, statistic: string): [RunValue, RunValue][] {
  const [ours, theirs] = [sideOf(plane, metric, statistic), sideOf(other, metric, statistic)];
  return ours.runs.flatMap((run, i): [RunValue, RunValue][] => {
    const partner = theirs.runs.findIndex((one) => one.seed === run.seed && one.repetition === run.repetition);
    return partner < 0 ? [] : [[ours.values[i] ?? null, theirs.values[partner] ?? null]];
  });
}

/** So many are named. */
const mostNames = 5;

export function describeChanged(changed: Changed | null, exact: boolean): string[] {
  if (changed === null) {
    return exact ? ['No run was simulated with the seed of one of the baseline: nothing can be exactly the same.'] : [];
  }
  const { compared, names } = changed;
  if (names.length === 0) return [`All ${counted(compared, 'figure')} are the baseline's, digit for digit.`];
  const more = names.length - mostNames;
  const some = listed([...names.slice(0, mostNames), ...(more > 0 ? [`${digits(more)} more`] : [])]);
  return [
    `${digits(names.length)} of ${counted(compared, 'figure')} ${names.length === 1 ? 'is' : 'are'} not the baseline's digit for digit (${some}).${exact ? ' If that was meant, make the baseline anew with --write-baseline FILE --overwrite.' : ''}`,
  ];
}
