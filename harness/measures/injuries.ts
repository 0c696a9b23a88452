/**
 * What was done to a plane in a run, in order of time. Faults that overlap are one injury: what follows cannot be told
 * apart. A fault lasts from its injection until what it struck is in service again, an injury's effects until the next.
 */
import type { FaultFact, RunFacts } from '../record/facts.js';

/** One that took place. */
export interface Injection extends FaultFact {
  readonly injectedUs: number;
}

export interface Injury {
  /** "role-crash", or "role-crash + slow-port" in the order of the scenario. */
  readonly fault: string;
  readonly target: string;
  readonly injections: readonly Injection[];
  /** The first. */
  readonly injectedUs: number;
  /** When all had been seen to bite; null: one was not. */
  readonly witnessedUs: number | null;
  /** When the last of what was struck was in service again; null: one never was. */
  readonly readyUs: number | null;
  /** The next injury; null: there is none. */
  readonly nextUs: number | null;
}
export interface WitnessedInjury extends Injury {
  readonly witnessedUs: number;
}

type Faults = Pick<RunFacts, 'faults'>;

export function injectionsOf({ faults }: Faults): Injection[] {
  return faults
    .filter((fault): fault is Injection => fault.injectedUs !== null)
    .sort((a, b) => a.injectedUs - b.injectedUs);
}

export function injuriesOf(run: Faults): Injury[] {
  const groups: Injection[][] = [];
  let endUs = Number.NEGATIVE_INFINITY;
  for (const injection of injectionsOf(run)) {
    if (injection.injectedUs <= endUs) groups[groups.length - 1]?.push(injection);
    else groups.push([injection]);
    endUs = Math.max(endUs, injection.readyUs ?? Number.POSITIVE_INFINITY);
  }
  return groups.map((group, i) => injuryFrom(group, groups[i + 1]?.[0]?.injectedUs ?? null));
}

function injuryFrom(injections: readonly Injection[], nextUs: number | null): Injury {
  const inScenarioOrder = [...injections].sort((a, b) => a.fault - b.fault);
  const named = (name: (injection: Injection) => string) => [...new Set(inScenarioOrder.map(name))].join(' + ');
  return {
    fault: named(({ kind }) => kind),
    target: named(({ target }) => target),
    injections,
    injectedUs: Math.min(...injections.map(({ injectedUs }) => injectedUs)),
    witnessedUs: latest(injections.map(({ witnessedUs }) => witnessedUs)),
    readyUs: latest(injections.map(({ readyUs }) => readyUs)),
    nextUs,
  };
}

function latest(times: readonly (number | null)[]): number | null {
  return times.reduce((last, us) => (last === null || us === null ? null : Math.max(last, us)));
}

export function witnessedInjuriesOf(run: Faults): WitnessedInjury[] {
  return injuriesOf(run).filter((injury): injury is WitnessedInjury => injury.witnessedUs !== null);
}
