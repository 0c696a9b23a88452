/**
 * For CI servers: a test case for each run's validity, for each figure of each plane, and for the verdict.
 *
 * A figure passes if there is one; a correctness figure also has to be zero. What is missing is `skipped` with its
 * reason, never passed. A run that cannot be judged and an inconclusive verdict are errors: neither pass nor fail.
 */
import { basisText, type Cell, type FigureRow, figureTables } from './figures.js';
import { findingMeaning, leftOut } from './findings.js';
import { escapeMarkup, printable } from './markup.js';
import type { Manifest, Summary } from './summary.js';

interface TestCase {
  readonly className: string;
  readonly name: string;
  readonly outcome:
    | { readonly kind: 'passed'; readonly output: string }
    | { readonly kind: 'failure' | 'error' | 'skipped'; readonly type: string; readonly message: string };
}

export function renderJunit(summary: Summary, manifest: Manifest): string {
  const suites: readonly (readonly [name: string, cases: readonly TestCase[]])[] = [
    ['validity', validityCases(summary, manifest)],
    ...figureTables(summary).map(
      ({ scenario, planes, groups }) =>
        [
          `figures of ${scenario}`,
          planes.flatMap((plane) => groups.flatMap(({ rows }) => rows.map((row) => figureCase(scenario, plane, row)))),
        ] as const,
    ),
    ['verdict', [verdictCase(summary)]],
  ];
  const all = suites.flatMap(([, cases]) => cases);
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="planebench ${escapeMarkup(summary.run.suite)}" ${counts(all)}>
${suites.map(([name, cases]) => testSuite(name, cases, manifest.startedAt)).join('\n')}
</testsuites>
`;
}

function validityCases({ series, validity }: Summary, { interrupted }: Manifest): TestCase[] {
  const suite: TestCase = {
    className: 'validity',
    name: 'the suite can be judged',
    outcome:
      validity.valid && !interrupted
        ? { kind: 'passed', output: `${series.filter(({ valid }) => valid).length} of ${series.length} runs count` }
        : {
            kind: 'error',
            type: interrupted ? 'interrupted' : 'invalid',
            message: interrupted
              ? 'the suite was interrupted before all runs were finished'
              : 'too little of it is valid for a conclusion',
          },
  };
  const known = new Set(series.map(({ run }) => run));
  const runs = [
    ...series,
    ...validity.findings
      .filter(({ run }) => !known.has(run))
      .map(({ run, architecture }) => ({ run, architecture, valid: false })),
  ];
  return [
    suite,
    ...runs.map(({ run, architecture, valid }): TestCase => {
      const findings = validity.findings.filter((finding) => finding.run === run);
      const message = findings.map(({ code, message }) => `${message}. ${findingMeaning(code)}`).join(' ');
      return {
        className: `validity.${architecture}`,
        name: run,
        outcome:
          valid && findings.length === 0
            ? { kind: 'passed', output: 'valid' }
            : {
                kind: 'error',
                type: findings[0]?.code ?? 'invalid',
                message: `${message || 'The run is invalid.'} ${leftOut}`,
              },
      };
    }),
  ];
}

function figureCase(scenario: string, plane: string, row: FigureRow): TestCase {
  const cell = row.cells.find((candidate) => candidate.plane === plane)!;
  return {
    className: `${scenario}.${plane}`,
    name: `${row.metric} ${row.statistic} (${basisText(row.basis)})`,
    outcome: outcomeOf(row, cell),
  };
}

function outcomeOf(row: FigureRow, cell: Cell): TestCase['outcome'] {
  const note = cell.note === null ? '' : `: ${cell.note}`;
  if (cell.kind === 'words') {
    return { kind: cell.words === 'invalid' ? 'error' : 'skipped', type: cell.words, message: `${cell.words}${note}` };
  }
  const interval = cell.interval === null ? 'no interval' : `[${cell.interval}]`;
  const text = `${cell.text} ${interval}, ${cell.method}, ${cell.runs} runs${note}`;
  const wrong = row.metric.startsWith('ledger.') && row.better === 'lower' && cell.value !== 0;
  return wrong
    ? { kind: 'failure', type: 'correctness', message: `expected 0, found ${text}` }
    : { kind: 'passed', output: text };
}

function verdictCase({ verdict: { outcome, sentences } }: Summary): TestCase {
  const message = sentences.join(' ');
  return {
    className: 'verdict',
    name: 'verdict',
    outcome:
      outcome === 'pass'
        ? { kind: 'passed', output: message }
        : { kind: outcome === 'fail' ? 'failure' : 'error', type: outcome, message },
  };
}

function testSuite(name: string, cases: readonly TestCase[], timestamp: string): string {
  return `  <testsuite name="${escapeMarkup(name)}" timestamp="${escapeMarkup(timestamp)}" ${counts(cases)}>
${cases.map(testCase).join('\n')}
  </testsuite>`;
}

function testCase({ className, name, outcome }: TestCase): string {
  const head = `    <testcase classname="${escapeMarkup(className)}" name="${escapeMarkup(name)}"`;
  if (outcome.kind === 'passed') return `${head}><system-out>${escapeMarkup(outcome.output)}</system-out></testcase>`;
  const type = outcome.kind === 'skipped' ? '' : ` type="${escapeMarkup(outcome.type)}"`;
  return `${head}><${outcome.kind}${type} message="${escapeMarkup(printable(outcome.message))}"/></testcase>`;
}

function counts(cases: readonly TestCase[]): string {
  const count = (kind: TestCase['outcome']['kind']) => cases.filter(({ outcome }) => outcome.kind === kind).length;
  return `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`;
}
