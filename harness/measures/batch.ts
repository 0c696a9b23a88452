/**
 * Batch work: how fast a pinned snapshot is scored and what is read for it, whether what was written is right and is the
 * same when it is made again, how soon what is served is rolled back, and what compaction has done to the files.
 */
import type { BatchFacts, BatchStepFact, RollbackFact, RunFacts, SwitchFact } from '../record/facts.js';
import { type Elapsed, samplesOf } from './elapsed.js';
import { type AbsentMeasure, type MeasureOf, notMeasured, notOffered } from './measured.js';

type Choice = (step: BatchStepFact) => boolean;

const scoring =
  (part: 'whole' | 'slice', besideLoad: boolean): Choice =>
  (step) =>
    step.kind === 'score' && step.part === part && step.besideLoad === besideLoad;

export function measureBatch({ plan, batch }: RunFacts) {
  const absent = absence(plan.scenario.batch !== undefined, batch);
  const of = <Kind extends 'ratio' | 'count' | 'samples'>(
    measure: (facts: BatchFacts) => MeasureOf<Kind>,
  ): MeasureOf<Kind> => (batch === null || absent !== null ? (absent as AbsentMeasure) : measure(batch));
  const rate = (choice: Choice) => of((facts) => rowsPerSecond(facts, choice));
  const amplification = (choice: Choice, layer: 'readBytes' | 'requestedBytes') =>
    of((facts) => bytesPerByte(facts, choice, layer));
  const made = (kind: BatchStepFact['kind'], count: (facts: BatchFacts) => number) =>
    of<'count'>((facts) =>
      answered(facts, (step) => step.kind === kind).length === 0
        ? notMeasured(reasonOf(facts, (step) => step.kind === kind))
        : { kind: 'count', count: count(facts) },
    );
  return {
    'scoring.throughput': rate(scoring('whole', false)),
    'scoring.throughput_beside_load': rate(scoring('whole', true)),
    'scoring.snapshot_throughput': rate((step) => step.kind === 'snapshot' && !step.besideLoad),
    'scoring.scan_amplification': amplification(scoring('whole', false), 'readBytes'),
    'scoring.scan_amplification_requested': amplification(scoring('whole', false), 'requestedBytes'),
    'scoring.slice_scan_amplification': amplification(scoring('slice', false), 'readBytes'),
    'scoring.slice_scan_amplification_requested': amplification(scoring('slice', false), 'requestedBytes'),
    'scoring.wrong_rows': made('score', ({ scored }) => scored.wrong),
    'scoring.reproducibility': of(({ rebuilt: { scored, training } }) => {
      const times = scored.times + training.times;
      if (times === 0) return notMeasured('nothing was made twice');
      const note = `${scored.times} scorings and ${training.times} training sets made again of their pins`;
      return { kind: 'ratio', numerator: scored.same + training.same, denominator: times, samples: times, note };
    }),
    'training.rows_per_s': rate((step) => step.kind === 'training-set'),
    'training.leaks': made('training-set', ({ training }) => training.leaked),
    'training.wrong_rows': made('training-set', ({ training }) => training.wrong),
    ...measureReprocessing(of),
    ...measureRollbacks(plan.scenario.workload.panel.everyUs, of),
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
      if (facts.reprocessings.length > 0) return measure(facts);
      const isFailed = ({ kind, failure }: BatchStepFact) => kind === 'reprocess' && failure !== null;
      if (facts.steps.some(isFailed)) return notMeasured(reasonOf(facts, isFailed));
      return notOffered('the plane does not reprocess, or was not asked to');
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
      if (reprocessings.every(({ checked }) => checked === 0))
        return notMeasured('neither scores nor training rows had been made of the poisoned changes');
      const count = reprocessings.reduce(
        (total, { left, disturbed, mistold }) => total + left + disturbed + mistold.length,
        0,
      );
      return { kind: 'count', count };
    }),
  };
}

/** Until the panel was read of the asked state, and nothing else any more: up to a probe period too long. */
function measureRollbacks(everyUs: number, of: Measuring) {
  const until = (switchOf: (rollback: RollbackFact) => SwitchFact | null) =>
    of<'samples'>((facts) => {
      const switches = facts.rollbacks.flatMap((rollback) => switchOf(rollback) ?? []);
      if (switches.length === 0) return noRollback(facts);
      const note = `seen by probes of the panel, ${everyUs / 1_000} ms apart`;
      return { kind: 'samples', samples: samplesOf(switches.map(elapsedOf)), note };
    });
  const rows = (count: (rollback: RollbackFact) => number) =>
    of<'count'>((facts) =>
      facts.rollbacks.length === 0
        ? noRollback(facts)
        : { kind: 'count', count: facts.rollbacks.reduce((sum, rollback) => sum + count(rollback), 0) },
    );
  return {
    'rollback.time': until(({ back }) => back),
    'rollback.forward_time': until(({ forward }) => forward),
    'rollback.mixed_rows': rows(({ mixed }) => mixed),
    'rollback.wrong_rows': rows(({ wrong }) => wrong),
  };
}

function elapsedOf({ requestedUs, seenUs, watchedUntilUs }: SwitchFact): Elapsed {
  return seenUs === null
    ? { kind: 'not within', us: watchedUntilUs - requestedUs }
    : { kind: 'after', us: seenUs - requestedUs };
}

function noRollback(facts: BatchFacts): AbsentMeasure {
  const isFailed = (step: BatchStepFact) => step.failure !== null && ['snapshot', 'rollback'].includes(step.kind);
  if (facts.rollbacks.length > 0 || facts.steps.some(isFailed)) return notMeasured(reasonOf(facts, isFailed));
  return notOffered('the plane does not roll back what it serves');
}

function absence(isAsked: boolean, batch: BatchFacts | null): AbsentMeasure | null {
  if (!isAsked) return notMeasured('the scenario asks nothing in batch');
  return batch === null ? notOffered('the plane takes no snapshots') : null;
}

function answered({ steps }: BatchFacts, choice: Choice): BatchStepFact[] {
  return steps.filter((step) => choice(step) && step.failure === null);
}

function reasonOf({ steps }: BatchFacts, choice: Choice): string {
  return steps.find((step) => choice(step))?.failure ?? 'it was never asked for';
}

/** Rows over the time from request to answer, summed: every one of them counts by how long it took. */
function rowsPerSecond(facts: BatchFacts, choice: Choice): MeasureOf<'ratio'> {
  const steps = answered(facts, choice);
  if (steps.length === 0) return notMeasured(reasonOf(facts, choice));
  const rows = steps.reduce((sum, step) => sum + step.rows, 0);
  const us = steps.reduce((sum, step) => sum + step.hostUs, 0);
  return { kind: 'ratio', numerator: rows, denominator: us / 1e6, samples: steps.length };
}

function bytesPerByte(facts: BatchFacts, choice: Choice, layer: 'readBytes' | 'requestedBytes'): MeasureOf<'ratio'> {
  const steps = answered(facts, choice);
  if (steps.length === 0) return notMeasured(reasonOf(facts, choice));
  const told = steps.filter(({ scanned }) => scanned !== null && scanned[layer] !== null);
  if (told.length < steps.length) return notMeasured('the plane does not tell what was read');
  const bytes = (name: 'liveBytes' | typeof layer) =>
    told.reduce((sum, { scanned }) => sum + (scanned?.[name] as number), 0);
  if (bytes('liveBytes') === 0) return notMeasured('nothing had to be read');
  return { kind: 'ratio', numerator: bytes(layer), denominator: bytes('liveBytes'), samples: told.length };
}
