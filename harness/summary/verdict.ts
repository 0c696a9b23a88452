/**
 * The report's first sentences, most important first: whether the runs can be trusted, what each plane lost or got wrong,
 * which plane wins where (a baseline as loudly as the proposal), what is left open, what became of the paper's claims.
 */
import { correctsItself, defectsAmong } from '../../reports/defects.js';
import type { Claim, Comparison, RunFinding, Verdict } from '../../reports/summary.js';
import { type MetricName, metricNames, metricOf } from '../measures/metrics.js';
import { describe } from './claims.js';
import { fewestPairs } from './comparisons.js';
import type { BoundedEstimate, PlannedRun } from './estimates.js';
import { counted, digits, inWords, joinedOnce, listed } from './wording.js';

export function reachVerdict(input: {
  readonly finished: boolean;
  readonly runs: readonly PlannedRun[];
  readonly findings: readonly RunFinding[];
  readonly estimates: readonly BoundedEstimate[];
  readonly comparisons: readonly Comparison[];
  readonly claims: readonly Claim[];
}): Verdict {
  const { finished, runs, estimates, comparisons, claims } = input;
  const invalid = runs.filter((run) => run.invalid.length > 0).length;
  const missing = runs.filter((run) => run.invalid.length === 0 && run.missing.length > 0).length;
  const defects = describeDefects(estimates);
  const sentences = [
    ...(runs.length === 0 ? ['No run was finished: there is nothing to report.'] : []),
    ...(finished ? [] : ['The suite was interrupted, or runs of it were removed: what is missing is in no figure.']),
    ...describeTrust(runs.length, invalid, missing),
    ...describeOrigin(runs),
    ...defects,
    ...describeCorrectness(estimates, defects.length, runs),
    ...describeWins(comparisons),
    ...describeFigures(estimates),
    ...describeOpen(comparisons),
    ...describeClaims(claims),
  ];
  const incomplete = !finished || runs.length === 0 || invalid > 0 || missing > 0;
  return { outcome: defects.length > 0 ? 'fail' : incomplete ? 'inconclusive' : 'pass', sentences };
}

function describeTrust(runs: number, invalid: number, missing: number): string[] {
  const sentences: string[] = [];
  if (invalid > 0) {
    sentences.push(
      `${digits(invalid)} of ${counted(runs, 'run')} ${invalid === 1 ? 'is' : 'are'} invalid and left out of every figure.`,
    );
  }
  if (missing > 0) {
    sentences.push(`${digits(missing)} of ${counted(runs, 'run')} did not observe everything that was asked for.`);
  }
  return sentences;
}

function describeOrigin(runs: readonly PlannedRun[]): string[] {
  const simulated = runs.filter(({ plan }) => plan.scenario.stack === 'simulated').length;
  if (simulated === 0) return [];
  const which = simulated === runs.length ? 'Everything here' : `What ${counted(simulated, 'run')} of it found`;
  return [`${which} was simulated: the planes are real, the time and the speed of their servers are assumed.`];
}

/** Of every plane under every scenario, what it did that no plane may do. */
function describeDefects(estimates: readonly BoundedEstimate[]): string[] {
  return byPlane(estimates).flatMap((figures) =>
    defectsAmong(figures).map(
      ({ architecture, scenario, words, value, unit, runs }) =>
        `${architecture} ${words}: ${unit === 'share' ? inWords(value as number, unit) : digits(value as number)} in ${counted(runs, 'run')} (${scenario}).`,
    ),
  );
}

type Figure = BoundedEstimate & { readonly value: number | null };

function byPlane(estimates: readonly BoundedEstimate[]): Figure[][] {
  const planes = new Map<string, Figure[]>();
  for (const estimate of estimates) {
    const key = JSON.stringify([estimate.scenario, estimate.architecture]);
    planes.set(key, [...(planes.get(key) ?? []), { ...estimate, value: estimate.pointEstimate }]);
  }
  return [...planes.values()];
}

/** What was wrong for a while, as a plane that corrects itself declares, and what never was. */
function describeCorrectness(
  estimates: readonly BoundedEstimate[],
  defects: number,
  runs: readonly PlannedRun[],
): string[] {
  const planes = byPlane(estimates);
  const passing = planes.filter(correctsItself).flatMap((figures) =>
    figures.flatMap(({ metric, architecture, scenario, value }) => {
      if (value === null || value === 0) return [];
      if (metric === 'ledger.live_wrong') {
        return [
          `${inWords(value, 'share')} of the sampled live reads of ${architecture} differ from the oracle (${scenario}).`,
        ];
      }
      return metric === 'ledger.wrong_rows'
        ? [
            `${architecture} serves wrong rows until it corrects itself: ${inWords(value, 'rows')} after draining (${scenario}).`,
          ]
        : [];
    }),
  );
  if (defects > 0) return passing;
  const named = (isTrue: (figures: readonly Figure[]) => boolean) => {
    const names = [...new Set(planes.flatMap((figures) => figures.slice(0, 1).map((figure) => figure.architecture)))];
    return names.filter((name) => planes.filter((figures) => figures[0]?.architecture === name).every(isTrue));
  };
  const has = (figures: readonly Figure[], metric: MetricName) =>
    figures.some((figure) => figure.metric === metric && figure.value === 0);
  const served = (figures: readonly Figure[]) => has(figures, 'ledger.wrong_rows');
  const kept = named((figures) => served(figures) && has(figures, 'ledger.lost'));
  // Without its tables nobody knows what a plane has kept beside the rows that it serves.
  const onlyServed = named(served).filter((name) => !kept.includes(name));
  /** Of some runs nothing is known. */
  const label = (name: string) => {
    const all = runs.filter(({ plan }) => plan.arm.architecture === name).length;
    const checked = planes
      .flat()
      .filter(({ architecture, metric }) => architecture === name && metric === 'ledger.wrong_rows');
    const known = checked.reduce((sum, figure) => sum + figure.runs, 0);
    return known < all ? `${name} (in ${digits(known)} of ${counted(all, 'run')})` : name;
  };
  return [
    ...(kept.length === 0
      ? []
      : [`${listed(kept.map(label))} kept every acknowledged change and served what the oracle expects in the end.`]),
    ...(onlyServed.length === 0
      ? []
      : [
          `${listed(onlyServed.map(label))} served what the oracle expects in the end; what ${onlyServed.length === 1 ? 'its' : 'their'} tables hold was not offered.`,
        ]),
    ...passing,
  ];
}

const isPrimary = (metric: MetricName, statistic: string) => metricOf(metric).primary === statistic;

function describeWins(comparisons: readonly Comparison[]): string[] {
  return comparisons
    .filter(
      ({ metric, statistic, outcome }) => outcome !== 'inconclusive' && isPrimary(metric as MetricName, statistic),
    )
    .map((comparison) => {
      const { candidate, reference, outcome, scenario } = comparison;
      const figure = `${comparison.metric}.${comparison.statistic}`;
      const ratio = comparison.ratio === null ? '' : `, ratio ${digits(comparison.ratio)}`;
      const where = `(${scenario}, ${comparison.pairs} pairs${ratio})`;
      if (outcome === 'equivalent')
        return `${figure}: ${candidate} and ${reference} do not differ in practice ${where}.`;
      const [winner, loser] = outcome === 'better' ? [candidate, reference] : [reference, candidate];
      return `${figure}: ${winner} beats ${loser} ${where}.`;
    });
}

/** Of more than these the tables tell it better: a suite of faults is read for what each fault did. */
const mostScenariosInWords = 3;

function describeFigures(estimates: readonly BoundedEstimate[]): string[] {
  const scenarios = [...new Set(estimates.map(({ scenario }) => scenario))];
  if (scenarios.length > mostScenariosInWords) return [];
  return scenarios.flatMap((scenario) =>
    metricNames.flatMap((metric) => {
      const { primary, better } = metricOf(metric);
      if (primary === undefined) return [];
      const figures = estimates
        .filter((estimate) => estimate.scenario === scenario && estimate.metric === metric)
        .filter((estimate) => estimate.statistic === primary)
        .filter(({ pointEstimate, atLeast }) => pointEstimate !== null || atLeast !== null)
        .sort((a, b) => (better === 'lower' ? worth(a) - worth(b) : worth(b) - worth(a)));
      if (figures.length === 0) return [];
      const planes = figures.map((estimate) => `${estimate.architecture} ${describe(estimate)}`);
      // What a figure means may depend on what happened: without this, times to different ends read as one ranking.
      const notes = figures.flatMap((estimate) =>
        estimate.pointEstimate === null || estimate.note === undefined ? [] : [estimate.note],
      );
      const note = notes.length === 0 ? '' : ` (${joinedOnce(notes)})`;
      const what = primaryInWords[metric] ?? `${metric}.${primary}`;
      const direction = better === 'lower' ? 'Lower' : 'Higher';
      return [`${what} (${scenario}): ${planes.join('; ')}${note}. ${direction} is better.`];
    }),
  );
}

/** What a report says first, for a reader who does not know the names of the metrics. */
const primaryInWords: Readonly<Partial<Record<MetricName, string>>> = {
  'freshness.visibility': '95 % of changes visible within',
  'freshness.slo_met': 'Seconds in which the freshness SLO was met',
  inference: '99 % of predictions answered within',
  'faults.mttr': 'Mean time to recovery',
  'backfill.time_per_tb': 'Loading a TB of history, at the rate of this one',
};

/** Of one of which only a bound is known nobody knows how far beyond it is: beyond all others. */
const worth = ({ pointEstimate }: BoundedEstimate) => pointEstimate ?? Number.MAX_VALUE;

function describeOpen(comparisons: readonly Comparison[]): string[] {
  const primaries = comparisons.filter(({ metric, statistic }) => isPrimary(metric as MetricName, statistic));
  const open = primaries.filter(({ outcome }) => outcome === 'inconclusive');
  if (open.length === 0) return [];
  const most = Math.max(...primaries.map(({ pairs }) => pairs));
  return [
    most < fewestPairs
      ? `No difference between planes is decided: that takes at least ${counted(fewestPairs, 'pair')} of valid runs, and there ${most === 1 ? 'is' : 'are at most'} ${digits(most)}.`
      : `${digits(open.length)} of ${counted(primaries.length, 'main comparison')} between planes ${open.length === 1 ? 'is' : 'are'} inconclusive.`,
  ];
}

function describeClaims(claims: readonly Claim[]): string[] {
  if (claims.length === 0) return [];
  const count = (outcome: Claim['outcome']) => claims.filter((claim) => claim.outcome === outcome).length;
  const refuted = claims.filter(({ outcome }) => outcome === 'refuted').map(({ text }) => text);
  return [
    `Of ${counted(claims.length, 'claim')} of the paper ${digits(count('confirmed'))} confirmed, ${digits(count('refuted'))} refuted, ` +
      `${digits(count('inconclusive'))} inconclusive, ${digits(count('not measured'))} not measured.`,
    ...refuted.map((text) => `Refuted here: ${text}.`),
  ];
}
