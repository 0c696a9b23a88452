/** What a soak shows, in words that all formats print. */
import { confidenceText } from './figures.js';
import type { SoakResource, SoakSummary } from './summary.js';
import { formatCount, formatNumber, formatValue, sharedScale, withSuffix } from './units.js';

export const resourceNames: Readonly<Record<SoakResource['resource'], string>> = {
  memory: 'Memory of the harness',
  descriptors: 'Open descriptors',
  processes: 'Child processes',
  disk: 'Scratch on disk',
};

/** "Memory of the harness: levels off; median 312 MB from run 61 on, ..." */
export function resourceSentence({ resource, unit, points, trend }: SoakResource): string {
  const name = resourceNames[resource];
  if (points.length === 0) return `${name}: not known, no run read it.`;
  if (trend === null)
    return `${name}: too short to tell whether it levels off. That takes ten runs in the second half of the soak.`;
  const { fromRun, level, growthPerRun, lowerBound, upperBound, confidenceLevel, outcome } = trend;
  const scaleOf = sharedScale([growthPerRun, lowerBound, upperBound], unit);
  const number = (value: number) => formatNumber(value, scaleOf(value));
  const upper = withSuffix(number(upperBound), scaleOf(upperBound));
  const words = outcome === 'undecided' ? 'may or may not level off' : outcome;
  return `${name}: ${words}; median ${formatValue(level, unit)} from run ${formatCount(fromRun)} on, growth of ${withSuffix(number(growthPerRun), scaleOf(growthPerRun))} a run, ${number(lowerBound)} to ${upper} (Theil-Sen, ${confidenceText(confidenceLevel)}).`;
}

/** "200 runs, 2 of them did not pass." */
export function soakCounts({ runs, failed }: SoakSummary): string {
  const bad = failed.length === 0 ? 'all passed' : `${formatCount(failed.length)} did not pass`;
  return `${formatCount(runs)} ${runs === 1 ? 'run' : 'runs'}, ${bad}.`;
}

export function failureText({ run, seed, faults, verdict }: SoakSummary['failed'][number]): string {
  return `${run}, seed ${seed}, under ${faults.length === 0 ? 'no fault' : faults.join(', ')}: ${verdict}`;
}
