/** `report RUN`: what was concluded, computed again from what was saved. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Decision } from '../../reports/gate.js';
import { isFinished, type Summary } from '../../reports/summary.js';
import { HarnessError, messageOf, UsageError } from '../errors.js';
import { readPrices } from '../prices/prices.js';
import type { RunFacts } from '../record/facts.js';
import { loadManifest, loadResults, savePrices, saveReports } from '../results.js';
import { renderSoak } from '../soak/conclusion.js';
import { soakFile } from '../soak/record.js';
import { reportOfSoak } from '../soak/report.js';
import { measureFacts, type SuiteFacts, summarise } from '../summarise.js';
import { counted, listed } from '../summary/wording.js';
import { printSummary, type Shell } from './shell.js';

interface ReportFlags {
  readonly prices?: string;
  readonly json?: boolean;
}

export function declareReport(program: Command, shell: Shell): void {
  program
    .command('report')
    .description('compute summary and reports again from the saved facts of a run')
    .argument('<run>', 'a results folder')
    .option('--prices <file>', 'a price book instead of the one of the run; kept with the results')
    .option('--json', 'print summary.json on stdout instead of the table')
    .action(async (directory: string, flags: ReportFlags) => {
      const again = existsSync(soakFile(resolve(directory))) ? reportSoak : report;
      shell.finish(await again(directory, flags, shell));
    });
}

async function report(directory: string, flags: ReportFlags, shell: Shell): Promise<Decision> {
  const given = flags.prices === undefined ? null : await readPrices(flags.prices);
  const { manifest, runs, prices: kept, lacking } = await loadResults(resolve(directory));
  if (lacking.length > 0)
    shell.complain(`${directory} lacks ${counted(lacking.length, 'run')} that it should have: ${listed(lacking)}`);
  const { suite, seed, command, repetitions, notApplicable } = manifest;
  const prices = given ?? kept;
  const summary = summariseSaved(directory, {
    suite,
    seed,
    command,
    repetitions,
    finished: isFinished(manifest),
    runs,
    notApplicable,
    prices,
  });
  await savePrices({ id: manifest.id, directory: resolve(directory) }, prices);
  await saveReports({ id: manifest.id, directory: resolve(directory) }, summary, manifest);
  printSummary(summary, flags.json ?? false, shell);
  return summary.verdict.outcome;
}

/** Facts of the right shape that nobody measured: whatever they break is said in a sentence. */
function summariseSaved(
  directory: string,
  facts: Omit<SuiteFacts, 'runs'> & { readonly runs: readonly RunFacts[] },
): Summary {
  try {
    return summarise({ ...facts, runs: facts.runs.map((run) => measureFacts(run, facts.prices)) });
  } catch (error) {
    throw new HarnessError(
      `the runs under ${directory} cannot be summarised: ${messageOf(error)}. They were changed, or written by another version of planebench; run the suite again.`,
      { cause: error },
    );
  }
}

/** Of a soak there is a line a run, and no figure. */
async function reportSoak(directory: string, { json, prices }: ReportFlags, shell: Shell): Promise<Decision> {
  if (prices !== undefined) throw new UsageError(`--prices ${prices}: ${directory} is a soak, which counts no cost`);
  const manifest = await loadManifest(resolve(directory));
  const conclusion = await reportOfSoak({ id: manifest.id, directory: resolve(directory) }, manifest);
  shell.print(json ? JSON.stringify(conclusion, null, 2) : renderSoak(conclusion));
  return conclusion.outcome;
}
