/** `check SPECIFIER`: the plane contract on every stack, as a table of what passes and what fails. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestCase, type TestSuite, testSuites } from '../reports/junit.js';
import { harmless } from '../reports/lines.js';
import type { Operation } from './architecture.js';
import { bench, describeArm } from './bench.js';
import { type Inspected, judgeFacts, operations, type RuleVerdict } from './plane-contract.js';
import { standardPrices } from './prices/prices.js';
import { openScratch, type Scratch } from './processes/scratch.js';
import type { Progress } from './progress.js';
import { loadFacts } from './record/saved-facts.js';
import type { Arm } from './scenario.js';
import { defaultCosts } from './simulation/costs.js';
import type { ExternalServers } from './stacks/external-settings.js';
import type { StackName } from './stacks/stack.js';
import { checkSuite } from './suites/check.js';

export interface Checked {
  readonly stack: StackName;
  readonly offered: readonly Operation[];
  readonly verdicts: readonly RuleVerdict[];
}

export interface CheckOptions {
  readonly arm: Arm;
  readonly stacks: readonly StackName[];
  /** Of the stack external. */
  readonly servers?: ExternalServers | undefined;
  readonly seed: number;
  readonly progress: () => Progress;
  readonly signal: AbortSignal;
}

/** One after the other; Ctrl-C leaves out what follows. */
export async function checkPlane(options: CheckOptions): Promise<Checked[]> {
  const scratch = await openScratch();
  try {
    const checked: Checked[] = [];
    for (const stack of options.stacks) {
      if (options.signal.aborted) break;
      checked.push(await checkOn(stack, options, scratch));
    }
    return checked;
  } finally {
    await scratch.close();
  }
}

async function checkOn(stack: StackName, options: CheckOptions, scratch: Scratch): Promise<Checked> {
  const { arm, servers, seed, signal } = options;
  const described = await describeArm(arm, scratch);
  if ('code' in described)
    return { stack, offered: [], verdicts: [failure('module', 'says what it is', described.message)] };
  const roles = described.roles.map(({ name }) => name);
  const suite = checkSuite(stack, arm, roles);
  let inspected: Inspected = { offered: [], verdicts: [] };
  const { results } = await bench({
    suite: {
      ...suite,
      scenarios: suite.scenarios.map((scenario) => ({ ...scenario, ...(servers && { servers }) })),
    },
    seed,
    // Nobody reads its figures: what the check found is on the screen.
    out: join(scratch.directory, 'results', stack),
    command: `npm run planebench -- check ${arm.specifier} --stack ${stack} --seed ${seed}`,
    progress: options.progress(),
    signal,
    prices: standardPrices,
    costs: defaultCosts,
    onInspected: (found) => {
      inspected = found;
    },
  });
  const ran = await readdir(join(results.directory, 'runs'));
  const found = ran[0] === undefined ? [stopped] : judgeFacts(await loadFacts(join(results.directory, 'runs', ran[0])));
  return { stack, offered: inspected.offered, verdicts: [...inspected.verdicts, ...found] };
}

const failure = (subject: string, rule: string, example: string): RuleVerdict => ({
  subject,
  rule,
  outcome: 'fails',
  example,
});

const stopped: RuleVerdict = { ...failure('run', 'comes to its end', 'it was stopped'), outcome: 'not judged' };

/**
 * `fail` outweighs `inconclusive`: what was seen to fail has failed, whatever else could not be seen. A rule that can never
 * be judged of the plane is said to be none of those that pass, as an operation that it does not offer is.
 */
export function outcomeOf(checked: readonly Checked[], stacks: number): 'pass' | 'fail' | 'inconclusive' {
  const outcomes = checked.flatMap(({ verdicts }) => verdicts.map(({ outcome }) => outcome));
  if (outcomes.includes('fails')) return 'fail';
  return checked.length < stacks || outcomes.includes('not judged') || outcomes.length === 0 ? 'inconclusive' : 'pass';
}

export function printChecked(name: string, { stack, offered, verdicts }: Checked): string {
  const absent = operations.filter((operation) => !offered.includes(operation));
  const lines = verdicts.map(({ subject, rule, outcome, example }) => {
    const said = outcome === 'passes' ? outcome : outcome.toUpperCase();
    const why = example === '' ? '' : `\n      ${harmless(example).split('\n').join('\n      ')}`;
    return `  ${subject.padEnd(widthOf(verdicts, 'subject'))}  ${rule.padEnd(widthOf(verdicts, 'rule'))}  ${said}${why}`;
  });
  const count = (outcome: RuleVerdict['outcome']) => verdicts.filter((verdict) => verdict.outcome === outcome).length;
  const end = [
    `${count('passes')} of ${verdicts.length} rules pass`,
    ...(count('fails') > 0 ? [`${count('fails')} fail`] : []),
    ...(count('not judged') > 0 ? [`${count('not judged')} could not be judged`] : []),
    ...(count('not offered') > 0 ? [`${count('not offered')} cannot be judged of this plane`] : []),
  ].join(', ');
  return [
    `${name} on ${stack}`,
    `  offers ${offered.join(', ') || 'nothing'}${absent.length === 0 ? '' : `; not ${absent.join(', ')}`}`,
    ...lines,
    `  ${end}`,
  ].join('\n');
}

const widthOf = (verdicts: readonly RuleVerdict[], column: 'subject' | 'rule') =>
  Math.max(...verdicts.map((verdict) => verdict[column].length));

const asJunit = {
  fails: { kind: 'failure', type: 'contract' },
  'not judged': { kind: 'error', type: 'not judged' },
  'not offered': { kind: 'skipped', type: 'not offered' },
} as const;

/** A suite a stack, a case a rule. A check that was stopped has an error in it. */
export function renderCheckJunit(
  name: string,
  { checked, stacks, startedAt }: { checked: readonly Checked[]; stacks: readonly StackName[]; startedAt: string },
): string {
  const suites = stacks.map((stack): TestSuite => {
    const verdicts = checked.find((one) => one.stack === stack)?.verdicts ?? [stopped];
    const cases = verdicts.map(
      ({ subject, rule, outcome, example }): TestCase => ({
        className: `${name}.${stack}.${subject}`,
        name: rule,
        outcome:
          outcome === 'passes'
            ? { kind: 'passed', output: example }
            : { ...asJunit[outcome], message: example === '' ? outcome : example },
      }),
    );
    return [`${name} on ${stack}`, cases];
  });
  return testSuites(`check ${name}`, suites, startedAt);
}
