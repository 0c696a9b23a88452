/**
 * Does the lakehouse lose or double anything under any two faults at once? All pairs of injuries, each under so many
 * seeds, in virtual time. The tests try a sample of them; all take a while, so they are run by hand:
 * `node dist/harness/soak/pair-trials.js 2` is two seeds, and with a pair's number behind it that pair alone.
 */
import { secondUs } from '../../workloads/durations.js';
import { describeArms } from '../bench.js';
import { simulatedBuild } from '../lineage/origin.js';
import { openScratch } from '../processes/scratch.js';
import type { RunFacts } from '../record/facts.js';
import type { FaultPlan, FaultSpec, RunPlan } from '../scenario.js';
import { runInSimulation } from '../simulated-runs.js';
import { defaultCosts } from '../simulation/costs.js';
import { armOf } from '../suite.js';
import { calmInVirtualTime } from '../suites/soak.js';
import { injuriesOf, longPauseUs, nameOf, pairsOf } from './fault-pairs.js';
import { judgeSoakRun, type SoakOutcome } from './verdict.js';

const arm = armOf('lakehouse');
const pairs = pairsOf(
  injuriesOf({ roles: ['stream', 'compactor', 'serving'], ports: ['changeLog', 'onlineStore', 'tables'] }),
);
const schedule = { kind: 'once', afterUs: secondUs / 2, jitterUs: secondUs / 4 } as const;
/** Runs that share a trace: enough to pay for it, few enough to keep every processor busy to the end. */
const runsATrace = 50;

const seeds = Number(process.argv[2] ?? 1);
const only = process.argv[3] === undefined ? null : Number(process.argv[3]);
const outcomes: Record<SoakOutcome, number> = { sound: 0, unsound: 0, 'not judged': 0 };

const scratch = await openScratch();
try {
  await runInSimulation(groups(), {
    described: await describeArms([arm], scratch),
    build: simulatedBuild,
    scratch,
    progress: { begin() {}, phase() {}, finish() {}, end() {} },
    signal: new AbortController().signal,
    onInspected: undefined,
    onTrace() {},
    keep: async (run) => judge(run),
    costs: defaultCosts,
  });
} finally {
  await scratch.close();
}
const all = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
console.log(
  `${all} runs: ${Object.entries(outcomes)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ')}`,
);
if (outcomes.sound < all || all === 0) process.exitCode = 1;

function* groups(): Generator<RunPlan[]> {
  const numbered = pairs.map((specs, number) => ({ specs, number }));
  const chosen = numbered.filter(({ number }) => only === null || number === only);
  const isLong = ({ specs }: (typeof chosen)[number]) =>
    specs.some((spec) => 'lastsUs' in spec && spec.lastsUs === longPauseUs);
  for (let seed = 1; seed <= seeds; seed++) {
    for (const long of [false, true]) {
      const same = chosen.filter((pair) => isLong(pair) === long);
      for (let from = 0; from < same.length; from += runsATrace) {
        yield same
          .slice(from, from + runsATrace)
          .map(({ specs, number }) =>
            planOf(specs, { seed, number, lastsUs: long ? longPauseUs : 5 * secondUs, trace: `${long}-${from}` }),
          );
      }
    }
  }
}

function planOf(
  specs: readonly FaultSpec[],
  how: { readonly seed: number; readonly number: number; readonly lastsUs: number; readonly trace: string },
): RunPlan {
  const { seed, number, lastsUs, trace } = how;
  const faults = specs.map((spec): FaultPlan => ({ ...spec, schedule }));
  const phases = { ...calmInVirtualTime.phases, faultUs: lastsUs + 2.5 * secondUs };
  const scenario = { ...calmInVirtualTime, name: `pairs-${trace}`, stack: 'simulated' as const, phases, faults };
  return { id: `pair-${number}-seed-${seed}`, scenario, arm, repetition: seed, seed };
}

function judge(run: RunFacts): void {
  const { outcome, findings } = judgeSoakRun(run);
  outcomes[outcome]++;
  const done = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  if (done % runsATrace === 0) console.error(`${done} of ${seeds * (only === null ? pairs.length : 1)} runs`);
  if (outcome === 'sound') return;
  const { id, scenario, seed } = run.plan;
  const [, number] = id.split('-');
  console.log(
    `${outcome.toUpperCase()} seed ${seed}: ${scenario.faults.map(({ schedule: _, ...spec }) => nameOf(spec as FaultSpec)).join(' and ')}`,
  );
  for (const finding of findings.slice(0, 4)) console.log(`    ${finding}`);
  console.log(`    again: node dist/harness/soak/pair-trials.js ${seed} ${number}`);
}
