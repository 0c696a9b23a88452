/** A results folder: results/<suite>-<time>-<id>/, the manifest first, then run by run, the conclusions last. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderJunit } from '../reports/junit.js';
import { renderMarkdown } from '../reports/markdown.js';
import { isFinished, type Manifest, type PriceBook, type Summary } from '../reports/summary.js';
import { validateManifest } from '../reports/validate.js';
import { calendarTime } from './clock.js';
import { HarnessError, messageOf, UsageError } from './errors.js';
import { readPrices, standardPrices } from './prices/prices.js';
import type { RunFacts } from './record/facts.js';
import { isSaved, loadFacts, saveFacts } from './record/saved-facts.js';

export interface Results {
  readonly id: string;
  readonly directory: string;
}

export async function createResults(parent: string, suite: string): Promise<Results> {
  const time = calendarTime().replace(/[-:]/g, '').replace(/\..*/, '');
  // An id is for people and folders: the one draw that no seed decides.
  const id = `${suite}-${time}-${randomBytes(2).toString('hex')}`;
  const directory = join(parent, id);
  try {
    await mkdir(join(directory, 'runs'), { recursive: true });
  } catch (error) {
    throw new HarnessError(`cannot write results to ${parent}: ${messageOf(error)}. Choose another folder with --out.`);
  }
  return { id, directory };
}

/** Whole or not at all: written beside, then renamed. */
export async function writeWhole(path: string, text: string): Promise<void> {
  try {
    await writeFile(`${path}.part`, text);
    await rename(`${path}.part`, path);
  } catch (error) {
    throw new HarnessError(`cannot write ${path}: ${messageOf(error)}`);
  }
}

export async function saveManifest({ directory }: Results, manifest: Manifest): Promise<void> {
  await writeWhole(join(directory, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The prices that made the figures stand beside them. */
export async function savePrices({ directory }: Results, prices: PriceBook): Promise<void> {
  await writeWhole(join(directory, 'prices.json'), `${JSON.stringify(prices, null, 2)}\n`);
}

/** Results from before there were prices are priced by the book that comes with planebench. */
async function loadPrices(directory: string): Promise<PriceBook> {
  const path = join(directory, 'prices.json');
  return existsSync(path) ? readPrices(path) : standardPrices;
}

export async function saveRun({ directory }: Results, facts: RunFacts): Promise<void> {
  try {
    await saveFacts(join(directory, 'runs', facts.plan.id), facts);
  } catch (error) {
    throw new HarnessError(`cannot save run ${facts.plan.id} under ${directory}: ${messageOf(error)}`);
  }
}

export async function saveReports({ directory }: Results, summary: Summary, manifest: Manifest): Promise<void> {
  // Its charts bring a library that takes half a second to load: who only reads results does not wait for it.
  const { renderHtml } = await import('../reports/html.js');
  await writeWhole(join(directory, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  await writeWhole(join(directory, 'report.html'), renderHtml(summary, manifest));
  await writeWhole(join(directory, 'report.md'), renderMarkdown(summary, manifest));
  await writeWhole(join(directory, 'junit.xml'), renderJunit(summary, manifest));
}

export async function loadManifest(directory: string): Promise<Manifest> {
  const text = await readFile(join(directory, 'manifest.json'), 'utf8').catch(() => {
    throw new UsageError(`${directory} holds no manifest.json: name a folder that \`npm run bench\` has written`);
  });
  return readManifest(text, join(directory, 'manifest.json'));
}

export interface LoadedResults {
  /** Interrupted too where planned runs are not there any more. */
  readonly manifest: Manifest;
  readonly runs: readonly RunFacts[];
  readonly prices: PriceBook;
  /** Ids of runs that were planned or begun, and of which there are no facts. */
  readonly lacking: readonly string[];
}

export async function loadResults(directory: string): Promise<LoadedResults> {
  const manifest = await loadManifest(directory);
  const { plannedRuns } = manifest;
  const { runs, unfinished } = await loadRuns(join(directory, 'runs'));
  const loaded = new Set(runs.map(({ plan }) => plan.id));
  const lacking = [...new Set([...(plannedRuns ?? []), ...unfinished])].filter((id) => !loaded.has(id));
  if (runs.length === 0 && isFinished(manifest) && plannedRuns?.length !== 0)
    throw new UsageError(
      `${directory} holds none of the runs that were made: only what was concluded of them is left, and stays as it is`,
    );
  return {
    manifest: lacking.length === 0 ? manifest : { ...manifest, interrupted: true },
    runs,
    prices: await loadPrices(directory),
    lacking,
  };
}

async function loadRuns(folder: string): Promise<{ runs: RunFacts[]; unfinished: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    throw new UsageError(
      `${folder} cannot be read: ${messageOf(error)}. What was concluded of its runs stays as it is.`,
    );
  });
  const runs: RunFacts[] = [];
  const unfinished: string[] = [];
  for (const name of entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()) {
    const path = join(folder, name);
    if (!isSaved(path)) {
      unfinished.push(name);
      continue;
    }
    const run = await loadFacts(path);
    // A copy beside its original would count as one more repetition.
    if (run.plan.id !== name)
      throw new HarnessError(
        `${path} holds the run ${run.plan.id}: a folder is named after its run. Rename or remove it.`,
      );
    runs.push(run);
  }
  return { runs, unfinished };
}

function readManifest(text: string, path: string): Manifest {
  try {
    return validateManifest(JSON.parse(text), path);
  } catch (error) {
    throw new UsageError(`${path} is no manifest of this version: ${messageOf(error)}`, { cause: error });
  }
}
