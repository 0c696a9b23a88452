/** What is said of a run of soak: correctness alone. How fast it was tells nothing here, where anything may be struck. */
import { measureRun } from '../measures/metrics.js';
import { standardPrices } from '../prices/prices.js';
import type { LedgerFacts, RowVerdicts, RunFacts } from '../record/facts.js';

/** `not judged`: the harness cannot prove that the plane was struck as planned, or could not draw up its books. */
export type SoakOutcome = 'sound' | 'unsound' | 'not judged';

export interface SoakVerdict {
  readonly outcome: SoakOutcome;
  /** In words; empty where it is sound. */
  readonly findings: readonly string[];
}

/** A load generator that was late delays figures, and spoils no count. */
const timing = 'GENERATOR_BEHIND';
/** What the plane itself has brought about. */
const planeFailed = 'PLANE';
/** Without these there is nothing to judge. */
const books = ['NO_LEDGER', 'NO_CHANGES'];

export function judgeSoakRun(run: RunFacts): SoakVerdict {
  const { invalid, missing } = measureRun(run, standardPrices);
  const failures = invalid
    .filter(({ code }) => code === planeFailed)
    .map(({ message }) => `the plane failed: ${message}`);
  const defects = [...failures, ...(run.ledger === null ? [] : defectsOf(run.ledger))];
  const obstacles = [...invalid, ...missing.filter(({ code }) => books.includes(code))]
    .filter(({ code }) => code !== timing && code !== planeFailed)
    .map(({ code, message }) => `${code}: ${message}`);
  if (defects.length > 0) return { outcome: 'unsound', findings: [...defects, ...(run.ledger?.examples ?? [])] };
  return { outcome: obstacles.length > 0 ? 'not judged' : 'sound', findings: obstacles };
}

function defectsOf({ tables, final, live, settled, behind, personalDataLeaks }: LedgerFacts): string[] {
  const last = settled ?? final;
  const counts: readonly (readonly [number, string])[] = [
    [tables?.lost ?? 0, 'acknowledged changes lost'],
    [tables?.duplicated ?? 0, 'changes held more than once'],
    [tables?.unexpected ?? 0, 'changes held that were never sent or had to be refused'],
    [tables?.quarantineMissing ?? 0, 'refused changes not listed'],
    [tables?.quarantineUnexpected ?? 0, 'changes wrongly listed as refused'],
    [last.torn, 'final rows torn'],
    [differing(last) - last.torn, 'final rows wrong'],
    // A plane that corrects itself later has said that it may be wrong until then.
    [settled === null ? differing(live) : 0, 'sampled live reads torn or wrong'],
    [behind, 'keys behind the last acknowledged change'],
    [personalDataLeaks, 'raw personal data stored'],
  ];
  return counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
}

const differing = ({ over, under, torn, wrong }: RowVerdicts) => over + under + torn + wrong;
