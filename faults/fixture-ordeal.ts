/** Every fault of a run's own time, one after the other under load, in a scenario that is as small as can be. */
import type { FaultPlan, FaultSpec, Scenario } from '../harness/scenario.js';
import { measuredScenario } from '../harness/suites/measured.js';
import { secondUs } from '../workloads/durations.js';

/** In order, with what its witness says. On a busy machine a role takes seconds to come up again: each has ample time. */
const ordeal: readonly (readonly [FaultSpec, RegExp])[] = [
  [{ kind: 'role-crash' }, /was gone, by SIGKILL$/],
  [{ kind: 'role-pause', lastsUs: secondUs }, /stood still$/],
  [{ kind: 'crash-loop', lastsUs: 8 * secondUs }, /was gone \d+ times, by SIGKILL$/],
  [{ kind: 'clock-jump', byUs: secondUs / 2, lastsUs: 2 * secondUs }, /^the clock of \w+ was off by 0\.5 s$/],
  [{ kind: 'change-log-outage', lastsUs: secondUs }, /^the server .* was gone/],
  [{ kind: 'online-store-outage', lastsUs: secondUs }, /^the server .* was gone/],
  [{ kind: 'online-store-loss', lastsUs: secondUs }, /^the server .* was gone.*, and all that it held$/],
  [{ kind: 'table-store-outage', lastsUs: 2 * secondUs }, /^the server .* was gone|met it in tables\./],
  [{ kind: 'full-disk', lastsUs: 3 * secondUs }, /met it in (tables|warehouse)\./],
  [
    { kind: 'slow-port', port: 'changeLog', latencyUs: 50_000, jitterUs: 50_000, lastsUs: 2 * secondUs },
    /met it in changeLog\./,
  ],
  [{ kind: 'failing-port', port: 'changeLog', errorPpm: 300_000, lastsUs: 2 * secondUs }, /met it in changeLog\./],
];
/** From the end of one to the next: a role is started again meanwhile. */
const breathUs = 2 * secondUs;

export function ordealScenario(kinds: readonly FaultSpec['kind'][] = ordeal.map(([{ kind }]) => kind)): Scenario {
  const faults: FaultPlan[] = [];
  let afterUs = secondUs / 2;
  for (const [spec] of ordeal) {
    if (!kinds.includes(spec.kind)) continue;
    faults.push({ ...spec, schedule: { kind: 'once', afterUs, jitterUs: 0 } });
    afterUs += ('lastsUs' in spec ? spec.lastsUs : 0) + breathUs;
  }
  const scenario = measuredScenario({
    name: 'ordeal',
    customers: 100,
    historyFacts: 400,
    changesPerSecond: 200,
    predictionsPerSecond: 20,
    lookupsPerSecond: 20,
    warmUpUs: secondUs / 2,
    measureUs: secondUs,
    faultUs: afterUs,
    drainUs: 10 * secondUs,
  });
  return { ...scenario, faults };
}

export const sightOf = (kind: FaultSpec['kind']): RegExp => ordeal.find(([spec]) => spec.kind === kind)?.[1] as RegExp;
