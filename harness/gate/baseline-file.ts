/** Baselines on disk, and values from wherever a user names them. What does not fit is refused in a sentence. */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Baseline, ScenarioIdentity } from '../../reports/baseline.js';
import { validateBaseline } from '../../reports/validate.js';
import { messageOf, UsageError } from '../errors.js';
import { metricNames } from '../measures/metrics.js';
import { loadResults, writeWhole } from '../results.js';
import { valuesOf } from './run-values.js';

const schemaName: Baseline['schema'] = 'planebench.baseline/1';

export async function readBaseline(path: string): Promise<Baseline> {
  return parseBaseline(await readJson(path), path);
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(
      `${path} cannot be read as a baseline: ${messageOf(error)}. Make one with \`npm run planebench -- gate RUN --write-baseline FILE\`.`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `${path} is no JSON: ${messageOf(error)}. A baseline is what \`npm run planebench -- gate RUN --write-baseline FILE\` writes.`,
    );
  }
}

function parseBaseline(json: unknown, path: string): Baseline {
  const found = (json as { schema?: unknown } | null)?.schema;
  if (found !== schemaName) {
    throw new UsageError(
      `${path} has schema ${JSON.stringify(found) ?? 'none'}, expected "${schemaName}": make it again with this version (\`npm run planebench -- gate RUN --write-baseline FILE\`).`,
    );
  }
  let baseline: Baseline;
  try {
    baseline = validateBaseline(json, path);
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
  const problem = misfitOf(baseline);
  if (problem !== null) throw new UsageError(`${path} contradicts itself: ${problem}. Make it again.`);
  return baseline;
}

/** What a schema cannot say. */
function misfitOf({ planes, scenarios }: Baseline): string | null {
  const seen = new Set<string>();
  for (const { scenario, architecture, runs, figures } of planes) {
    const name = `${scenario} ${architecture}`;
    if (seen.has(name)) return `it has ${name} twice`;
    seen.add(name);
    if (!scenarios.some((known) => known.name === scenario))
      return `${name} is of a scenario that it does not describe`;
    if (new Set(runs.map(({ repetition }) => repetition)).size < runs.length) return `${name} has a repetition twice`;
    for (const { metric, statistic, values } of figures) {
      if (!metricNames.some((known) => known === metric))
        return `${name} has a figure ${metric} that this version does not measure`;
      if (values.length !== runs.length)
        return `${name} ${metric}.${statistic} has ${values.length} values for ${runs.length} runs`;
    }
  }
  return null;
}

/** A line a figure, so that a diff shows what moved. */
export async function writeBaseline(path: string, baseline: Baseline, overwrite: boolean): Promise<void> {
  if (!overwrite && (await exists(path))) {
    throw new UsageError(`${path} is there already and was left as it is: name another file, or say --overwrite.`);
  }
  const { planes, scenarios, ...head } = baseline;
  const lines = (items: readonly unknown[], indent: string) =>
    `[\n${items.map((item) => `${indent}  ${JSON.stringify(item)}`).join(',\n')}\n${indent}]`;
  const blocks = planes.map(({ figures, ...plane }) => {
    const opened = JSON.stringify(plane).slice(0, -1);
    return `    ${opened},"figures":${lines(figures, '    ')}}`;
  });
  const opened = JSON.stringify(head, null, 2).slice(0, -2);
  await writeWhole(
    path,
    `${opened},\n  "scenarios": ${lines(scenarios, '  ')},\n  "planes": [\n${blocks.join(',\n')}\n  ]\n}\n`,
  );
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Of a results folder, of the summary.json in one, or of a baseline. */
export async function loadValues(path: string): Promise<Baseline> {
  const found = await stat(path).catch(() => null);
  if (found === null) {
    throw new UsageError(
      `there is no ${path}: name a results folder that \`npm run bench\` has written, or a baseline file.`,
    );
  }
  if (found.isDirectory()) return loadFolder(path);
  if (basename(path) === 'summary.json' && (await exists(join(dirname(path), 'manifest.json')))) {
    return loadFolder(dirname(path));
  }
  const json = await readJson(path);
  if ((json as { schema?: unknown } | null)?.schema === 'planebench.summary/1') {
    throw new UsageError(
      `${path} is a summary away from its results folder: it has figures of all runs together and none of single runs, so no pairs can be formed. Name the results folder, or a baseline made from it.`,
    );
  }
  return parseBaseline(json, path);
}

async function loadFolder(path: string): Promise<Baseline> {
  const { manifest, runs, prices } = await loadResults(resolve(path));
  return valuesOf(manifest, runs, prices);
}

/** Figures that may be set side by side: one badge, stack, time scale, and the same scenarios, at the same service times. */
export function refuseUnlike(
  one: { readonly name: string; readonly scenarios: readonly ScenarioIdentity[] },
  other: { readonly name: string; readonly scenarios: readonly ScenarioIdentity[] },
): void {
  const kinds = [
    ['badge', (words: string) => words, 'simulated and measured figures are never compared'],
    ['stack', (words: string) => `of the stack ${words}`, 'figures of different stacks are not comparable'],
    ['timeScale', (words: string) => `at time scale ${words}`, 'figures of different time scales are not comparable'],
  ] as const;
  for (const { name, scenarios } of [one, other])
    if (scenarios.length === 0)
      throw new UsageError(`${name} has no run of a plane: there is nothing to compare. Make it again.`);
  for (const [field, phrase, why] of kinds) {
    const [ours, theirs] = [one, other].map(({ scenarios }) =>
      [...new Set(scenarios.map((scenario) => String(scenario[field])))].sort().join(' and '),
    ) as [string, string];
    if (ours !== theirs)
      throw new UsageError(`${one.name} is ${phrase(ours)}, ${other.name} is ${phrase(theirs)}: ${why}.`);
  }
  for (const ours of one.scenarios) {
    const { name, sha256 } = ours;
    const theirs = other.scenarios.find((scenario) => scenario.name === name);
    if (theirs && serviceTimesOf(theirs) !== serviceTimesOf(ours)) {
      throw new UsageError(
        `the scenario ${name} of ${one.name} has ${describeServiceTimes(ours)}, that of ${other.name} has ${describeServiceTimes(theirs)}: figures of different machines in virtual time are not comparable. Simulate both with the same --service-times.`,
      );
    }
    if (theirs && theirs.sha256 !== sha256) {
      throw new UsageError(
        `the scenario ${name} of ${one.name} is not that of ${other.name}: load, phases, SLO or faults were changed in between, so their figures answer different questions. Make the older one again.`,
      );
    }
  }
}

type Model = Pick<ScenarioIdentity, 'serviceTimes'>;
const serviceTimesOf = ({ serviceTimes }: Model) => serviceTimes ?? 'standard';

function describeServiceTimes(model: Model): string {
  const times = serviceTimesOf(model);
  return times === 'standard'
    ? 'the standard service times'
    : `service times of its own (SHA-256 ${times.slice(0, 12)})`;
}

export function refuseOtherSuite(baseline: Baseline, path: string, suite: string): void {
  if (baseline.suite !== suite) {
    throw new UsageError(
      `${path} is a baseline of the suite "${baseline.suite}", and this is "${suite}": name a baseline of "${suite}".`,
    );
  }
}
