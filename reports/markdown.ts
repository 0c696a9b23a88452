/** For pull requests and issue threads: verdict, figures, faults, comparisons, claims, validity, environment. */
import { costTables, howCounted, priceRows, pricesText } from './costs.js';
import {
  clockMeanings,
  clocks,
  clockText,
  type FaultCell,
  type FaultTable,
  fateCounts,
  fateWords,
  faultConfidence,
  faultContrasts,
  faultFindings,
  faultTables,
  isAboutFaults,
  rowName,
  sloTexts,
  struckOutcomes,
} from './faults.js';
import {
  basisText,
  type Cell,
  confidenceText,
  countRows,
  type FigureTable,
  figureTables,
  isMain,
  loadOf,
  metricLabel,
  partOf,
} from './figures.js';
import { countedRuns, explainedFindings } from './findings.js';
import { oneLine } from './lines.js';
import { printable } from './markup.js';
import { claimCounts } from './sections/claims.js';
import { turnsText } from './sections/environment.js';
import { failureText, resourceSentence, soakCounts } from './soak.js';
import type { Comparison, Manifest, Summary } from './summary.js';
import { formatRatio, formatSetting, formatValue } from './units.js';

export function renderMarkdown(summary: Summary, manifest: Manifest): string {
  const scenarios = figureTables(summary).flatMap((table) => figures(summary, table));
  return [
    `# planebench: ${text(summary.run.suite)}`,
    ...verdict(summary),
    ...soak(summary),
    ...(isAboutFaults(summary) ? [...faults(summary), ...scenarios] : [...scenarios, ...faults(summary)]),
    ...comparisons(summary),
    ...claims(summary),
    ...costs(summary),
    ...validity(summary),
    ...environment(summary, manifest),
    '## Run it again',
    fence(summary.run.command),
  ]
    .join('\n\n')
    .concat('\n');
}

function verdict(summary: Summary): string[] {
  const { outcome, sentences } = summary.verdict;
  const [lede = 'The summary gives no reason.', ...rest] = sentences;
  return [
    `**${outcome === 'pass' ? '\u2713 Pass' : outcome === 'fail' ? '\u2717 Fail' : '? Inconclusive'}.** ${text(lede)}`,
    ...(rest.length > 0 ? [rest.map((sentence) => `- ${text(sentence)}`).join('\n')] : []),
    ...(summary.validity.valid ? [] : [`**Not every run is valid.** ${countedRuns(summary)}`]),
  ];
}

function figures(summary: Summary, whole: FigureTable): string[] {
  const { scenario } = whole;
  const load = summary.run.scenarios.find(({ name }) => name === scenario);
  const main = partOf(whole, 'main');
  const other = partOf(whole, 'other');
  return [
    `## Scenario ${text(scenario)}`,
    ...(load === undefined
      ? []
      : [
          `${text(loadOf(load))}; freshness SLO ${formatSetting(load.freshnessSloUs, 'us')} at p95${load.fault === null ? '' : `; fault: ${text(load.fault)}`}.`,
        ]),
    ...(main === null ? [] : [figureRows(main)]),
    ...(other === null ? [] : folded(`${countRows(other)} more figures`, figureRows(other))),
  ];
}

function figureRows({ planes, groups }: FigureTable): string {
  const rows = groups.flatMap(({ title, rows }) => [
    [`**${title}**`, ...planes.map(() => ''), ''],
    ...rows.map((row) => {
      const methods = row.cells.flatMap((cell) =>
        cell.kind === 'words'
          ? []
          : [`${cell.method}${cell.confidenceLevel === null ? '' : `, ${confidenceText(cell.confidenceLevel)}`}`],
      );
      return [
        text(row.label),
        ...row.cells.map(cell),
        text([basisText(row.basis), ...new Set(methods), ...(row.note === null ? [] : [row.note])].join('; ')),
      ];
    }),
  ]);
  return table(
    ['Measure', ...planes.map(text), 'How it is known'],
    ['left', ...planes.map(() => 'right' as const), 'left'],
    rows,
  );
}

/** Closed at first; `details` is the one element of HTML that Markdown hosts keep and Markdown itself lacks. */
function folded(title: string, content: string): string[] {
  return [`<details><summary>${title}</summary>`, content, '</details>'];
}

function cell(cell: Cell): string {
  const note = cell.note === null ? '' : `: ${text(cell.note)}`;
  if (cell.kind === 'words') return `*${cell.words}*${note}`;
  const value = cell.best ? `**${cell.text}** (best)` : cell.text;
  return `${value} ${cell.interval === null ? '(no interval)' : `[${cell.interval}]`}${note}`;
}

function faults(summary: Summary): string[] {
  const tables = faultTables(summary);
  if (tables.length === 0) return [];
  return [
    '## Faults',
    'A plane survived a fault if nothing was lost, duplicated, wrong or torn once it had been healed and drained, and no read went back; a plane that declares to correct itself (Lambda) is judged after its own correction.',
    ...tables.flatMap((faultTable) => {
      const { planes, rows, basis } = faultTable;
      const findings = faultFindings(faultTable);
      const contrasts = faultContrasts(summary, faultTable);
      return [
        `**${text(basisText(basis))}.** ${fateCounts(faultTable)}.`,
        table(
          ['Fault', ...planes.map(text)],
          ['left', ...planes.map(() => 'left' as const)],
          rows.map((row) => [text(rowName(row)), ...row.cells.map(fate)]),
        ),
        ...(findings.length === 0
          ? []
          : [
              'Findings, worst first:',
              findings
                .map(
                  ({ plane, fault, messages }) =>
                    `- **${text(plane)}**, ${text(fault)}: ${messages.map(text).join(' ')}`,
                )
                .join('\n'),
            ]),
        ...(contrasts.length === 0
          ? []
          : ['Where one plane did better:', contrasts.map((sentence) => `- ${text(sentence)}`).join('\n')]),
        ...folded('Recovery after each fault', recoveryRows(faultTable)),
      ];
    }),
  ];
}

function fate({ fate, words, notes }: FaultCell): string {
  return [`**${fateWords[fate]}**`, ...(fate === 'harmed' ? words : []), ...notes]
    .map((part, index) => (index === 0 ? part : text(part)))
    .join('; ');
}

function recoveryRows({ rows, ...rest }: FaultTable): string {
  const level = faultConfidence({ rows, ...rest });
  return [
    `Means over injections since the injection${level === null ? '' : `, intervals over runs (${confidenceText(level)})`}.`,
    table(
      ['Fault', 'Plane', 'SLO lost', ...clocks.map(({ label }) => label)],
      ['left', 'left', 'left', ...clocks.map(() => 'right' as const)],
      rows.flatMap((row) =>
        struckOutcomes(row).map((outcome) => [
          text(rowName(row)),
          text(outcome.architecture),
          sloTexts(outcome)
            .map(({ name, text }) => `${name} ${text}`)
            .join(', '),
          ...clocks.map(({ clock }) => {
            const { text: value, interval, note } = clockText(outcome, clock);
            return `${value}${interval === null ? '' : ` [${interval}]`}${note === null ? '' : `: ${text(note)}`}`;
          }),
        ]),
      ),
    ),
    clockMeanings.map(([term, meaning]) => `- ${term}: ${meaning}`).join('\n'),
  ].join('\n\n');
}

function soak({ soak }: Summary): string[] {
  if (soak === null) return [];
  return [
    '## Soak',
    soakCounts(soak),
    ...(soak.failed.length === 0 ? [] : [soak.failed.map((failure) => `- ${text(failureText(failure))}`).join('\n')]),
    soak.resources.map((resource) => `- ${text(resourceSentence(resource))}`).join('\n'),
  ];
}

function comparisons({ comparisons: all }: Summary): string[] {
  const main = all.filter(isMain);
  const other = all.filter((comparison) => !isMain(comparison));
  if (all.length === 0) return [];
  return [
    '## Comparisons',
    'Paired by seed; the ratio is the first plane over the second. Better or worse: at least ten pairs, an interval that excludes equality and a sign-flip test at 5 % (Holm over the main figures); equivalent: within 5 %, of a share within one point. Shares are compared by difference.',
    ...(main.length === 0 ? [] : [comparisonRows(main)]),
    ...(other.length === 0 ? [] : folded(`${other.length} more comparisons`, comparisonRows(other))),
  ];
}

function comparisonRows(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map((c) => [
    text(c.scenario),
    text(metricLabel(c.metric, c.statistic)),
    text(`${c.candidate} / ${c.reference}`),
    c.ratio === null ? 'none' : formatRatio(c.ratio),
    c.confidenceInterval === null
      ? 'none'
      : `${formatRatio(c.confidenceInterval.lowerBound)} to ${formatRatio(c.confidenceInterval.upperBound)}`,
    String(c.pairs),
    c.outcome,
    text(c.method),
  ]);
  const heads = ['Scenario', 'Measure', 'Planes', 'Ratio', 'Interval', 'Pairs', 'The first is', 'How it was compared'];
  return table(heads, ['left', 'left', 'left', 'right', 'right', 'right', 'left', 'left'], rows);
}

function claims({ claims: all }: Summary): string[] {
  if (all.length === 0) return [];
  const rows = all.map((c) => [text(c.text), text(c.published), text(c.ours), `**${c.outcome}**`]);
  return [
    '## Claims of the paper',
    `${claimCounts(all)}.`,
    table(['Claim', 'Published', 'Found here', 'Outcome'], ['left', 'left', 'left', 'left'], rows),
  ];
}

function costs(summary: Summary): string[] {
  const tables = costTables(summary);
  if (tables.length === 0) return [];
  const { prices } = summary.costs;
  return [
    '## Cost',
    `${text(pricesText(prices))} ${text(prices.about)}`,
    ...tables.flatMap(({ title, bands, rows }) => [
      `**${text(title)}**`,
      ...(bands === '' ? [] : [text(bands)]),
      table(
        ['What', 'CPU', 'Memory', 'Storage', 'Requests', 'Sum'],
        ['left', 'right', 'right', 'right', 'right', 'right'],
        rows.map(({ part, amounts }) => [text(part), ...amounts]),
      ),
    ]),
    ...folded(
      'Prices, and how use is counted',
      [
        table(
          ['Price of', 'Unit', 'USD', 'Low to high', 'What it is', 'Seen', 'Where'],
          ['left', 'left', 'right', 'right', 'left', 'left', 'left'],
          priceRows(prices).map(({ of, unit, value, band, about, seen, sources }) =>
            [of, unit, value, band, about, seen, sources].map(text),
          ),
        ),
        howCounted.map((sentence) => `- ${text(sentence)}`).join('\n'),
      ].join('\n\n'),
    ),
  ];
}

function validity(summary: Summary): string[] {
  const findings = explainedFindings(summary);
  return [
    '## Validity',
    countedRuns(summary),
    ...(findings.length === 0
      ? []
      : [
          findings
            .map(
              (f) =>
                `- **${text(f.run)}**, ${f.invalid ? 'invalid' : 'incomplete'} (${text(f.code)}): ${text(f.message)}. ${f.explanation}`,
            )
            .join('\n'),
        ]),
  ];
}

const inWords = (versions: Readonly<Record<string, string>>): string =>
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');

function environment({ run }: Summary, { id, startedAt, machine, git, versions, servers }: Manifest): string[] {
  const commit =
    git.commit === null ? 'commit not known' : `commit ${git.commit}${git.dirty ? ' with uncommitted changes' : ''}`;
  return [
    '## Environment',
    [
      `- ${text(id)}, started ${text(startedAt)}, seed ${run.seed}, ${run.repetitions} repetitions`,
      `- ${text(machine.cpu)}, ${machine.cores} cores, ${formatValue(machine.memoryBytes, 'bytes')}, ${text(machine.platform)}`,
      `- who goes first: ${turnsText(machine)}`,
      `- ${text(commit)}`,
      `- ${text(inWords(versions))}`,
      ...(Object.keys(servers).length === 0 ? [] : [`- servers: ${text(inWords(servers))}`]),
    ].join('\n'),
  ];
}

export function table(
  heads: readonly string[],
  aligns: readonly ('left' | 'right')[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(aligns.map((align) => (align === 'right' ? '---:' : '---'))), ...rows.map(line)].join('\n');
}

/** Text that stays text: what Markdown or HTML within it would read as markup is escaped. */
export function text(outside: string): string {
  return oneLine(outside)
    .replace(/[\\`*_[\]|~$#]/g, '\\$&')
    .replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`)
    .replace(/@(?=\w)/g, '@\u200B')
    .replace(/^([-+]|\d+[.)])(?=\s)/, '\\$1');
}

/** A code block that its content cannot end. */
function fence(code: string): string {
  const ticks = '`'.repeat(Math.max(3, ...[...code.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `${ticks}sh\n${printable(code)}\n${ticks}`;
}
