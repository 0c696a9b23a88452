/**
 * Which mistake to blame for rows that more than one would explain. One click fewer is the version before as often as a
 * click that was lost; a row that mixes two versions is one of the two whenever nothing else had changed. So what every
 * row may be is weighed over all rows at once, and the fewest mistakes that explain them are blamed.
 */
import type { RowMistake } from '../record/facts.js';

/** What fits one row. */
export interface Fits {
  readonly mistakes: ReadonlySet<RowMistake>;
  /** Nothing but counts differ, to one side: it fits much and proves nothing. */
  readonly isWeak: boolean;
  /** Blamed if nothing that is more precise is: the side to which its counts and sums are off. */
  readonly otherwise: RowMistake;
}

/** Of mistakes that fit as many rows the first is blamed. */
const precise = ['deleteIgnored', 'windowsDropped', 'ahead', 'unclaimed', 'misdated', 'torn'] as const;
/** These explain a row by less than all of its features: not believed unless they fit half of the rows that are left. */
const partial: ReadonlySet<RowMistake> = new Set(['windowsDropped', 'torn']);
/** An order that was lost, and a click after it, make a mixture too: so many mixtures must be nothing else. */
const leastTorn = 3;

/** One a row, in their order. */
export function blameMistakes(rows: readonly Fits[]): RowMistake[] {
  const blamed: (RowMistake | null)[] = rows.map(() => null);
  const believed: RowMistake[] = [];
  const strong = rows.flatMap(({ isWeak }, i) => (isWeak ? [] : [i]));
  for (let left = strong; left.length > 0; left = left.filter((i) => blamed[i] === null)) {
    const mistake = mostFitting(left.map((i) => rows[i] as Fits));
    if (mistake === null) break;
    believed.push(mistake);
    for (const i of left) if (rows[i]?.mistakes.has(mistake)) blamed[i] = mistake;
  }
  // Weak rows follow what the strong ones prove, if that is most of what they prove.
  const shareOf = (mistake: RowMistake) => strong.filter((i) => blamed[i] === mistake).length / strong.length;
  const leading = believed.filter((mistake) => shareOf(mistake) >= 1 / 2);
  return rows.map(({ mistakes, isWeak, otherwise }, i) => {
    const followed = isWeak ? leading.find((mistake) => mistakes.has(mistake)) : undefined;
    return blamed[i] ?? followed ?? otherwise;
  });
}

function mostFitting(rows: readonly Fits[]): RowMistake | null {
  let best: RowMistake | null = null;
  let most = 0;
  for (const mistake of precise) {
    const fitting = rows.filter(({ mistakes }) => mistakes.has(mistake));
    if (partial.has(mistake) && fitting.length < rows.length / 2) continue;
    if (mistake === 'torn' && !isTearing(fitting, rows.length)) continue;
    if (fitting.length > most) {
      best = mistake;
      most = fitting.length;
    }
  }
  return best;
}

/** `fitting` of so many rows are mixtures, or one of the two versions as a whole. */
function isTearing(fitting: readonly Fits[], rows: number): boolean {
  const mixed = fitting.filter(({ mistakes }) => mistakes.size === 1);
  const isCertain = mixed.length >= leastTorn || mixed.some(({ otherwise }) => otherwise === 'wrong');
  return isCertain && mixed.length >= rows / 10;
}
