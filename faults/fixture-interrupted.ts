/**
 * A harness for the test that ends it: a run of the lakehouse in which a role stands still, a server is gone and another
 * role dies again and again, for minutes. It tells its parent when all that harm is done, and ends cleanly on SIGINT, as the
 * command line does.
 */
import { hostClock } from '../harness/clock.js';
import { simulatedBuild } from '../harness/lineage/origin.js';
import { descriptionOf, loadArchitecture } from '../harness/processes/load-architecture.js';
import { openScratch } from '../harness/processes/scratch.js';
import type { Supervisor } from '../harness/processes/supervisor.js';
import { observeRun } from '../harness/run.js';
import type { FaultPlan, Scenario } from '../harness/scenario.js';
import { machineSite } from '../harness/site.js';
import { measuredScenario } from '../harness/suites/measured.js';
import { loadTrace } from '../harness/traces.js';
import { secondUs } from '../workloads/durations.js';

const minutesUs = 300 * secondUs;
const schedule = { kind: 'once', afterUs: 0, jitterUs: 0 } as const;
/** The compactor comes up without the online store. */
const faults: readonly FaultPlan[] = [
  { kind: 'role-pause', role: 'stream', lastsUs: minutesUs, schedule },
  { kind: 'online-store-outage', lastsUs: minutesUs, schedule },
  { kind: 'crash-loop', role: 'compactor', lastsUs: minutesUs, schedule },
];
const isHurt = async (supervisor: Supervisor) =>
  (await supervisor.isPaused('stream')) &&
  supervisor.lastEvent('online-store')?.kind === 'exited' &&
  (supervisor.processes().find(({ name }) => name === 'compactor')?.restarts ?? 0) > 1;

const scenario: Scenario = {
  ...measuredScenario({
    name: 'interrupted',
    customers: 20,
    historyFacts: 100,
    changesPerSecond: 10,
    predictionsPerSecond: 0,
    lookupsPerSecond: 0,
    warmUpUs: secondUs / 10,
    measureUs: secondUs / 10,
    faultUs: minutesUs,
    drainUs: 0,
  }),
  faults,
};

const interrupt = new AbortController();
process.on('SIGINT', () => interrupt.abort(new Error('interrupted')));
const scratch = await openScratch();
const site = machineSite(scenario, scratch, simulatedBuild);
const trace = await loadTrace(scenario, 1, scratch.directory);
const watching = (async () => {
  while (!interrupt.signal.aborted) {
    await hostClock.sleep(10_000);
    const load = site.supervisor.lastEvent('emitter');
    if (load && (await isHurt(site.supervisor))) return process.send?.('hurt');
  }
})();
await observeRun(
  {
    id: 'interrupted',
    scenario,
    arm: { architecture: 'lakehouse', specifier: 'lakehouse', params: null },
    repetition: 1,
    seed: 1,
  },
  {
    trace,
    architecture: descriptionOf(await loadArchitecture('lakehouse', undefined)),
    site,
    parent: scratch.directory,
    quiet: Promise.resolve(),
    idle: () => {},
    progress: () => {},
    signal: interrupt.signal,
  },
).catch(() => {});
await watching;
await trace.close();
await scratch.close();
// Nothing else may keep it alive.
process.disconnect();
