/**
 * The band in which a plane moved before it was hurt, and when it was back in it. A band is what 95 % of the probes from
 * the start of the measured window to the first injury lay within, and one probe period more: a plane that works in
 * cycles is seen at the same few points of its cycle, and after a restart at others, up to one period away, though
 * nothing is worse. Without that a plane that knows no noise could never be back.
 *
 * A plane is back at the first probe inside from which on 90 % of the hold time's probes are inside, since 5 % were
 * outside when nothing was wrong.
 */
import type { RunFacts } from '../record/facts.js';
import { quantileOf, sortSamples } from '../statistics/samples.js';
import { foldBacklog } from './backlog.js';
import type { Elapsed } from './elapsed.js';
import { firstHidden, type Panel } from './panel.js';

/** What each probe found, or would have, in the order of time; Infinity where it was not answered. */
export interface ProbeSeries {
  readonly doneUs: Float64Array;
  readonly values: Float64Array;
  /** By how much a value may differ for no other reason than when it was looked at. */
  readonly resolution: number;
}

const bandQuantile = 0.95;
const backQuantile = 0.9;

/** 95th percentile over the panel's members of the age of the first change not shown. */
export function stalenessSeries({ plan }: RunFacts, { probes, awaited }: Panel): ProbeSeries {
  const values = new Float64Array(probes.probes).fill(Number.POSITIVE_INFINITY);
  const ages = new Float64Array(probes.members);
  for (let probe = 0; probe < probes.probes; probe++) {
    if (probes.answered[probe] === 0) continue;
    for (let member = 0; member < probes.members; member++) {
      const hidden = firstHidden(awaited, member, probes.lastSeq[probe * probes.members + member] as number);
      const earliestUs =
        hidden < (awaited.firstOf[member + 1] as number)
          ? (awaited.earliestFromUs[hidden] as number)
          : Number.POSITIVE_INFINITY;
      ages[member] = Math.max(0, (probes.sentUs[probe] as number) - earliestUs);
    }
    values[probe] = quantileOf(sortSamples(ages), bandQuantile);
  }
  const { everyUs } = plan.scenario.workload.panel;
  return withUnsent({ doneUs: probes.doneUs, values, resolution: everyUs }, everyUs);
}

/** Its resolution is what is offered in a probe period, and at least one change of the panel. */
export function backlogSeries(run: RunFacts, seen: Panel): ProbeSeries {
  const { probes } = seen;
  const { changes, panel } = run.plan.scenario.workload;
  const backlogAt = new Map<number, number>();
  const series = foldBacklog(run, seen);
  series.atUs.forEach((atUs, row) => {
    backlogAt.set(atUs, series.changes[row] as number);
  });
  const values = probes.sentUs.map((sentUs, probe) =>
    probes.answered[probe] === 0 ? Number.POSITIVE_INFINITY : (backlogAt.get(sentUs) as number),
  );
  const resolution = Math.max(1 / run.panel.share, (changes.perSecond * panel.everyUs) / 1e6);
  return withUnsent({ doneUs: probes.doneUs, values, resolution }, panel.everyUs);
}

/**
 * While a probe is under way no other is sent: one that nobody answered stands for all that would have been sent meanwhile. As
 * a single one an outage of seconds would weigh no more than the moment after it (coordinated omission).
 */
function withUnsent({ doneUs, values, resolution }: ProbeSeries, everyUs: number): ProbeSeries {
  const times: number[] = [];
  const found: number[] = [];
  for (let probe = 0; probe < values.length; probe++) {
    const atUs = doneUs[probe] as number;
    if (values[probe] === Number.POSITIVE_INFINITY && probe > 0)
      for (let dueUs = (doneUs[probe - 1] as number) + everyUs; dueUs < atUs - everyUs / 2; dueUs += everyUs) {
        times.push(dueUs);
        found.push(Number.POSITIVE_INFINITY);
      }
    times.push(atUs);
    found.push(values[probe] as number);
  }
  return { doneUs: Float64Array.from(times), values: Float64Array.from(found), resolution };
}

export interface BandSpan {
  /** The measured window, as far as nothing had been injected. */
  readonly beforeUs: readonly [fromUs: number, untilUs: number];
  readonly injectedUs: number;
  readonly untilUs: number;
  /** When what was struck was in service again; a plane that is seen for the hold time after it, and never left, is back. */
  readonly readyUs: number;
  /** A plane that leaves its band later has other reasons. */
  readonly blamedUntilUs: number;
  readonly holdUs: number;
}

/** Zero for a plane that the fault never pushed out of its band; null where there is no band. */
export function returnToBand({ doneUs, values, resolution }: ProbeSeries, span: BandSpan): Elapsed | null {
  const { injectedUs, untilUs, holdUs } = span;
  const before = probesWithin(doneUs, ...span.beforeUs);
  const after = probesWithin(doneUs, injectedUs, untilUs);
  if (before.length === 0 || after.length === 0) return null;
  const edge = quantileOf(sortSamples(before.map((probe) => values[probe] as number)), bandQuantile) + resolution;
  // Too few probes were answered to know how it was before: nothing would be outside such a band.
  if (edge === Number.POSITIVE_INFINITY) return null;
  const at = (i: number) => doneUs[after[i] as number] as number;
  const isInside = (i: number) => (values[after[i] as number] as number) <= edge;
  /** Probes in a hold time, when nothing held them up. */
  const probesInHold = 1 + (before.length * holdUs) / (span.beforeUs[1] - span.beforeUs[0]);
  /** From this probe on, inside for 90 % of the hold time; null: not watched for so long, and it could yet be. */
  const holds = (from: number): boolean | null => {
    let inside = 0;
    let all = 0;
    for (let i = from; i < after.length; i++) {
      all++;
      if (isInside(i)) inside++;
      if (at(i) >= at(from) + holdUs) return inside >= backQuantile * all;
    }
    const unseen = Math.max(0, probesInHold - all);
    return inside + unseen >= backQuantile * (all + unseen) ? null : false;
  };

  let left = 0;
  while (left < after.length && (isInside(left) || holds(left) !== false)) left++;
  if (left === after.length || at(left) > span.blamedUntilUs) {
    return { kind: untilUs >= span.readyUs + holdUs ? 'after' : 'not within', us: 0 };
  }
  for (let i = left + 1; i < after.length; i++) {
    if (!isInside(i)) continue;
    const back = holds(i);
    if (back === true) return { kind: 'after', us: at(i) - injectedUs };
    if (back === null) return { kind: 'not within', us: at(i) - injectedUs };
  }
  return { kind: 'not within', us: untilUs - injectedUs };
}

function probesWithin(doneUs: Float64Array, fromUs: number, untilUs: number): number[] {
  return [...doneUs.keys()].filter(
    (probe) => (doneUs[probe] as number) > fromUs && (doneUs[probe] as number) <= untilUs,
  );
}
