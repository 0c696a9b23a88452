/** Two runs of a suite set side by side: what `planebench compare` prints. */
import { oneLine, wrap } from './lines.js';
import { table, text } from './markdown.js';
import type { Unit } from './summary.js';
import { paintOf, type TerminalOptions } from './terminal.js';
import { formatDifference, formatRatio, formatValue } from './units.js';

export interface SuiteComparison {
  readonly schema: 'planebench.comparison/1';
  /** As they were named; `b` is judged against `a`. */
  readonly a: string;
  readonly b: string;
  readonly outcome: 'no worse' | 'worse' | 'inconclusive';
  readonly sentences: readonly string[];
  readonly figures: readonly ComparedFigure[];
}

export interface ComparedFigure {
  readonly scenario: string;
  readonly architecture: string;
  readonly metric: string;
  readonly statistic: string;
  readonly unit: Unit;
  /** Declared in advance, corrected together, and what the outcome is made of; the others are exploratory. */
  readonly declared: boolean;
  /** What B is. `same`: within the practical margin. */
  readonly outcome: 'better' | 'same' | 'worse' | 'inconclusive';
  /** Means over the values that were compared, geometric where the effect is a ratio. */
  readonly a: number | null;
  readonly b: number | null;
  /** B / A, or B - A. */
  readonly effect: 'ratio' | 'difference' | null;
  readonly estimate: number | null;
  readonly confidenceInterval: {
    readonly confidenceLevel: number;
    readonly lowerBound: number;
    readonly upperBound: number;
  } | null;
  readonly pairs: number;
  /** Corrected where declared. */
  readonly pValue: number | null;
  readonly method: string;
}

const tones = { worse: 'bad', inconclusive: 'open', better: 'good', same: 'dim', 'no worse': 'good' } as const;

/** What decides, and of the rest what was found to differ. */
const isShown = ({ declared, outcome }: ComparedFigure) => declared || outcome === 'worse' || outcome === 'better';

export function renderComparison(comparison: SuiteComparison, { width, color }: TerminalOptions): string {
  const paint = paintOf(color);
  const shown = comparison.figures.filter(isShown);
  const heads = ['B is', 'figure', 'A', 'B', 'effect [95 %]', 'pairs'];
  const rows = shown.map((figure) => [
    figure.outcome,
    oneLine(
      `${figure.scenario} ${figure.architecture} ${figure.metric}.${figure.statistic}${figure.declared ? '' : ' (exploratory)'}`,
    ),
    ...cellsOf(figure),
  ]);
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => (row[i] as string).length)));
  const fits = widths.reduce((sum, each) => sum + each + 2, 0) <= width;
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join('  ')
      .trimEnd();
  const body = fits
    ? [line(heads), ...rows.map((row, i) => paint(line(row), tones[(shown[i] as ComparedFigure).outcome]))]
    : rows.flatMap(([outcome = '', name = '', a, b, effect, pairs], i) => [
        ...wrap(`${outcome}: ${name}`, width).map((part) => paint(part, tones[(shown[i] as ComparedFigure).outcome])),
        ...wrap(`A ${a}, B ${b}, ${effect}, ${pairs} pairs`, width - 2).map((part) => `  ${part}`),
      ]);
  const rest = comparison.figures.length - shown.length;
  return [
    ...wrap(`A: ${comparison.a}`, width),
    ...wrap(`B: ${comparison.b}`, width),
    paint(comparison.outcome.toUpperCase(), tones[comparison.outcome]),
    ...comparison.sentences.flatMap((sentence) => wrap(sentence, width - 2).map((part) => `  ${part}`)),
    '',
    ...body,
    ...(rest > 0
      ? ['', ...wrap(`${rest} more, exploratory and not found to differ: see --markdown or --json.`, width)]
      : []),
  ].join('\n');
}

export function renderComparisonMarkdown(comparison: SuiteComparison): string {
  const rows = comparison.figures.map((figure) => [
    figure.outcome === 'worse' ? '**worse**' : figure.outcome,
    text(figure.scenario),
    text(figure.architecture),
    text(`${figure.metric}.${figure.statistic}`),
    ...cellsOf(figure).map(text),
    text(`${figure.declared ? 'declared' : 'exploratory'}; ${figure.method}`),
  ]);
  const heads = ['B is', 'Scenario', 'Plane', 'Figure', 'A', 'B', 'Effect', 'Pairs', 'How it was compared'];
  return `${[
    `# B is ${comparison.outcome}`,
    `- A: ${text(comparison.a)}\n- B: ${text(comparison.b)}`,
    ...comparison.sentences.map(text),
    table(
      heads,
      heads.map((head) => (['A', 'B', 'Effect', 'Pairs'].includes(head) ? 'right' : 'left')),
      rows,
    ),
  ].join('\n\n')}\n`;
}

function cellsOf({ a, b, unit, effect, estimate, confidenceInterval, pairs }: ComparedFigure): string[] {
  const value = (of: number | null) => (of === null ? 'none' : formatValue(of, unit));
  const format = (of: number) => (effect === 'ratio' ? formatRatio(of) : formatDifference(of, unit));
  const bounds =
    confidenceInterval === null
      ? '(no interval)'
      : `[${format(confidenceInterval.lowerBound)}, ${format(confidenceInterval.upperBound)}]`;
  const size = estimate === null ? 'none' : `${effect === 'ratio' ? 'x' : ''}${format(estimate)} ${bounds}`;
  return [value(a), value(b), size, String(pairs)];
}
