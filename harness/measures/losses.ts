/**
 * Which injury cost which changes. A change that the tables lack, or hold too often, is put down to the last injury
 * before it or less than one SLO after it: a sound plane has shown what is older. While what an earlier injury struck is
 * still out of service, that injury has it. What no injury explains stands in the ledger alone.
 *
 * RPO is the span of emission of the acknowledged changes that were lost.
 */
import type { LedgerFacts, RunFacts } from '../record/facts.js';
import { type Injury, injuriesOf } from './injuries.js';

export interface Losses {
  readonly injury: Injury;
  readonly lost: number;
  readonly duplicated: number;
  readonly rpoUs: number;
}

/** One an injury, in order of time; null: the plane offers no tables, or the ledger was not drawn up. */
export function lossesOf(run: RunFacts): Losses[] | null {
  const tables = run.ledger?.tables;
  if (!tables) return null;
  const injuries = injuriesOf(run);
  const fromUs = injuries.map((injury, i) => blamedFromUs(run, injury, injuries[i - 1]));
  return injuries.map((injury, i) => ({
    injury,
    ...lossesWithin(tables, fromUs[i] as number, fromUs[i + 1] ?? Number.POSITIVE_INFINITY),
  }));
}

function blamedFromUs({ plan, timeline }: RunFacts, { injectedUs }: Injury, before: Injury | undefined): number {
  const inServiceUs = before ? (before.readyUs ?? injectedUs) : timeline.loadStartUs;
  return Math.max(inServiceUs, injectedUs - plan.scenario.slo.freshnessUs);
}

function lossesWithin(
  { lost, lostEmitUs, duplicated, duplicatedEmitUs }: NonNullable<LedgerFacts['tables']>,
  fromUs: number,
  untilUs: number,
): Omit<Losses, 'injury'> {
  const within = (times: readonly number[]) => times.filter((us) => us >= fromUs && us < untilUs);
  const [lostHere, surplusHere] = [within(lostEmitUs), within(duplicatedEmitUs)];
  // Of very many only some times are known; they are spread evenly over all.
  const scaled = (here: number, known: number, total: number) => (here === 0 ? 0 : Math.round((here / known) * total));
  return {
    lost: scaled(lostHere.length, lostEmitUs.length, lost),
    duplicated: scaled(surplusHere.length, duplicatedEmitUs.length, duplicated),
    rpoUs: lostHere.length === 0 ? 0 : Math.max(...lostHere) - Math.min(...lostHere),
  };
}
