/** `gate RUN --baseline FILE` and `run --baseline FILE`: thresholds judged; `gate RUN --write-baseline FILE`: a baseline made. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Baseline } from '../../reports/baseline.js';
import {
  type Decision,
  type GateVerdict,
  renderGate,
  renderGateJunit,
  renderGateMarkdown,
} from '../../reports/gate.js';
import { UsageError } from '../errors.js';
import { readBaseline, refuseOtherSuite, refuseUnlike, writeBaseline } from '../gate/baseline-file.js';
import { judgeGate } from '../gate/gate.js';
import { identityOf, valuesOf } from '../gate/run-values.js';
import { demandsOf } from '../gate/thresholds.js';
import { loadResults, writeWhole } from '../results.js';
import { type Costs, identifyCosts } from '../simulation/costs.js';
import { findSuite, type Suite } from '../suite.js';
import { fewestPairs } from '../summary/comparisons.js';
import { chanceOf } from '../summary/estimates.js';
import { counted } from '../summary/wording.js';
import type { Shell } from './shell.js';

interface GateFlags {
  readonly baseline?: string;
  readonly writeBaseline?: string;
  readonly overwrite?: boolean;
  readonly exact?: boolean;
  readonly junit?: string;
  readonly markdown?: string;
  readonly json?: boolean;
}

export function declareGate(program: Command, shell: Shell): void {
  program
    .command('gate')
    .description('judge a run by the thresholds of its suite and a baseline: pass, fail or inconclusive')
    .argument('<run>', 'a results folder')
    .option('--baseline <file>', 'what the run is compared with')
    .option('--write-baseline <file>', 'make a baseline of the run instead')
    .option('--exact', 'fail also if a simulated figure differs at all from the baseline')
    .option('--overwrite', 'with --write-baseline: also where there is a file already')
    .option('--junit <file>', 'write the verdict for a CI server')
    .option('--markdown <file>', 'write the verdict as Markdown')
    .option('--json', 'print the verdict as JSON')
    .action(async (directory: string, flags: GateFlags) => shell.finish(await gate(directory, flags, shell)));
}

async function gate(directory: string, flags: GateFlags, shell: Shell): Promise<Decision> {
  if ((flags.baseline === undefined) === (flags.writeBaseline === undefined)) {
    throw new UsageError(
      'gate needs one of --baseline FILE, to judge the run, and --write-baseline FILE, to make one of it.',
    );
  }
  refuseStray(flags);
  if (flags.writeBaseline !== undefined) {
    await makeBaseline(directory, flags.writeBaseline, flags.overwrite ?? false, shell);
    return 'pass';
  }
  const file = flags.baseline as string;
  const baseline = await readBaseline(file);
  const verdict = await judgeFolder(directory, { file, baseline }, flags.exact);
  if (flags.junit !== undefined) await writeWhole(flags.junit, renderGateJunit(verdict.verdict, verdict.startedAt));
  if (flags.markdown !== undefined) await writeWhole(flags.markdown, renderGateMarkdown(verdict.verdict));
  shell.print(flags.json ? JSON.stringify(verdict.verdict, null, 2) : renderGate(verdict.verdict, shell.terminal()));
  return verdict.verdict.outcome;
}

/** Flags that mean nothing there would be silently without effect. */
function refuseStray({ writeBaseline, overwrite, exact, junit, markdown, json }: GateFlags): void {
  const given = writeBaseline === undefined ? { overwrite } : { exact, junit, markdown, json };
  const stray = Object.entries(given).find(([, value]) => value !== undefined)?.[0];
  if (stray !== undefined)
    throw new UsageError(
      `--${stray} is for ${writeBaseline === undefined ? '--write-baseline' : '--baseline, by which the run is judged'}: leave it away.`,
    );
}

async function makeBaseline(directory: string, file: string, overwrite: boolean, shell: Shell): Promise<void> {
  const { manifest, runs, prices } = await loadResults(resolve(directory));
  const values = valuesOf(manifest, runs, prices);
  const fewest = Math.min(...values.planes.map((plane) => plane.runs.length));
  if (values.planes.length === 0 || fewest === 0) {
    throw new UsageError(
      `${directory} has no plane, or one without a valid run: nothing could be compared with it. Run the suite again.`,
    );
  }
  await writeBaseline(file, values, overwrite);
  shell.complain(
    `${file}: ${values.suite}, ${counted(values.planes.length, 'plane')}, ${counted(fewest, 'valid run')} each at least`,
  );
  if (fewest < fewestPairs) {
    shell.complain(
      `nothing measured is decided on fewer than ${fewestPairs} pairs: make it of a run with --repetitions ${fewestPairs} or more`,
    );
  }
}

async function judgeFolder(
  directory: string,
  { file, baseline }: OpenedBaseline,
  exact = false,
): Promise<{ verdict: GateVerdict; startedAt: string }> {
  const { manifest, runs, prices } = await loadResults(resolve(directory));
  const suite = findSuite(manifest.suite);
  refuseOtherSuite(baseline, file, suite.name);
  const candidate = valuesOf(manifest, runs, prices);
  refuseUnlike({ name: directory, scenarios: candidate.scenarios }, { name: file, scenarios: baseline.scenarios });
  const scenarios = [...new Map(runs.map(({ plan }) => [plan.scenario.name, plan.scenario])).values()].filter(
    ({ name }) => candidate.scenarios.some((known) => known.name === name),
  );
  const architectures = architecturesOf(candidate);
  const { notApplicable } = manifest;
  const demands = demandsOf(
    { suite: suite.name, scenarios, architectures, thresholds: suite.thresholds, notApplicable },
    baseline,
  );
  const verdict = judgeGate({
    candidate,
    baseline,
    demands,
    chance: chanceOf(candidate.seed),
    run: directory,
    file,
    exact,
  });
  return { verdict, startedAt: manifest.startedAt };
}

const architecturesOf = ({ planes }: Baseline) => [...new Set(planes.map(({ architecture }) => architecture))];

interface OpenedBaseline {
  readonly file: string;
  readonly baseline: Baseline;
}

/** Before a suite is run: whether it can be judged by this baseline at all. */
export async function openGate(
  suite: Suite,
  { seed, costs, file }: { readonly seed: number; readonly costs: Costs; readonly file: string },
  shell: Shell,
): Promise<OpenedBaseline> {
  const baseline = await readBaseline(file);
  const serviceTimes = identifyCosts(costs);
  refuseOtherSuite(baseline, file, suite.name);
  refuseUnlike(
    {
      name: `the suite ${suite.name}`,
      scenarios: suite.scenarios.map((scenario) => identityOf(scenario, serviceTimes)),
    },
    { name: file, scenarios: baseline.scenarios },
  );
  const { name, scenarios, arms, thresholds } = suite;
  demandsOf(
    { suite: name, scenarios, architectures: arms.map(({ architecture }) => architecture), thresholds },
    baseline,
  );
  if (seed !== baseline.seed) {
    shell.complain(`${file} was made with seed ${baseline.seed}, not ${seed}: the runs will be compared unpaired`);
  }
  return { file, baseline };
}

/** After it: the verdict on stdout, or on stderr where stdout belongs to the summary. */
export async function closeGate(
  opened: OpenedBaseline,
  directory: string,
  json: boolean,
  shell: Shell,
): Promise<Decision> {
  const { verdict } = await judgeFolder(directory, opened);
  const words = `\n${renderGate(verdict, shell.terminal())}`;
  if (json) shell.complain(words);
  else shell.print(words);
  return verdict.outcome;
}

/** Of what the suite itself says and what the gate says. */
export function worseOf(one: Decision, other: Decision): Decision {
  return [one, other].includes('fail') ? 'fail' : [one, other].includes('inconclusive') ? 'inconclusive' : 'pass';
}
