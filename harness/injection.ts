/**
 * The faults of a run, each through its life: scheduled, armed, injected, witnessed, healed. All strike by themselves,
 * beside the load; what became of them is told as facts, and nothing is concluded here.
 */
import { faults } from '../faults/registry.js';
import type { Workload } from '../workloads/workload.js';
import { HarnessError, HealError, messageOf } from './errors.js';
import type { Fault, SourceRecord, Strike, Support, Unstruck, Window, Witness } from './fault.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import { seededRandom } from './random.js';
import type { FaultFact } from './record/facts.js';
import type { FaultKind, FaultPlan, Scenario } from './scenario.js';
import { brokersOf, canBeWired, serverForms } from './stacks/stack.js';

type AnyFault = Fault<FaultKind, unknown>;
const faultOf = ({ kind }: FaultPlan): AnyFault => faults[kind] as unknown as AnyFault;

/** A fault of a scenario at one of its moments. */
interface Planned {
  readonly fault: number;
  readonly plan: FaultPlan;
  readonly window: Window;
}

/**
 * A function of the scenario and the seed alone: every plane of a repetition is struck at the same moments. Faults that differ
 * only in the port strike together, as each is for the planes that use that port.
 */
export function scheduleFaults(scenario: Scenario, seed: number): Planned[] {
  const random = seededRandom(seed, '/faults');
  const windowsOf = new Map<string, readonly Window[]>();
  return scenario.faults.flatMap((plan, fault) => {
    const alike = JSON.stringify({ ...plan, port: undefined });
    const windows = windowsOf.get(alike) ?? faultOf(plan).schedule(plan, scenario, random);
    windowsOf.set(alike, windows);
    return windows.map((window) => ({ fault, plan, window }));
  });
}

/** The workload with what its faults make of the source. */
export function disturbedWorkload(scenario: Scenario, seed: number): Workload {
  const { workload, epochUs } = scenario;
  let { changes } = workload;
  for (const { plan, window } of scheduleFaults(scenario, seed)) {
    const sinceStart = { atUs: window.atUs - epochUs, untilUs: window.untilUs - epochUs };
    changes = faultOf(plan).disturb?.(plan, changes, sinceStart) ?? changes;
  }
  return { ...workload, changes };
}

/** Where it would strike, or why it cannot. */
export function supportOf(plan: FaultPlan, scenario: Scenario, architecture: ArchitectureDescription): Support {
  return faultOf(plan).supports(plan, {
    architecture,
    proxies: canBeWired(scenario.stack),
    lent: scenario.stack === 'external',
    brokers: brokersOf(scenario.stack, scenario.brokers),
    forms: serverForms(scenario.stack),
  });
}

/** Who is struck: all that a strike needs beside its plan. */
type Struck = Omit<Strike, 'spec' | 'target' | 'window' | 'source'> & {
  readonly architecture: ArchitectureDescription;
};

export interface Injections {
  /** What is known by now. */
  facts(): FaultFact[];
  /** When every harm has ended; rejects with a HealError if one cannot be ended. */
  readonly healed: Promise<void>;
  /** When the source's own record is there, every fault is asked for its proof. */
  witness(source: SourceRecord): Promise<void>;
  /** The run is over, however far it came: what has not happened will not, and nothing waits for it any more. */
  end(): void;
}

/**
 * What was seen before the harm was done is no proof of it. A disturbance is in the trace from the start, so its first
 * change is committed at the moment of its window, which is a little before that of its injection.
 */
function isBefore({ atUs }: Witness | Unstruck, { injectedUs }: FaultFact, { disturb }: AnyFault): boolean {
  return disturb === undefined && atUs !== null && injectedUs !== null && atUs < injectedUs;
}

const tooLate: Unstruck = { atUs: null, saw: 'it was in place only when it was to be over' };

/** From one attempt to end the harm to the next, and how many there are. */
const healEveryUs = 500_000;
const healAttempts = 10;
/** For what was struck to be in service again. */
const readyWithinUs = 30_000_000;

export function beginInjections(scenario: Scenario, seed: number, struck: Struck): Injections {
  const { supervisor, architecture } = struck;
  const { clock } = supervisor;
  let tellSource: (source: SourceRecord) => void = () => {};
  const source = new Promise<SourceRecord>((resolve) => {
    tellSource = resolve;
  });
  const over = new AbortController();
  const { signal } = over;

  const lives = scheduleFaults(scenario, seed).map(({ fault, plan, window }) => {
    const support = supportOf(plan, scenario, architecture);
    const fact: { -readonly [Field in keyof FaultFact]: FaultFact[Field] } = {
      fault,
      kind: plan.kind,
      target: 'target' in support ? support.target : '',
      scheduledUs: window.atUs,
      armedUs: null,
      injectedUs: null,
      witnessedUs: null,
      saw: null,
      healedUs: null,
      readyUs: null,
      notApplicable: 'notApplicable' in support ? support.notApplicable : null,
    };
    if (!('target' in support)) return { fact, healed: Promise.resolve(), witness: async () => {} };
    const strike: Strike = { ...struck, spec: plan, target: support.target, window, source };
    const harmed = harm(faultOf(plan), strike, fact);
    harmed.catch(() => {});
    return {
      fact,
      healed: harmed.then(() => {}),
      async witness() {
        const { harm, inTime } = await harmed;
        const unseen = (error: unknown): Unstruck => ({ atUs: null, saw: `it could not be seen: ${messageOf(error)}` });
        const witness = inTime ? await faultOf(plan).witness(strike, harm).catch(unseen) : tooLate;
        if (witness !== null && isBefore(witness, fact, faultOf(plan))) return;
        fact.witnessedUs = witness?.atUs ?? null;
        fact.saw = witness?.saw ?? null;
      },
    };
  });
  const healed = Promise.all(lives.map((life) => life.healed)).then(() => {});
  healed.catch(() => {});

  async function harm(
    fault: AnyFault,
    strike: Strike,
    fact: { -readonly [Field in keyof FaultFact]: FaultFact[Field] },
  ): Promise<{ readonly harm: unknown; readonly inTime: boolean }> {
    const armed = fault.arm?.(strike);
    fact.armedUs = clock.nowUs();
    await clock.sleepUntil(strike.window.atUs, signal);
    const since = supervisor.eventCount();
    fact.injectedUs = clock.nowUs();
    const harm = await fault.inject(strike, armed);
    const { atUs, untilUs } = strike.window;
    // What takes its time to be done, as a role has to be there to be held, must not be over before it is.
    const inTime = atUs === untilUs || clock.nowUs() < untilUs;
    await clock.sleepUntil(untilUs, signal);
    await healUntilDone(fault, strike, harm);
    const healedUs = clock.nowUs();
    fact.healedUs = healedUs;
    const readyUs = await inService(strike.target, since);
    fact.readyUs = readyUs === null || !fault.outlivesRole ? readyUs : Math.max(readyUs, healedUs);
    return { harm, inTime };
  }

  async function healUntilDone(fault: AnyFault, strike: Strike, harm: unknown): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await fault.heal(strike, harm);
      } catch (error) {
        signal.throwIfAborted();
        if (attempt === healAttempts) {
          throw new HealError(
            `${strike.spec.kind} of ${strike.target} could not be healed, though it was tried ${attempt} times: ${messageOf(error)}`,
          );
        }
        await clock.sleep(healEveryUs, signal);
      }
    }
  }

  /** A role that died meanwhile is in service when it is ready again; null: it was not in time. */
  async function inService(target: string, since: number): Promise<number | null> {
    const isRole = architecture.roles.some(({ name }) => name === target);
    if (!isRole || !supervisor.hasExited(target, since)) return clock.nowUs();
    const last = supervisor.lastEvent(target);
    const isReady = last?.kind === 'ready';
    const ready = isReady ? last : await supervisor.waitFor(target, 'ready', supervisor.eventCount(), readyWithinUs);
    return ready?.atUs ?? null;
  }

  return {
    facts: () => lives.map(({ fact }) => ({ ...fact })),
    healed,
    async witness(record) {
      tellSource(record);
      await Promise.all(lives.map((life) => life.witness()));
    },
    end: () => over.abort(new HarnessError('the run is over: no fault strikes any more')),
  };
}
