/** The injections of a run that took place, in order of time. */
import type { FaultFact, RunFacts } from '../record/facts.js';

export interface Injury extends FaultFact {
  readonly injectedUs: number;
}
export interface WitnessedInjury extends Injury {
  readonly witnessedUs: number;
}

export function injuriesOf({ faults }: Pick<RunFacts, 'faults'>): Injury[] {
  return faults
    .filter((fault): fault is Injury => fault.injectedUs !== null)
    .sort((a, b) => a.injectedUs - b.injectedUs);
}

export function witnessedInjuriesOf(run: Pick<RunFacts, 'faults'>): WitnessedInjury[] {
  return injuriesOf(run).filter((injury): injury is WitnessedInjury => injury.witnessedUs !== null);
}
