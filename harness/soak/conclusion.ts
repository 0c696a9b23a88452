/** What a soak comes to: counts over its lines, of which none has to be kept. */
import { harmless } from '../../reports/lines.js';
import { proportionInterval } from '../statistics/binomial.js';
import { counted, digits, listed } from '../summary/wording.js';
import type { SoakLine } from './record.js';
import type { SoakOutcome } from './verdict.js';

export interface SoakConclusion {
  readonly schema: 'planebench.soak/1';
  readonly outcome: 'pass' | 'fail' | 'inconclusive';
  readonly interrupted: boolean;
  readonly runs: Readonly<Record<SoakOutcome, number>>;
  /** Of the runs that were judged; null where none was. */
  readonly failureShare: {
    readonly confidenceLevel: number;
    readonly lowerBound: number;
    readonly upperBound: number;
  } | null;
  /** Injections that were seen to bite, by fault. */
  readonly witnessed: Readonly<Record<string, number>>;
  readonly architectures: readonly string[];
  readonly stacks: readonly string[];
  /** The first runs that were not sound, with the command that does each again. */
  readonly examples: readonly Pick<SoakLine, 'run' | 'outcome' | 'findings' | 'command'>[];
}

export interface Tally {
  add(line: SoakLine): void;
  conclude(interrupted: boolean): SoakConclusion;
}

const confidenceLevel = 0.95;
const mostExamples = 20;
/** Of one run on the screen. */
const mostFindings = 4;

export function beginTally(): Tally {
  const runs: Record<SoakOutcome, number> = { sound: 0, unsound: 0, 'not judged': 0 };
  const witnessed = new Map<string, number>();
  const [architectures, stacks] = [new Set<string>(), new Set<string>()];
  const examples: SoakConclusion['examples'][number][] = [];
  return {
    add({ run, outcome, findings, command, witnessed: kinds, architecture, stack }) {
      runs[outcome]++;
      for (const kind of kinds) witnessed.set(kind, (witnessed.get(kind) ?? 0) + 1);
      architectures.add(architecture);
      stacks.add(stack);
      if (outcome !== 'sound' && examples.length < mostExamples) examples.push({ run, outcome, findings, command });
    },
    conclude(interrupted) {
      const judged = runs.sound + runs.unsound;
      // What could not be judged, or was not done, is no pass.
      const incomplete = judged === 0 || runs['not judged'] > 0 || interrupted;
      return {
        schema: 'planebench.soak/1',
        outcome: runs.unsound > 0 ? 'fail' : incomplete ? 'inconclusive' : 'pass',
        interrupted,
        runs: { ...runs },
        failureShare:
          judged === 0 ? null : { confidenceLevel, ...proportionInterval(runs.unsound, judged, confidenceLevel) },
        witnessed: Object.fromEntries([...witnessed].sort(([a], [b]) => (a < b ? -1 : 1))),
        architectures: [...architectures],
        stacks: [...stacks],
        examples,
      };
    },
  };
}

export function renderSoak({
  outcome,
  interrupted,
  runs,
  failureShare,
  witnessed,
  architectures,
  stacks,
  examples,
}: SoakConclusion): string {
  const all = runs.sound + runs.unsound + runs['not judged'];
  const percent = (share: number) => `${digits(100 * share)} %`;
  const where = all === 0 ? '' : ` of ${listed(architectures)} on ${listed(stacks)}`;
  const kinds = Object.entries(witnessed).map(([kind, count]) => `${kind} ${count}`);
  return [
    ...examples.flatMap(renderFailure),
    ...(examples.length === 0 ? [] : ['']),
    `${counted(all, 'run')}${where}: ${digits(runs.sound)} sound, ${digits(runs.unsound)} unsound, ${digits(runs['not judged'])} not judged${interrupted ? '; interrupted' : ''}`,
    ...(kinds.length === 0 ? [] : [`Faults seen to bite: ${kinds.join(', ')}`]),
    ...(failureShare === null
      ? []
      : [
          `Of such runs ${percent(failureShare.lowerBound)} to ${percent(failureShare.upperBound)} are unsound (${percent(confidenceLevel)}, Clopper-Pearson)`,
        ]),
    outcome.toUpperCase(),
  ].join('\n');
}

export function renderFailure({ run, outcome, findings, command }: SoakConclusion['examples'][number]): string[] {
  const [first = '', ...others] = findings
    .slice(0, mostFindings)
    .map((finding) => harmless(finding).split('\n').join('\n    '));
  const more = findings.length - mostFindings;
  return [
    `${outcome.toUpperCase()} ${run}: ${first}`,
    ...others.map((other) => `    ${other}`),
    ...(more > 0 ? [`    and ${more} more in soak.jsonl`] : []),
    `    again: ${command}`,
  ];
}
