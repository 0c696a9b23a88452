/**
 * What no plane may do, by the name of the figure that counts it: any of it fails the verdict of a suite, its JUnit case and
 * its gate alike. A share counts as a defect as soon as it is not zero.
 */
export interface Defect {
  /** What a plane that has it does; its name stands before, the figure after. */
  readonly words: string;
  /** Until it has corrected itself, a plane that declares to do so may do this: then it is judged after that alone. */
  readonly untilSettled?: true;
}

export const defects = {
  'ledger.lost': { words: 'lost acknowledged changes' },
  'ledger.duplicated': { words: 'holds changes more than once' },
  'ledger.unexpected': { words: 'holds changes that were never sent or had to be refused' },
  'ledger.quarantine_missing': { words: 'refused changes and did not put them into its quarantine' },
  'ledger.quarantine_unexpected': { words: 'has changes in its quarantine that it had to take' },
  'ledger.wrong_rows': { words: 'serves rows that differ from the oracle after draining', untilSettled: true },
  'ledger.settled_wrong_rows': { words: 'serves rows that differ from the oracle even after its own correction' },
  'ledger.live_wrong': { words: 'answered live reads with rows that differ from the oracle', untilSettled: true },
  'ledger.torn': { words: 'answered with rows of two versions at once', untilSettled: true },
  'ledger.monotonic_violations': { words: 'answered reads with older rows than reads before', untilSettled: true },
  'ledger.reordered': { words: 'put older rows in the place of newer ones for good' },
  'ledger.skewed': { words: 'serves rows that disagree with its own tables' },
  'ledger.behind': { words: 'serves rows that do not reflect every acknowledged change after draining' },
  'ledger.personal_data_leaks': { words: 'stored raw personal data' },
  'backfill.wrong_rows': { words: 'serves loaded history that differs from the oracle' },
  'scoring.wrong_rows': { words: 'wrote scores that differ from those of the oracle' },
  'scoring.not_reproduced': { words: 'made other scores or training sets of the same pins when it made them again' },
  'training.leaks': { words: 'put features into training sets that are younger than their labels' },
  'training.wrong_rows': { words: 'wrote training rows that differ from the oracle' },
  'reprocess.wrong_rows': { words: 'left rows that were made of poisoned changes, or touched others' },
  'rollback.mixed_rows': { words: 'answered with rows of two states while it was rolled back' },
  'rollback.wrong_rows': { words: 'answered with other rows than those of the snapshot to which it was rolled back' },
} as const satisfies Readonly<Record<string, Defect>>;

/** One plane under one scenario; a figure without a value is null. */
export interface Counted {
  readonly metric: string;
  readonly value: number | null;
}

/** The figures of a plane that are defects, and what it does. */
export function defectsAmong<Figure extends Counted>(figures: readonly Figure[]): (Figure & { words: string })[] {
  const settles = correctsItself(figures);
  return figures.flatMap((figure) => {
    const defect = defectOf(figure.metric, settles);
    return defect === null || figure.value === null || figure.value === 0 ? [] : [{ ...figure, words: defect.words }];
  });
}

/** Null: it is none, or none of a plane that corrects itself. */
export function defectOf(metric: string, settles: boolean): Defect | null {
  const defect: Defect | undefined = (defects as Readonly<Record<string, Defect>>)[metric];
  return defect === undefined || (settles && defect.untilSettled) ? null : defect;
}

export function correctsItself(figures: readonly Counted[]): boolean {
  return figures.some(({ metric, value }) => metric === 'ledger.settled_wrong_rows' && value !== null);
}
