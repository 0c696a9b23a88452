/**
 * Batch work: how fast a pinned snapshot is scored and what is read for it, whether what was written is right and is the
 * same when it is made again, how soon what is served is rolled back, and what compaction has done to the files.
 */
import type { BatchFacts, BatchStepFact, RollbackFact, RunFacts, SwitchFact } from '../record/facts.js';
import { type Elapsed, samplesOf } from './elapsed.js';
import { type AbsentMeasure, type MeasureOf, notMeasured, notOffered } from './measured.js';

/** Steps of a kind; `part` and `besideLoad` absent: whichever. */
type Choice = Pick<BatchStepFact, 'kind'> & Partial<Pick<BatchStepFact, 'part' | 'besideLoad'>>;

const scoring = (part: 'whole' | 'slice', besideLoad: boolean): Choice => ({ kind: 'score', part, besideLoad });

export function measureBatch({ plan, batch, timeline }: RunFacts) {
  const absent = absence(plan.scenario.batch !== undefined, batch);
  const of = <Kind extends 'ratio' | 'count' | 'samples'>(
    measure: (facts: BatchFacts) => MeasureOf<Kind>,
  ): MeasureOf<Kind> => (batch === null || absent !== null ? (absent as AbsentMeasure) : measure(batch));
  const { loadEndUs } = timeline;
  const rate = (choice: Choice) => of((facts) => rowsPerSecond(facts, choice, loadEndUs));
  const amplification = (choice: Choice, layer: 'readBytes' | 'requestedBytes') =>
    of((facts) => bytesPerByte(facts, choice, layer));
  const made = (kind: BatchStepFact['kind'], count: (facts: BatchFacts) => number) =>
    of<'count'>((facts) => {
      const { answered, failed } = chosen(facts, { kind });
      if (answered.length === 0) return absentStep(facts, { kind });
      return {
        kind: 'count',
        count: count(facts),
        ...noteOf([toldOf(failed), kind === 'score' && uncheckedOf(facts)]),
      };
    });
  const rebuilt = <Kind extends 'ratio' | 'count'>(
    measure: (times: number, same: number, note: string) => MeasureOf<Kind>,
  ) =>
    of<Kind>(({ rebuilt: { scored, training } }) => {
      const times = scored.times + training.times;
      if (times === 0) return notMeasured('nothing was made twice');
      const note = `${scored.times} scorings and ${training.times} training sets made again of their pins`;
      return measure(times, scored.same + training.same, note);
    });
  return {
    'scoring.throughput': rate(scoring('whole', false)),
    'scoring.throughput_beside_load': rate(scoring('whole', true)),
    'scoring.snapshot_throughput': rate({ kind: 'snapshot', besideLoad: false }),
    'scoring.scan_amplification': amplification(scoring('whole', false), 'readBytes'),
    'scoring.scan_amplification_requested': amplification(scoring('whole', false), 'requestedBytes'),
    'scoring.slice_scan_amplification': amplification(scoring('slice', false), 'readBytes'),
    'scoring.slice_scan_amplification_requested': amplification(scoring('slice', false), 'requestedBytes'),
    'scoring.wrong_rows': made('score', ({ scored }) => scored.wrong),
    'scoring.reproducibility': rebuilt((times, same, note) => ({
      kind: 'ratio',
      numerator: same,
      denominator: times,
      samples: times,
      note,
    })),
    'scoring.not_reproduced': rebuilt((times, same, note) => ({ kind: 'count', count: times - same, note })),
    'training.rows_per_s': rate({ kind: 'training-set' }),
    'training.leaks': made('training-set', ({ training }) => training.leaked),
    'training.wrong_rows': made('training-set', ({ training }) => training.wrong),
    ...measureReprocessing(of),
    ...measureRollbacks(plan.scenario.workload.panel.everyUs, loadEndUs, of),
    'storage.small_files_before_compaction': of(({ inventories: { mostSmallFiles } }) => {
      if (mostSmallFiles === null || mostSmallFiles.rows === 0) return notMeasured('no inventory during the load');
      const { smallFiles, rows, files, smallFileBytes } = mostSmallFiles;
      const note = `the most of one look a second during the load; data files below ${smallFileBytes} bytes`;
      return { kind: 'ratio', numerator: smallFiles, denominator: rows / 1e6, samples: files, note };
    }),
    'storage.small_file_reduction': of(({ inventories: { mostSmallFiles, atRest } }) => {
      if (mostSmallFiles === null || atRest === null) return notMeasured('the plane did not come to rest');
      const before = mostSmallFiles.smallFiles;
      if (before === 0) return notMeasured('there was no small file to compact');
      const note = 'from the most of one look a second during the load to the plane at rest after it';
      return { kind: 'ratio', numerator: before - atRest.smallFiles, denominator: before, samples: before, note };
    }),
  } satisfies Record<string, MeasureOf<'ratio'> | MeasureOf<'count'> | MeasureOf<'samples'>>;
}

type Measuring = <Kind extends 'count' | 'samples'>(measure: (facts: BatchFacts) => MeasureOf<Kind>) => MeasureOf<Kind>;

type MeasuringAny = <Kind extends 'ratio' | 'count'>(
  measure: (facts: BatchFacts) => MeasureOf<Kind>,
) => MeasureOf<Kind>;

/** What was made again when changes turned out to be poisoned, of all that there is of the same kind. */
function measureReprocessing(of: MeasuringAny) {
  const made = <Kind extends 'ratio' | 'count'>(measure: (facts: BatchFacts) => MeasureOf<Kind>) =>
    of<Kind>((facts) => {
      return facts.reprocessings.length > 0 ? measure(facts) : absentStep(facts, { kind: 'reprocess' });
    });
  const share = (part: 'recomputedRows' | 'rewrittenFiles', whole: 'rows' | 'files') =>
    made<'ratio'>(({ reprocessings }) => {
      const assets = reprocessings.flatMap((each) => each.assets);
      const sum = (name: typeof part | typeof whole) => assets.reduce((total, asset) => total + asset[name], 0);
      const told = assets.map((asset) => `${asset.table} ${asset[part]} of ${asset[whole]}`);
      const numerator = sum(part);
      const denominator = sum(whole);
      if (denominator === 0) return notMeasured('nothing was made of the poisoned changes');
      return { kind: 'ratio', numerator, denominator, samples: denominator, note: `${whole}: ${told.join(', ')}` };
    });
  return {
    'reprocess.rows': share('recomputedRows', 'rows'),
    'reprocess.files': share('rewrittenFiles', 'files'),
    'reprocess.wrong_rows': made<'count'>(({ reprocessings }) => {
      const count = reprocessings.reduce(
        (total, { left, disturbed, mistold }) => total + left + disturbed + mistold.length,
        0,
      );
      const unjudged = reprocessings.find((each) => each.unjudged !== null)?.unjudged;
      // What is wrong is so whatever else could not be seen.
      if (unjudged && count === 0) return notMeasured(unjudged);
      if (reprocessings.every(({ checked }) => checked === 0))
        return notMeasured('neither scores nor training rows had been made of the poisoned changes');
      return { kind: 'count', count, ...noteOf([unjudged]) };
    }),
  };
}

/**
 * Until the panel was read of the asked state, and nothing else any more: up to a probe period too long. A rollback that
 * was meant to be beside the load and came after it shows nothing of what changes do to it, but what is wrong is wrong.
 */
function measureRollbacks(everyUs: number, loadEndUs: number, of: Measuring) {
  const isLate = ({ besideLoad, back }: RollbackFact) => besideLoad && back.requestedUs >= loadEndUs;
  const until = (switchOf: (rollback: RollbackFact) => SwitchFact | null) =>
    of<'samples'>((facts) => {
      const timed = facts.rollbacks.filter((rollback) => !isLate(rollback));
      if (timed.length === 0 && facts.rollbacks.length > 0) return notMeasured(loadHadEnded);
      const switches = timed.flatMap((rollback) => switchOf(rollback) ?? []);
      if (switches.length === 0) return absentStep(facts, { kind: 'rollback' });
      const note = `seen by probes of the panel, ${everyUs / 1_000} ms apart`;
      return { kind: 'samples', samples: samplesOf(switches.map(elapsedOf)), note };
    });
  const rows = (countOf: (rollback: RollbackFact) => number) =>
    of<'count'>((facts) => {
      const { rollbacks } = facts;
      if (rollbacks.length === 0) return absentStep(facts, { kind: 'rollback' });
      const count = rollbacks.reduce((sum, rollback) => sum + countOf(rollback), 0);
      if (count === 0 && rollbacks.every(isLate)) return notMeasured(loadHadEnded);
      return { kind: 'count', count };
    });
  return {
    'rollback.time': until(({ back }) => back),
    'rollback.forward_time': until(({ forward }) => forward),
    'rollback.mixed_rows': rows(({ mixed }) => mixed),
    'rollback.wrong_rows': rows(({ wrong }) => wrong),
  };
}

const loadHadEnded = 'the load had ended';

function elapsedOf({ requestedUs, seenUs, watchedUntilUs }: SwitchFact): Elapsed {
  return seenUs === null
    ? { kind: 'not within', us: watchedUntilUs - requestedUs }
    : { kind: 'after', us: seenUs - requestedUs };
}

function absence(isAsked: boolean, batch: BatchFacts | null): AbsentMeasure | null {
  if (!isAsked) return notMeasured('the scenario asks nothing in batch');
  return batch === null ? notOffered('the plane takes no snapshots') : null;
}

interface Chosen {
  /** Of these something was made. */
  readonly answered: readonly BatchStepFact[];
  /** Answered with what had been answered before: no work was done, so none is counted. */
  readonly repeated: readonly BatchStepFact[];
  readonly failed: readonly BatchStepFact[];
}

function chosen({ steps }: Pick<BatchFacts, 'steps'>, { kind, part, besideLoad }: Choice): Chosen {
  const asked = steps.filter(
    (step) =>
      step.kind === kind &&
      (part === undefined || step.part === part) &&
      (besideLoad === undefined || step.besideLoad === besideLoad),
  );
  return {
    answered: asked.filter(({ failure, isRepeat }) => failure === null && !isRepeat),
    repeated: asked.filter(({ failure, isRepeat }) => failure === null && isRepeat),
    failed: asked.filter(({ failure }) => failure !== null),
  };
}

const unoffered: Readonly<Record<BatchStepFact['kind'], string>> = {
  snapshot: 'the plane takes no snapshots',
  score: 'the plane does not score snapshots',
  'training-set': 'the plane makes no training sets',
  'publish-model': 'the plane publishes no models',
  rollback: 'the plane does not roll back what it serves',
  reprocess: 'the plane does not reprocess',
};

/** Why nothing was made. */
function absentStep(facts: BatchFacts, choice: Choice): AbsentMeasure {
  if (facts.notOffered.includes(choice.kind)) return notOffered(unoffered[choice.kind]);
  const { repeated, failed } = chosen(facts, choice);
  const [first] = failed;
  if (first) return notMeasured(first.failure as string);
  return notMeasured(
    repeated.length > 0 ? 'every answer was one that had been given before' : 'it was never asked for',
  );
}

/**
 * Rows over the time from request to answer, summed: every one of them counts by how long it took, and so does the time that was
 * spent on what failed. Beside the load is what lies within it: of one that ended later its time until then, and as many of its
 * rows. To leave it out would be to leave out the slowest.
 */
function rowsPerSecond(facts: BatchFacts, choice: Choice, loadEndUs: number): MeasureOf<'ratio'> {
  const partOf = ({ besideLoad, startedUs, hostUs }: BatchStepFact) =>
    besideLoad ? Math.max(0, Math.min(1, (loadEndUs - startedUs) / hostUs)) : 1;
  const all = chosen(facts, choice);
  const [answered, repeated, failed] = [all.answered, all.repeated, all.failed].map((steps) =>
    steps.filter((step) => partOf(step) > 0),
  ) as [BatchStepFact[], BatchStepFact[], BatchStepFact[]];
  const late = all.answered.length - answered.length;
  if (answered.length === 0) return late > 0 ? notMeasured(loadHadEnded) : absentStep(facts, choice);
  const rows = answered.reduce((sum, step) => sum + step.rows * partOf(step), 0);
  const us = [...answered, ...failed].reduce((sum, step) => sum + step.hostUs * partOf(step), 0);
  const cut = [...answered, ...failed].filter((step) => partOf(step) < 1).length;
  return {
    kind: 'ratio',
    numerator: rows,
    denominator: us / 1e6,
    samples: answered.length,
    ...noteOf([
      toldOf(failed),
      repeated.length > 0 && `${repeated.length} answers had been given before and are left out`,
      cut > 0 && `${cut} ended after the load and count by their part within it`,
      late > 0 && `${late} came after the load and are left out`,
    ]),
  };
}

function bytesPerByte(facts: BatchFacts, choice: Choice, layer: 'readBytes' | 'requestedBytes'): MeasureOf<'ratio'> {
  const { answered, failed } = chosen(facts, choice);
  if (answered.length === 0) return absentStep(facts, choice);
  const told = answered.filter(({ scanned }) => scanned !== null && scanned[layer] !== null);
  if (told.length < answered.length) return notMeasured('the plane does not tell what was read');
  const bytes = (name: 'liveBytes' | typeof layer) =>
    told.reduce((sum, { scanned }) => sum + (scanned?.[name] as number), 0);
  if (bytes('liveBytes') === 0) return notMeasured('nothing had to be read');
  return {
    kind: 'ratio',
    numerator: bytes(layer),
    denominator: bytes('liveBytes'),
    samples: told.length,
    ...noteOf([toldOf(failed)]),
  };
}

function toldOf(failed: readonly BatchStepFact[]): string | false {
  return failed.length > 0 && `${failed.length} failed: ${failed[0]?.failure}`;
}

function uncheckedOf({ caughtUp, steps }: BatchFacts): string | false {
  const isAsked = steps.some(({ kind, besideLoad }) => kind === 'score' && !besideLoad);
  return isAsked && !caughtUp && 'the plane had not caught up: that rows are of the last change was not checked';
}

function noteOf(parts: readonly (string | false | null | undefined)[]): { readonly note?: string } {
  const said = parts.filter((part): part is string => typeof part === 'string');
  return said.length === 0 ? {} : { note: said.join('; ') };
}
