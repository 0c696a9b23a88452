/** What a gate decided, and how that is printed. The harness decides and puts it in words; here is only form. */
import { type TestCase, testSuites } from './junit.js';
import { oneLine, wrap } from './lines.js';
import { table, text } from './markdown.js';
import { type Paint, paintOf, type TerminalOptions } from './terminal.js';

export type Decision = 'pass' | 'fail' | 'inconclusive';

export interface GateVerdict {
  readonly schema: 'planebench.gate/1';
  readonly suite: string;
  /** The results folder that was judged, and the baseline, as they were named. */
  readonly run: string;
  readonly baseline: string;
  readonly outcome: Decision;
  /** What holds for all thresholds, most important first. */
  readonly sentences: readonly string[];
  readonly thresholds: readonly ThresholdVerdict[];
}

export interface ThresholdVerdict {
  readonly scenario: string;
  readonly architecture: string;
  readonly metric: string;
  readonly statistic: string;
  readonly kind: 'absolute' | 'relative';
  readonly outcome: Decision;
  /** In words: "at most 5 ms", "at most 10 % worse than the baseline". */
  readonly demanded: string;
  /** In words: what was found, with its interval; or what is missing. */
  readonly found: string;
  readonly pairs: number;
  /** Of the worsening: a ratio above 1, or a difference above 0, is worse. Null where there is none. */
  readonly worsening: {
    readonly effect: 'ratio' | 'difference';
    readonly estimate: number;
    readonly confidenceInterval: {
      readonly confidenceLevel: number;
      readonly lowerBound: number;
      readonly upperBound: number;
    } | null;
    /** After Holm, over all thresholds. */
    readonly pValue: number | null;
  } | null;
  readonly method: string;
}

const tones = { pass: 'good', fail: 'bad', inconclusive: 'open' } as const;
const order: readonly Decision[] = ['fail', 'inconclusive', 'pass'];

/** What decides first: failures, then what is open, then what passed. */
function inOrder({ thresholds }: GateVerdict): ThresholdVerdict[] {
  return order.flatMap((outcome) => thresholds.filter((one) => one.outcome === outcome));
}

const nameOf = ({ scenario, architecture, metric, statistic }: ThresholdVerdict) =>
  `${scenario} ${architecture} ${metric}.${statistic}`;

export function renderGate(verdict: GateVerdict, { width, color }: TerminalOptions): string {
  const paint = paintOf(color);
  return [
    ...wrap(`gate ${verdict.suite}: ${verdict.run} against ${verdict.baseline}`, width).map((line) =>
      paint(line, 'bold'),
    ),
    paint(verdict.outcome.toUpperCase(), tones[verdict.outcome]),
    ...verdict.sentences.flatMap((sentence) => wrap(sentence, width - 2).map((line) => `  ${line}`)),
    '',
    ...inOrder(verdict).flatMap((one) => thresholdLines(one, width, paint)),
  ].join('\n');
}

function thresholdLines(one: ThresholdVerdict, width: number, paint: Paint): string[] {
  const line = `${nameOf(one)}: ${one.found}; demanded: ${one.demanded}${one.method === '' ? '' : ` (${one.method})`}`;
  const indent = 14;
  return wrap(line, width - indent).map((line, i) =>
    i === 0 ? `${paint(one.outcome.padEnd(indent), tones[one.outcome])}${line}` : `${' '.repeat(indent)}${line}`,
  );
}

export function renderGateMarkdown(verdict: GateVerdict): string {
  const rows = inOrder(verdict).map((one) => [
    one.outcome === 'pass' ? 'pass' : `**${one.outcome}**`,
    text(one.scenario),
    text(one.architecture),
    text(`${one.metric}.${one.statistic}`),
    text(one.demanded),
    text(one.found),
    text(one.method),
  ]);
  const heads = ['Outcome', 'Scenario', 'Plane', 'Figure', 'Demanded', 'Found', 'How it was judged'];
  return `${[
    `# Gate ${text(verdict.suite)}: ${verdict.outcome}`,
    ...verdict.sentences.map(text),
    table(
      heads,
      heads.map(() => 'left'),
      rows,
    ),
    `Judged ${text(verdict.run)} against ${text(verdict.baseline)}.`,
  ].join('\n\n')}\n`;
}

/** One case a threshold; what is inconclusive is skipped, and the verdict of the whole is an error then: never a pass. */
export function renderGateJunit(verdict: GateVerdict, timestamp: string): string {
  const cases = verdict.thresholds.map((one): TestCase => {
    const words = oneLine(`${one.found}; demanded: ${one.demanded}; ${one.method}`);
    return {
      className: `gate.${one.scenario}.${one.architecture}`,
      name: `${one.metric} ${one.statistic} (${one.kind})`,
      outcome: outcomeOf(one.outcome, words, 'skipped'),
    };
  });
  const whole: TestCase = {
    className: 'gate',
    name: 'verdict',
    outcome: outcomeOf(verdict.outcome, oneLine(verdict.sentences.join(' ')), 'error'),
  };
  return testSuites(`gate ${verdict.suite}`, [[`gate ${verdict.suite}`, [...cases, whole]]], timestamp);
}

function outcomeOf(outcome: Decision, words: string, open: 'skipped' | 'error'): TestCase['outcome'] {
  if (outcome === 'pass') return { kind: 'passed', output: words };
  return outcome === 'fail'
    ? { kind: 'failure', type: 'threshold', message: words }
    : { kind: open, type: 'inconclusive', message: words };
}
