/** From the lines of a soak to its conclusion and its reports. */
import { isFinished, type Manifest } from '../../reports/summary.js';
import { standardPrices } from '../prices/prices.js';
import { type Results, saveReports } from '../results.js';
import { type SoakRun, summariseSoak } from '../summary/soak.js';
import { beginTally, type SoakConclusion } from './conclusion.js';
import { readLines } from './record.js';

/** A few numbers a run stay in memory, however much its line says. */
export async function reportOfSoak(results: Results, manifest: Manifest): Promise<SoakConclusion> {
  const tally = beginTally();
  const runs: SoakRun[] = [];
  for await (const line of readLines(results.directory)) {
    tally.add(line);
    const { run, seed, architecture, faults, verdict, rssBytes, descriptors, children, scratchBytes } = line;
    runs.push({ run, seed, architecture, faults, verdict, rssBytes, descriptors, children, scratchBytes });
  }
  const conclusion = tally.conclude(!isFinished(manifest));
  const { suite, seed, command } = manifest;
  const { outcome } = conclusion;
  await saveReports(results, summariseSoak({ suite, seed, command, prices: standardPrices, outcome, runs }), manifest);
  return conclusion;
}
