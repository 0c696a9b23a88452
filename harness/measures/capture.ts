/** How long a change that a database committed takes into the change log: the connector's part, which no plane can help. */
import { appendOutcomes, type RunFacts } from '../record/facts.js';
import { sortSamples } from '../statistics/samples.js';
import { type MeasureOf, notMeasured } from './measured.js';

/**
 * Per entry that was due in the measured window, which is what one transaction changed in one partition: from the moment at
 * which its COMMIT was sent until the change log acknowledged it. What was never acknowledged is right-censored at its last
 * attempt, or, where there was none, at the end of the load.
 */
export function measureCapture({ appends, commits, timeline }: RunFacts): {
  readonly 'source.capture_lag': MeasureOf<'samples'>;
} {
  if (commits.rows === 0)
    return { 'source.capture_lag': notMeasured('the source is no database: changes come from the trace itself') };
  const acknowledged = appendOutcomes.indexOf('acknowledged');
  const askedUs = new Map<number, number>();
  for (let row = 0; row < commits.rows; row++)
    askedUs.set(commits.slotUs[row] as number, commits.askedUs[row] as number);
  const entries = new Map<string, { slotUs: number; doneUs: number; arrived: boolean }>();
  const attempted = new Set<number>();
  for (let row = 0; row < appends.rows; row++) {
    const slotUs = appends.slotUs[row] as number;
    const name = `${slotUs} ${appends.partition[row]}`;
    const entry = entries.get(name) ?? { slotUs, doneUs: 0, arrived: false };
    entry.doneUs = Math.max(entry.doneUs, appends.doneUs[row] as number);
    entry.arrived ||= appends.outcome[row] === acknowledged;
    entries.set(name, entry);
    attempted.add(slotUs);
  }
  const isMeasured = (slotUs: number) => slotUs >= timeline.measureStartUs && slotUs < timeline.measureEndUs;
  const observed: number[] = [];
  const censored: number[] = [];
  for (const { slotUs, doneUs, arrived } of entries.values()) {
    const committedUs = askedUs.get(slotUs);
    if (committedUs !== undefined && isMeasured(slotUs)) (arrived ? observed : censored).push(doneUs - committedUs);
  }
  for (const [slotUs, committedUs] of askedUs)
    if (isMeasured(slotUs) && !attempted.has(slotUs)) censored.push(Math.max(0, timeline.loadEndUs - committedUs));
  if (observed.length + censored.length === 0)
    return { 'source.capture_lag': notMeasured('nothing was committed in the measured window') };
  return { 'source.capture_lag': { kind: 'samples', samples: sortSamples(observed, censored) } };
}
