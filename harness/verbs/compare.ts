/** `compare A B`: two runs of a suite side by side, decided like a gate. */
import type { Command } from 'commander';
import { renderComparison, renderComparisonMarkdown } from '../../reports/suite-comparison.js';
import { loadValues, refuseUnlike } from '../gate/baseline-file.js';
import { compareSuites } from '../gate/compare.js';
import { writeWhole } from '../results.js';
import { chanceOf } from '../summary/estimates.js';
import type { Shell } from './shell.js';

interface CompareFlags {
  readonly markdown?: string;
  readonly json?: boolean;
}

export function declareCompare(program: Command, shell: Shell): void {
  program
    .command('compare')
    .description('set two runs of a suite side by side: better, worse, the same or inconclusive, figure by figure')
    .argument('<a>', 'a results folder, its summary.json, or a baseline')
    .argument('<b>', 'another, which is judged against the first')
    .option('--markdown <file>', 'write the comparison as Markdown, with every figure')
    .option('--json', 'print the comparison as JSON')
    .action(async (a: string, b: string, flags: CompareFlags) => {
      const outcome = await compare(a, b, flags, shell);
      shell.finish(({ 'no worse': 'pass', worse: 'fail', inconclusive: 'inconclusive' } as const)[outcome]);
    });
}

async function compare(a: string, b: string, flags: CompareFlags, shell: Shell) {
  const before = { name: a, values: await loadValues(a) };
  const after = { name: b, values: await loadValues(b) };
  refuseUnlike({ name: a, scenarios: before.values.scenarios }, { name: b, scenarios: after.values.scenarios });
  const comparison = compareSuites(before, after, chanceOf(after.values.seed));
  if (flags.markdown !== undefined) await writeWhole(flags.markdown, renderComparisonMarkdown(comparison));
  shell.print(flags.json ? JSON.stringify(comparison, null, 2) : renderComparison(comparison, shell.terminal()));
  return comparison.outcome;
}
