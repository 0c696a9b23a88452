/** For a terminal: the verdict, the figures and what faults did, in columns where the width allows it and stacked where it does not. */
import { costTables, pricesText } from './costs.js';
import {
  type Fate,
  type FaultCell,
  fateCounts,
  fateWords,
  faultContrasts,
  faultFindings,
  faultTables,
  mttrText,
  rowName,
} from './faults.js';
import {
  basisText,
  type Cell,
  confidenceText,
  countRows,
  type FigureRow,
  type FigureTable,
  figureTables,
  loadOf,
  partOf,
} from './figures.js';
import { countedRuns, explainedFindings } from './findings.js';
import { lengthOf, oneLine, wrap } from './lines.js';
import { failureText, resourceSentence, soakCounts } from './soak.js';
import type { Summary } from './summary.js';

export interface TerminalOptions {
  readonly width: number;
  /** False for a file, a pipe or NO_COLOR: then no escape sequence is written. */
  readonly color: boolean;
}

export function renderTerminal(summary: Summary, { width, color }: TerminalOptions): string {
  const paint = paintOf(color);
  const lines = [
    ...verdict(summary, width, paint),
    ...soak(summary, width, paint),
    ...figureTables(summary).flatMap((table) => ['', ...scenario(summary, table, width, paint)]),
    ...faults(summary, width, paint),
    ...cost(summary, width, paint),
    ...validity(summary, width, paint),
  ];
  return `${lines.join('\n')}\n`;
}

type Style = 'bold' | 'dim' | 'good' | 'bad' | 'open';
export type Paint = (text: string, style: Style) => string;

const plain: Paint = (text) => text;
const codes = { bold: 1, dim: 2, good: 32, bad: 31, open: 33 } as const;
const painted: Paint = (text, style) => `\u001b[${codes[style]}m${text}\u001b[0m`;

export function paintOf(color: boolean): Paint {
  return color ? painted : plain;
}

function verdict(summary: Summary, width: number, paint: Paint): string[] {
  const { outcome, sentences } = summary.verdict;
  const tone = { pass: 'good', fail: 'bad', inconclusive: 'open' } as const;
  return [
    ...wrap(`planebench ${summary.run.suite}`, width).map((line) => paint(line, 'bold')),
    paint(outcome.toUpperCase(), tone[outcome]),
    ...sentences.flatMap((sentence) => item(sentence, width)),
  ];
}

function validity(summary: Summary, width: number, paint: Paint): string[] {
  const findings = explainedFindings(summary);
  return [
    '',
    ...wrap(countedRuns(summary), width).map((line) => (summary.validity.valid ? line : paint(line, 'bad'))),
    ...findings.flatMap(({ run, invalid, code, message }) =>
      item(`${run}, ${invalid ? 'invalid' : 'incomplete'} (${code}): ${message}`, width).map((line) =>
        paint(line, 'dim'),
      ),
    ),
  ];
}

/** A line a fault and plane, and the worst findings. */
function faults(summary: Summary, width: number, paint: Paint): string[] {
  const tones: Readonly<Record<Fate, Style>> = {
    survived: 'good',
    harmed: 'bad',
    invalid: 'open',
    'not injected': 'open',
    'not applicable': 'dim',
    'no run': 'dim',
  };
  return faultTables(summary).flatMap((table) => {
    const findings = faultFindings(table);
    return [
      '',
      ...wrap(`Faults: ${basisText(table.basis)}`, width).map((line) => paint(line, 'bold')),
      ...wrap(`${fateCounts(table)}.`, width),
      ...table.rows.flatMap((row) => [
        ...wrap(rowName(row), width),
        ...row.cells.flatMap((cell) => item(fateLine(cell), width).map((line) => paint(line, tones[cell.fate]))),
      ]),
      ...(findings.length === 0 ? [] : ['', paint('Findings, worst first', 'bold')]),
      ...findings
        .slice(0, mostFindings)
        .flatMap(({ plane, fault, messages }) => item(`${plane}, ${fault}: ${messages.join(' ')}`, width)),
      ...(findings.length <= mostFindings
        ? []
        : wrap(`${findings.length - mostFindings} more are in report.html and report.md.`, width)),
      ...faultContrasts(summary, table).flatMap((sentence, index) => [
        ...(index === 0 ? ['', paint('Where one plane did better', 'bold')] : []),
        ...item(sentence, width),
      ]),
    ];
  });
}

const mostFindings = 8;

function fateLine({ plane, fate, words, notes, outcome }: FaultCell): string {
  const head = `${plane}: ${fateWords[fate]}${fate === 'harmed' ? `, ${words.join(', ')}` : ''}`;
  if (outcome === null) return head;
  return [head, mttrText(outcome), ...notes].filter((part) => part !== '').join('; ');
}

function soak({ soak }: Summary, width: number, paint: Paint): string[] {
  if (soak === null) return [];
  return [
    '',
    paint('Soak', 'bold'),
    ...wrap(soakCounts(soak), width).map((line) => paint(line, soak.failed.length === 0 ? 'good' : 'bad')),
    ...soak.failed.flatMap((failure) => item(failureText(failure), width)),
    ...soak.resources.flatMap((resource) => item(resourceSentence(resource), width)),
  ];
}

function cost(summary: Summary, width: number, paint: Paint): string[] {
  const tables = costTables(summary);
  if (tables.length === 0) return [];
  const heads = ['CPU', 'Memory', 'Storage', 'Requests', 'Sum'];
  return [
    '',
    paint('Cost', 'bold'),
    ...wrap(pricesText(summary.costs.prices), width),
    ...tables.flatMap(({ title, bands, rows }) => [
      ...wrap(title, width).map((line) => paint(line, 'bold')),
      ...(bands === '' ? [] : wrap(bands, width)),
      ...rows.flatMap(({ part, amounts }) => {
        const parts = heads.slice(0, -1).flatMap((head, i) => (amounts[i] === '0' ? [] : `${head} ${amounts[i]}`));
        return item(`${part}: ${amounts.at(-1)}${parts.length < 2 ? '' : ` (${parts.join(', ')})`}`, width);
      }),
    ]),
  ];
}

function scenario(summary: Summary, whole: FigureTable, width: number, paint: Paint): string[] {
  const table = partOf(whole, 'main') ?? { ...whole, groups: [] };
  const others = countRows(whole) - countRows(table);
  const load = summary.run.scenarios.find(({ name }) => name === table.scenario);
  const rows = table.groups.flatMap((group) => group.rows);
  const shared = sharedText(rows.map(({ basis }) => basisText(basis)));
  const method = mostFrequent(rows.flatMap(({ cells }) => cells.flatMap((cell) => methodOf(cell) ?? [])));
  const anyInterval = rows.some(({ cells }) => cells.some((cell) => cell.kind === 'figure' && cell.interval !== null));
  const columns = columnsOf(table, width, anyInterval);
  const best = rows.some(({ cells }) => cells.some((cell) => cell.kind === 'figure' && cell.best));
  return [
    ...wrap(`Scenario ${table.scenario}`, width).map((line) => paint(line, 'bold')),
    ...(load === undefined ? [] : wrap(loadOf(load), width)),
    ...(shared === null ? [] : wrap(`Every figure: ${shared}.`, width)),
    ...(method === null ? [] : wrap(`Intervals, where nothing else is said: ${method}.`, width)),
    ...(anyInterval ? [] : wrap('No figure has an interval: that takes two runs of a plane.', width)),
    ...table.groups.flatMap(({ title, rows }) => [
      '',
      heading(title, table.planes, columns, paint),
      ...rows.flatMap((row) => [
        ...(columns === null
          ? stackedRow(row, table.planes, width, anyInterval, paint)
          : columnRow(row, columns, anyInterval, paint)),
        ...remarks(row, shared === null, method, width, paint),
      ]),
    ]),
    ...(others === 0
      ? []
      : ['', ...wrap(`${others} more figures of this scenario are in report.html and report.md.`, width)]),
    ...(best ? ['', ...wrap('* best: found better than every other plane by a paired comparison', width)] : []),
  ];
}

interface Columns {
  readonly label: number;
  readonly cells: readonly number[];
}

const gap = 2;
const narrowestLabel = 19;
const widestLabel = 32;

/** Column widths; null if the table is wider than the terminal. */
function columnsOf({ planes, groups }: FigureTable, width: number, anyInterval: boolean): Columns | null {
  const rows = groups.flatMap((group) => group.rows);
  const cells = planes.map((plane, index) =>
    Math.max(
      lengthOf(oneLine(plane)),
      ...rows.flatMap(({ cells }) => linesOf(cells[index]!, anyInterval).map(lengthOf)),
    ),
  );
  const longest = Math.max(
    ...rows.map((row) => lengthOf(oneLine(row.label))),
    ...groups.map(({ title }) => title.length),
  );
  const room = width - cells.reduce((sum, cell) => sum + gap + cell, 0);
  return room >= Math.min(longest, narrowestLabel) ? { label: Math.min(longest, room, widestLabel), cells } : null;
}

function heading(title: string, planes: readonly string[], columns: Columns | null, paint: Paint): string {
  if (columns === null) return paint(title, 'bold');
  return paint(
    title.padEnd(columns.label) +
      planes.map((plane, index) => right(oneLine(plane), columns.cells[index]! + gap)).join(''),
    'bold',
  );
}

function columnRow({ label, cells }: FigureRow, columns: Columns, anyInterval: boolean, paint: Paint): string[] {
  const left = wrap(label, columns.label);
  const texts = cells.map((cell) => linesOf(cell, anyInterval));
  const height = Math.max(left.length, ...texts.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) => {
    const name = (left[line] ?? '').padEnd(columns.label + (left[line] ?? '').length - lengthOf(left[line] ?? ''));
    const rest = cells.map((cell, index) => {
      const text = right(texts[index]![line] ?? '', columns.cells[index]! + gap);
      return line > 0 || cell.kind === 'words' ? paint(text, 'dim') : cell.best ? paint(text, 'good') : text;
    });
    return `${name}${rest.join('')}`.trimEnd();
  });
}

function stackedRow(
  { label, cells }: FigureRow,
  planes: readonly string[],
  width: number,
  anyInterval: boolean,
  paint: Paint,
): string[] {
  const name = Math.min(Math.floor(width / 3), Math.max(...planes.map((plane) => lengthOf(oneLine(plane)))));
  return [
    ...wrap(label, width),
    ...cells.flatMap((cell) => {
      const [plane = '', ...more] = wrap(cell.plane, name);
      const [value, interval] = linesOf(cell, anyInterval);
      const line = `  ${plane}${' '.repeat(name - lengthOf(plane))}  ${value}`;
      const whole = interval === undefined ? line : `${line}  ${interval}`;
      const shown =
        lengthOf(whole) <= width || interval === undefined ? [whole] : [line, `${' '.repeat(name + 4)}${interval}`];
      return [
        ...shown.map((text) => (cell.kind === 'figure' && cell.best ? paint(text, 'good') : text)),
        ...more.map((text) => `  ${text}`),
      ];
    }),
  ];
}

/** A cell in one or two lines: the figure and, where any figure has one, its interval. */
function linesOf(cell: Cell, anyInterval: boolean): string[] {
  if (cell.kind === 'words') return [cell.words];
  const figure = `${cell.best ? '* ' : ''}${cell.text}`;
  return anyInterval ? [figure, cell.interval === null ? 'no interval' : `[${cell.interval}]`] : [figure];
}

/** What a row has to say beyond its figures: notes, its basis where the table has no single one, an unusual method. */
function remarks(
  row: FigureRow,
  withBasis: boolean,
  usualMethod: string | null,
  width: number,
  paint: Paint,
): string[] {
  const methods = [...new Set(row.cells.flatMap((cell) => methodOf(cell) ?? []))];
  const unusual = methods.some((method) => method !== usualMethod);
  return [
    ...row.cells.flatMap(({ plane, note }) => (note === null ? [] : [`${plane}: ${note}`])),
    ...(row.note === null ? [] : [row.note]),
    ...(withBasis ? [basisText(row.basis)] : []),
    ...(unusual ? [methods.join(' or ')] : []),
  ].flatMap((text) => item(text, width).map((line) => paint(line, 'dim')));
}

function methodOf(cell: Cell): string | null {
  if (cell.kind === 'words' || cell.confidenceLevel === null) return null;
  return `${cell.method}, ${confidenceText(cell.confidenceLevel)}`;
}

function item(text: string, width: number): string[] {
  return wrap(text, Math.max(1, width - 2)).map((line, index) => `${index === 0 ? '- ' : '  '}${line}`);
}

function mostFrequent(texts: readonly string[]): string | null {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}

function sharedText(texts: readonly string[]): string | null {
  return new Set(texts).size === 1 ? texts[0]! : null;
}

function right(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - lengthOf(text))) + text;
}
