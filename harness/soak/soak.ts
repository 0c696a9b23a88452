/** Run after run, each under faults of its own, with no more of them in memory than are running. */
import { availableParallelism } from 'node:os';
import type { Manifest } from '../../reports/summary.js';
import type { RunsOptions } from '../arms.js';
import { beginManifest, buildOf, describeArms, usedPorts } from '../bench.js';
import { calendarTime, monotonicUs } from '../clock.js';
import { UsageError } from '../errors.js';
import { scheduleFaults } from '../injection.js';
import { runOnMachine } from '../machine-runs.js';
import type { ArchitectureDescription } from '../processes/describe-architecture.js';
import { openScratch } from '../processes/scratch.js';
import type { Progress } from '../progress.js';
import type { Finding, RunFacts } from '../record/facts.js';
import { createResults, type Results, saveManifest, saveRun, writeWhole } from '../results.js';
import type { Arm, RunPlan } from '../scenario.js';
import { runInSimulation } from '../simulated-runs.js';
import type { Costs } from '../simulation/costs.js';
import type { ExternalServers } from '../stacks/external-settings.js';
import type { BrokerCount, StackName } from '../stacks/stack.js';
import type { Shard } from '../suite.js';
import { soakScenario, soakSuite } from '../suites/soak.js';
import { tryServers } from '../trial-start.js';
import { renderFailure, type SoakConclusion } from './conclusion.js';
import { appendLine, type SoakLine } from './record.js';
import { reportOfSoak } from './report.js';
import { type Residue, readResidue } from './residue.js';
import { judgeSoakRun } from './verdict.js';

export interface SoakOptions {
  readonly arms: readonly Arm[];
  readonly stack: StackName;
  /** Of the stack external. */
  readonly servers?: ExternalServers | undefined;
  readonly brokers?: BrokerCount | undefined;
  /** The first; every run takes the next. */
  readonly seed: number;
  /** When no further run is begun: so many seeds, or so long. */
  readonly until: { readonly seeds: number } | { readonly us: number };
  readonly shard?: Shard | undefined;
  readonly out: string;
  readonly command: string;
  /** The command that does one run again. */
  readonly commandOf: (seed: number, arm: Arm) => string;
  readonly costs: Costs;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Facts of so many runs that are not sound are kept; the command of each is in its line. */
const mostKept = 20;
/**
 * In virtual time each processor does so many before it waits for the others: it pays once for its process, whose memory
 * is given back then, and the last of them leave others idle.
 */
const simulatedAtOnce = 100;

export async function soak(options: SoakOptions): Promise<{ results: Results; conclusion: SoakConclusion }> {
  const { arms, stack, servers, brokers, seed, until, shard, signal } = options;
  const startUs = monotonicUs();
  const scratch = await openScratch();
  try {
    const described = await describeArms(arms, scratch);
    for (const description of described.values()) refuseUnsoakable(description);
    const scenario = { stack, ...(servers && { servers }), ...(brokers && { brokers }) };
    const versions = await tryServers([{ ...scenario, faults: [] }], usedPorts(described), scratch);
    const results = await createResults(options.out, soakSuite.name);
    const begun = await beginManifest({
      results,
      suite: { ...soakSuite, repetitions: 'seeds' in until ? until.seeds : 0 },
      seed,
      command: options.command,
      servers: versions,
      notApplicable: [],
      plannedRuns: null,
      costs: stack === 'simulated' ? options.costs : null,
    });
    await saveManifest(results, begun);
    let kept = 0;
    const isOver = (next: number) =>
      signal.aborted || ('seeds' in until ? next >= until.seeds : monotonicUs() - startUs >= until.us);
    const mine = (n: number) => shard === undefined || n % shard.of === shard.part - 1;
    const size = stack === 'simulated' ? simulatedAtOnce * availableParallelism() : 1;
    let next = 0;
    while (!isOver(next)) await round(plansAhead(size));
    const manifest = { ...begun, endedAt: calendarTime(), interrupted: signal.aborted };
    await saveManifest(results, manifest);
    const conclusion = await reportOfSoak(results, manifest);
    await writeWhole(`${results.directory}/soak.json`, `${JSON.stringify(conclusion, null, 2)}\n`);
    return { results, conclusion };

    function planned(one: number, arm: Arm): RunPlan {
      const plan = planSoak(one, stack, arm, described.get(arm) as ArchitectureDescription);
      return { ...plan, scenario: { ...plan.scenario, ...scenario } };
    }

    /** Those of the next seeds, each planned when its turn comes. */
    function* plansAhead(most: number): Generator<readonly RunPlan[]> {
      for (let seeds = 0; seeds < most && !isOver(next); next++) {
        if (!mine(next)) continue;
        seeds++;
        const one = seed + next;
        for (const arm of arms) yield [planned(one, arm)];
      }
    }

    async function round(groups: Iterable<readonly RunPlan[]>): Promise<void> {
      const changes = new Map<number, number>();
      const lines: Omit<SoakLine, keyof Residue>[] = [];
      const common: RunsOptions = {
        described,
        build: buildOf(begun),
        scratch,
        signal,
        progress: silent,
        onInspected: undefined,
        onTrace: (trace: Manifest['traces'][number]) => void changes.set(trace.seed, trace.changes),
        async keep(run) {
          const line = { ...describe(run), changes: changes.get(run.plan.seed) ?? 0 };
          lines.push(line);
          if (line.outcome === 'sound') return options.say(inWords(line));
          options.say(renderFailure(line).join('\n'));
          if (kept++ < mostKept) await saveRun(results, run);
        },
      };
      if (stack === 'simulated') await runInSimulation(groups, { ...common, costs: options.costs });
      else await runOnMachine([...groups], common);
      // Nothing runs now: what is left was left behind.
      const residue = await readResidue(scratch.directory);
      for (const line of lines) {
        const whole = { ...line, ...residue };
        await appendLine(results.directory, whole);
      }
    }

    function describe(run: RunFacts): Omit<SoakLine, keyof Residue | 'changes'> {
      const { plan, faults, ledger } = run;
      const judged = judgeSoakRun(run);
      return {
        run: plan.id,
        seed: plan.seed,
        architecture: plan.arm.architecture,
        stack: plan.scenario.stack,
        faults: struckIn(run),
        witnessed: faults.filter(({ witnessedUs }) => witnessedUs !== null).map(({ kind }) => kind),
        ...judged,
        verdict: judged.findings[0] ?? 'pass',
        monotonicViolations: ledger?.monotonicViolations ?? null,
        command: options.commandOf(plan.seed, plan.arm),
        atUs: monotonicUs() - startUs,
      };
    }
  } finally {
    await scratch.close();
  }
}

/** The run of a seed: the same whether it is the first of a soak or the last. */
export function planSoak(seed: number, stack: StackName, arm: Arm, architecture: ArchitectureDescription): RunPlan {
  return {
    id: `${soakSuite.name}-${seed}-${arm.architecture}`,
    scenario: soakScenario(seed, stack, architecture),
    arm,
    repetition: seed,
    seed,
  };
}

/** As planned: a run that broke off has no facts of them. */
function struckIn({ plan, faults }: RunFacts): string[] {
  const planned = scheduleFaults(plan.scenario, plan.seed);
  return planned
    .map(({ plan: { kind }, window }, i) => ({
      atUs: window.atUs,
      text: `${kind} of ${faults[i]?.target || 'unknown'}`,
    }))
    .sort((a, b) => a.atUs - b.atUs)
    .map(({ text }) => text);
}

function inWords({ run, atUs, faults }: Pick<SoakLine, 'run' | 'atUs' | 'faults'>): string {
  return `[${(atUs / 1e6).toFixed(1).padStart(6)} s] sound ${run}: ${faults.join(', ')}`;
}

function refuseUnsoakable(description: ArchitectureDescription | Finding): void {
  if ('code' in description) throw new UsageError(description.message);
  if (description.roles.some(({ ingests }) => ingests)) return;
  throw new UsageError(
    `no role of ${description.name} takes changes in: there is nothing that a soak could find lost.`,
  );
}

/** A line a run is enough. */
const silent: Progress = { begin() {}, phase() {}, finish() {}, end() {} };
