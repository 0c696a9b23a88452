/**
 * What kind of mistake makes a row that differs from the oracle: each is tried as a counterfactual. Is the row what it
 * would be at another version, without deletions, without the events before some change, or part one version and part
 * another? Asked of few rows only: it costs hundreds of evaluations a row.
 */
import { customerActivity, isAdditive } from '../../workloads/feature-view.js';
import type { RowMistake } from '../record/facts.js';
import { blameMistakes, type Fits } from './blame.js';
import { type Features, type Oracle, type RowVersion, sameFeatures } from './oracle.js';
import type { ServedRow } from './row-verdicts.js';

const { features } = customerActivity;
const isCount = features.map(({ kind }) => kind === 'count');
const additive = features.map(isAdditive);
const age = features.findIndex(({ kind }) => kind === 'age');
/** Versions before and after its own with which a row is compared; what equals one as a whole is found however far. */
const reach = 32;

export interface DifferentRow {
  readonly row: ServedRow;
  readonly version: RowVersion;
  readonly expected: Features;
  /** Of the customer's changes. */
  readonly highestSeq: number;
}

export interface Explained {
  readonly mistake: RowMistake;
  /** What was found out, to follow the differences; '': nothing. */
  readonly why: string;
}

/** A mistake that fits, and why. */
type Explanations = Map<RowMistake, string>;
interface Shown extends RowVersion {
  readonly features: Features;
}

/** One a row, in their order. `moment` writes event time for the reader. */
export async function explainRows(
  oracle: Oracle,
  rows: readonly DifferentRow[],
  moment: (us: number) => string,
): Promise<Explained[]> {
  const found: Explanations[] = rows.map(() => new Map());
  await findOtherVersions();
  await findIgnoredDeletions();
  await findDroppedWindows();
  const mistakes = blameMistakes(rows.map((row, i) => fitsOf(row, found[i] as Explanations)));
  return mistakes.map((mistake, i) => ({ mistake, why: found[i]?.get(mistake) ?? '' }));

  async function findOtherVersions(): Promise<void> {
    const others = await versionsNear(oracle, rows);
    rows.forEach(({ row, version, expected }, i) => {
      for (const other of others[i] as Shown[]) {
        const at = `at seq ${other.lastSeq} as of ${moment(other.asOfUs)}`;
        if (sameFeatures(row.features, other.features)) {
          // The nearest comes first.
          const mistake = mistakeOfVersion(version, other);
          if (!found[i]?.has(mistake)) found[i]?.set(mistake, `these are its features ${at}`);
          if (mistake !== 'misdated') found[i]?.set('torn', `these are its features ${at}`);
        } else if (other.lastSeq !== version.lastSeq && isMixture(row.features, expected, other.features)) {
          if (!found[i]?.has('torn')) found[i]?.set('torn', `these are its features ${at}, the others are right`);
        }
      }
    });
  }

  async function findIgnoredDeletions(): Promise<void> {
    const undeleted = await oracle.evaluateUndeleted(rows.map(({ version }) => version));
    rows.forEach(({ row }, i) => {
      if (sameFeatures(row.features, undeleted[i] as Features))
        found[i]?.set('deleteIgnored', 'this is right if no order was ever deleted');
    });
  }

  /** What a row lacks that knows only changes after seq s is what the customer had at s. */
  async function findDroppedWindows(): Promise<void> {
    const lacking = rows.flatMap(({ row, version, expected }, i) => {
      const lacks = features.map((_, f) => (additive[f] ? Number(expected[f]) - Number(row.features[f]) : null));
      const isLess = lacks.every((value) => value === null || value >= 0) && lacks.some((value) => Number(value) > 0);
      return isLess ? [{ i, ...version, features: lacks }] : [];
    });
    const seqs = await oracle.findVersions(lacking, sameTotals);
    lacking.forEach(({ i, lastSeq }, search) => {
      const seq = seqs[search] ?? null;
      if (seq !== null && seq <= lastSeq)
        found[i]?.set('windowsDropped', `it counts nothing but what came after seq ${seq}`);
    });
  }
}

function sameTotals(left: Features, right: Features): boolean {
  return left.every((value, i) => !additive[i] || value === right[i]);
}

function mistakeOfVersion(claimed: RowVersion, shown: RowVersion): RowMistake {
  if (shown.lastSeq < claimed.lastSeq) return 'ahead';
  return shown.lastSeq > claimed.lastSeq ? 'unclaimed' : 'misdated';
}

/** Some features are right, and all that are not are those of the other version. */
function isMixture(served: Features, expected: Features, other: Features): boolean {
  return served.every((value, i) => value === expected[i] || value === other[i]);
}

function fitsOf({ row: { features: served }, expected }: DifferentRow, found: Explanations): Fits {
  const differs = features.map((_, i) => served[i] !== expected[i]);
  const above = differs.some((different, i) => different && additive[i] && Number(served[i]) > Number(expected[i]));
  const below = differs.some((different, i) => different && additive[i] && Number(served[i]) < Number(expected[i]));
  const isOneSided = above !== below;
  return {
    mistakes: new Set(found.keys()),
    isWeak: isOneSided && differs.every((different, i) => !different || isCount[i]),
    otherwise: !isOneSided ? 'wrong' : above ? 'over' : 'under',
  };
}

/**
 * What each customer showed at the versions near the row's own, nearest first, and at the one that equals it if it is
 * farther away: at the row's moment and, where the age of the last order is off, at the moment that this age gives away.
 */
async function versionsNear(oracle: Oracle, rows: readonly DifferentRow[]): Promise<Shown[][]> {
  const searches = rows.map(({ row, version }) => ({ ...version, features: row.features }));
  const equal = await oracle.findVersions(searches, sameFeatures);
  const asked = rows.flatMap(({ version, highestSeq }, i) => {
    const near: number[] = [version.lastSeq];
    for (let off = 1; off <= reach; off++) near.push(version.lastSeq - off, version.lastSeq + off);
    const seqs = [...near.filter((seq) => seq >= 0 && seq <= highestSeq), ...[equal[i] ?? []].flat()];
    return [...new Set(seqs)].map((lastSeq) => ({ i, version: { ...version, lastSeq } }));
  });
  const atItsMoment = await showAll(oracle, asked);
  const atOthers = await showAll(
    oracle,
    atItsMoment.flatMap(({ i, shown }) => {
      const asOfUs = momentOf((rows[i] as DifferentRow).row, shown);
      return asOfUs === null ? [] : [{ i, version: { ...shown, asOfUs } }];
    }),
  );
  const near: Shown[][] = rows.map(() => []);
  for (const { i, shown } of [...atItsMoment, ...atOthers]) near[i]?.push(shown);
  return near;
}

async function showAll(
  oracle: Oracle,
  asked: readonly { readonly i: number; readonly version: RowVersion }[],
): Promise<{ i: number; shown: Shown }[]> {
  const evaluated = await oracle.evaluate(asked.map(({ version }) => version));
  return asked.map(({ i, version: { customer, lastSeq, asOfUs } }, n) => ({
    i,
    shown: { customer, lastSeq, asOfUs, features: evaluated[n] as Features },
  }));
}

/** When the row's last order was that of the version and of the age that the row says; null: no other moment. */
function momentOf({ asOfUs, features: served }: ServedRow, shown: Shown): number | null {
  const [said, was] = [served[age] ?? null, shown.features[age] ?? null];
  if (said === null || was === null || said === was) return null;
  const us = asOfUs + said - was;
  return Number.isSafeInteger(us) && us >= 0 ? us : null;
}
