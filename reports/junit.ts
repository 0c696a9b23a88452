/**
 * For CI servers: a test case for each run's validity, for each figure of each plane, for each fault and plane, and for
 * the verdict.
 *
 * A figure passes if there is one; a defect also has to be zero. What is missing is `skipped` with its reason, never
 * passed. A plane fails a fault after which something is lost, duplicated, wrong or torn. A run that cannot be judged or
 * is incomplete, a fault that was not seen to strike and an inconclusive verdict are errors: neither pass nor fail.
 */
import { correctsItself, defectOf } from './defects.js';
import { type FaultCell, type FaultTable, fateWords, faultTables, mttrText, rowName } from './faults.js';
import { basisText, type Cell, type FigureRow, figureTables } from './figures.js';
import { countedRuns, explainedFindings } from './findings.js';
import { escapeMarkup, printable } from './markup.js';
import { failureText, resourceNames, resourceSentence, soakCounts } from './soak.js';
import { isFinished, type Manifest, type SoakSummary, type Summary } from './summary.js';

export interface TestCase {
  readonly className: string;
  readonly name: string;
  readonly outcome:
    | { readonly kind: 'passed'; readonly output: string }
    | { readonly kind: 'failure' | 'error' | 'skipped'; readonly type: string; readonly message: string };
}

export type TestSuite = readonly [name: string, cases: readonly TestCase[]];

export function renderJunit(summary: Summary, manifest: Manifest): string {
  const suites: readonly TestSuite[] = [
    ['validity', validityCases(summary, manifest)],
    ...figureTables(summary).map(
      ({ scenario, planes, groups }) =>
        [
          `figures of ${scenario}`,
          planes.flatMap((plane) =>
            figureCases(
              scenario,
              plane,
              groups.flatMap(({ rows }) => rows),
            ),
          ),
        ] as const,
    ),
    ...faultTables(summary).map((table) => [`faults: ${basisText(table.basis)}`, faultCases(table)] as const),
    ...(summary.soak === null ? [] : [['soak', soakCases(summary.soak, summary.verdict)] as const]),
    ['verdict', [verdictCase(summary)]],
  ];
  return testSuites(summary.run.suite, suites, manifest.startedAt);
}

function validityCases(summary: Summary, manifest: Manifest): TestCase[] {
  const { series, validity } = summary;
  const findings = explainedFindings(summary);
  const known = new Set(series.map(({ run }) => run));
  const runs = [
    ...series,
    ...findings.filter(({ run }) => !known.has(run)).map((finding) => ({ ...finding, valid: false })),
  ];
  return [
    {
      className: 'validity',
      name: 'every planned run was done and counts',
      outcome:
        validity.valid && isFinished(manifest)
          ? { kind: 'passed', output: countedRuns(summary) }
          : {
              kind: 'error',
              type: isFinished(manifest) ? 'invalid' : 'interrupted',
              message: `${isFinished(manifest) ? '' : 'The suite was interrupted, or runs of it were removed. '}${countedRuns(summary)}`,
            },
    },
    ...runs.map(({ run, architecture, valid }): TestCase => {
      const own = findings.filter((finding) => finding.run === run);
      const message = own.map(({ message, explanation }) => `${message}. ${explanation}`).join(' ');
      return {
        className: `validity.${architecture}`,
        name: run,
        outcome:
          valid && own.length === 0
            ? { kind: 'passed', output: 'valid and complete' }
            : { kind: 'error', type: own[0]?.code ?? 'invalid', message: message || 'The run is invalid.' },
      };
    }),
  ];
}

function figureCases(scenario: string, plane: string, rows: readonly FigureRow[]): TestCase[] {
  const own = rows.map((row) => ({ row, cell: row.cells.find((candidate) => candidate.plane === plane)! }));
  const settles = correctsItself(
    own.map(({ row: { metric }, cell }) => ({ metric, value: cell.kind === 'figure' ? cell.value : null })),
  );
  return own.map(({ row, cell }) => {
    const { metric, statistic, basis } = row;
    return {
      className: `${scenario}.${plane}`,
      name: `${metric} ${statistic} (${basisText(basis)})`,
      outcome: outcomeOf(cell, cell.note ?? row.note, defectOf(metric, settles) !== null),
    };
  });
}

function outcomeOf(cell: Cell, remark: string | null, defect: boolean): TestCase['outcome'] {
  const note = remark === null ? '' : `: ${remark}`;
  if (cell.kind === 'words') {
    return { kind: cell.words === 'invalid' ? 'error' : 'skipped', type: cell.words, message: `${cell.words}${note}` };
  }
  const interval = cell.interval === null ? '(no interval)' : `[${cell.interval}]`;
  const text = `${cell.text} ${interval}, ${cell.method}, ${cell.runs} runs${note}`;
  return defect && cell.value !== 0
    ? { kind: 'failure', type: 'defect', message: `expected 0, found ${text}` }
    : { kind: 'passed', output: text };
}

/** A case a fault and plane. A plane without a run under a fault has none. */
function faultCases({ rows }: FaultTable): TestCase[] {
  return rows.flatMap((row) =>
    row.cells
      .filter(({ outcome }) => outcome !== null)
      .map((cell) => ({ className: `faults.${cell.plane}`, name: rowName(row), outcome: fateOutcome(cell) })),
  );
}

function fateOutcome({ fate, words, notes, outcome }: FaultCell): TestCase['outcome'] {
  const text = [...words, ...notes].join('; ');
  if (fate === 'survived') return { kind: 'passed', output: `${text}; ${mttrText(outcome!)}` };
  if (fate === 'harmed') return { kind: 'failure', type: 'defect', message: [text, ...outcome!.findings].join('; ') };
  const message = text === '' ? fateWords[fate] : text;
  return { kind: fate === 'not applicable' ? 'skipped' : 'error', type: fate, message };
}

function soakCases(soak: SoakSummary, { outcome }: Summary['verdict']): TestCase[] {
  return [
    {
      className: 'soak',
      name: 'every run passes',
      outcome:
        soak.failed.length === 0
          ? { kind: 'passed', output: soakCounts(soak) }
          : {
              // Runs that could not be judged say nothing of the plane.
              ...(outcome === 'fail'
                ? { kind: 'failure' as const, type: 'defect' }
                : { kind: 'error' as const, type: 'not judged' }),
              message: [soakCounts(soak), ...soak.failed.map(failureText)].join(' '),
            },
    },
    ...soak.resources.map((resource): TestCase => {
      const message = resourceSentence(resource);
      const outcomes = {
        'levels off': { kind: 'passed', output: message },
        // The harness's own, and no verdict on the plane.
        grows: { kind: 'skipped', type: 'leak', message },
        undecided: { kind: 'skipped', type: 'undecided', message },
      } as const;
      return {
        className: 'soak',
        name: `${resourceNames[resource.resource]} levels off`,
        outcome: outcomes[resource.trend?.outcome ?? 'undecided'],
      };
    }),
  ];
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

/** The whole file, of whatever was tested. */
export function testSuites(subject: string, suites: readonly TestSuite[], timestamp: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="planebench ${escapeMarkup(subject)}" ${counts(suites.flatMap(([, cases]) => cases))}>
${suites.map(([name, cases]) => testSuite(name, cases, timestamp)).join('\n')}
</testsuites>
`;
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
