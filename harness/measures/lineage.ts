/** What of the stored tables is accounted for by the plane's own events. */
import type { RunFacts } from '../record/facts.js';
import { type MeasureOf, notMeasured, notOffered } from './measured.js';

export function measureLineage({ lineage }: RunFacts): { readonly 'lineage.coverage': MeasureOf<'ratio'> } {
  return { 'lineage.coverage': coverageOf(lineage) };
}

function coverageOf(lineage: RunFacts['lineage']): MeasureOf<'ratio'> {
  if (lineage === null) return notOffered('the plane tells no lineage');
  const { assets, covered, gaps } = lineage;
  if (assets === 0) return notMeasured('no table is stored');
  return {
    kind: 'ratio',
    numerator: covered,
    denominator: assets,
    samples: assets,
    note:
      gaps.length === 0
        ? 'stored tables whose every writing run resolves to inputs, code, environment and configuration'
        : `not accounted for: ${gaps.join('; ')}`,
  };
}
