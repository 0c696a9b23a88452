/**
 * What a plane answered, held against what was asked before anything is concluded from it: a plane may be anybody's
 * program. An answer that is not of its shape is a failed call, which is counted and said; taken as it comes, an empty
 * list would be a list without a mistake, and a text that looks like a number would be right.
 */
import { customerActivity, type FeatureRow, type Prediction } from '../../workloads/feature-view.js';
import type {
  BackfillResult,
  ChangeKey,
  Inventory,
  ReprocessResult,
  ScoredRows,
  ScoreResult,
  ServedState,
  SnapshotRef,
  TableRef,
  TrainingRow,
  TrainingSetRef,
} from '../architecture.js';
import { CallError } from '../errors.js';
import type { OpenLineageEvent } from '../lineage/event.js';
import { whatIsWrong } from '../lineage/event-check.js';
import { tierNames } from '../ports/table-store/port.js';

const featureCount = customerActivity.features.length;

/** The rows of these keys, in their order. */
export function rowsOf(answer: unknown, keys: readonly string[]): readonly FeatureRow[] {
  return answersOf('lookup', answer, keys, `${featureCount} features, each a number or null`, ({ features }) =>
    areFeatures(features),
  );
}

/** The predictions for these keys, in their order. */
export function predictionsOf(answer: unknown, keys: readonly string[]): readonly Prediction[] {
  return answersOf(
    'predict',
    answer,
    keys,
    'a score from 0 to 1 and the version of the model',
    ({ score, modelVersion }) => typeof score === 'number' && score >= 0 && score <= 1 && isCount(modelVersion),
  );
}

export function backfillOf(answer: unknown): BackfillResult {
  return countsOf('backfill', answer, ['rows', 'filesByReference']);
}

export function inventoryOf(answer: unknown): Inventory {
  const names = ['files', 'bytes', 'rows', 'smallFiles', 'smallFileBytes'] as const;
  const { tiers } = countsOf('inventory', answer, names) as Inventory;
  if (tiers !== undefined)
    for (const tier of tierNames) countsOf('inventory', tiers?.[tier], ['files', 'bytes', 'hotBytes']);
  return answer as Inventory;
}

export function lineageOf(answer: unknown): readonly OpenLineageEvent[] {
  if (!Array.isArray(answer)) throw mistaken('lineage', answer, 'expected a list of OpenLineage events');
  for (const event of answer) {
    const wrong = whatIsWrong(event);
    if (wrong !== null) throw mistaken('lineage', event, `expected what event.schema.json says: ${wrong}`);
  }
  return answer;
}

/** A page of changes: of `exportChanges`, or of `quarantine`, whose entries say more. */
export function changesOf<Key extends ChangeKey>(operation: string, page: unknown): readonly Key[] {
  if (!Array.isArray(page)) throw mistaken(operation, page, 'expected pages that are lists of { customer, seq }');
  const stranger = page.findIndex((entry) => !isCount(entry?.customer) || !isCount(entry?.seq));
  if (stranger >= 0) throw mistaken(operation, page[stranger], 'expected whole numbers as customer and seq');
  return page;
}

export function snapshotOf(answer: unknown): SnapshotRef {
  const snapshot = countsOf('snapshot', answer, ['asOfUs', 'rows', 'viewVersion', 'modelVersion']) as SnapshotRef;
  if (typeof snapshot.id !== 'string' || snapshot.id === '') throw mistaken('snapshot', answer, 'expected an id');
  const versions = Object.values(snapshot.tables ?? {});
  if (versions.length === 0 || !versions.every(isCount))
    throw mistaken('snapshot', answer, 'expected the versions of the tables it came from');
  return snapshot;
}

export function scoreOf(answer: unknown): ScoreResult {
  const { scanned } = countsOf('score', tableOf('score', answer), ['rows']) as ScoreResult;
  if (scanned === null) return answer as ScoreResult;
  countsOf('score', scanned, ['liveBytes', 'requestedBytes']);
  if (scanned.readBytes !== null) countsOf('score', scanned, ['readBytes']);
  return answer as ScoreResult;
}

/** Of `rollback`, `rollForward` and `publishModel`. */
export function servedOf(operation: string, answer: unknown): ServedState {
  const { snapshot } = countsOf(operation, answer, ['modelVersion']) as ServedState;
  if (snapshot !== null && typeof snapshot !== 'string')
    throw mistaken(operation, answer, 'expected the id of the snapshot that is served, or null');
  return answer as ServedState;
}

const assetCounts = ['version', 'fromVersion', 'recomputedRows', 'rows', 'rewrittenFiles', 'files'] as const;

export function reprocessedOf(answer: unknown): ReprocessResult {
  const { assets, snapshot, untouched } = (answer ?? {}) as Partial<ReprocessResult>;
  if (!Array.isArray(assets) || !Array.isArray(untouched) || snapshot === undefined)
    throw mistaken('reprocess', answer, 'expected { assets, snapshot, untouched }');
  for (const asset of assets) countsOf('reprocess', tableOf('reprocess', asset), assetCounts);
  if (snapshot !== null) snapshotOf(snapshot);
  return answer as ReprocessResult;
}

export function trainingSetOf(answer: unknown): TrainingSetRef {
  return countsOf('trainingSet', tableOf('trainingSet', answer), ['rows']) as TrainingSetRef;
}

function tableOf(operation: string, answer: unknown): TableRef {
  const found = countsOf(operation, answer, ['version']) as TableRef;
  if (typeof found.table !== 'string') throw mistaken(operation, answer, 'expected the name of a table');
  return found;
}

const scoredColumns = ['customers', 'lastSeqs', 'asOfUs', 'scoresPpb'] as const;

export function scoredRowsOf(page: unknown): ScoredRows {
  const found = page as ScoredRows | null | undefined;
  const rows = found?.customers?.length;
  for (const name of scoredColumns) {
    const values = found?.[name];
    if (!Array.isArray(values) || values.length !== rows || !values.every(isCount))
      throw mistaken('scoredRows', page, `expected columns of whole numbers, as many ${name} as customers`);
  }
  return found as ScoredRows;
}

export function trainingRowsOf(page: unknown): readonly TrainingRow[] {
  if (!Array.isArray(page)) throw mistaken('trainingRows', page, 'expected pages that are lists of rows');
  for (const row of page) {
    countsOf('trainingRows', row, ['labelId', 'customer', 'labelUs', 'label', 'lastSeq', 'asOfUs']);
    if (!areFeatures(row.features))
      throw mistaken('trainingRows', row, `expected ${featureCount} features, each a number or null`);
  }
  return page;
}

const areFeatures = (features: unknown) =>
  Array.isArray(features) &&
  features.length === featureCount &&
  features.every((value) => value === null || Number.isFinite(value));

function answersOf<Row extends FeatureRow | Prediction>(
  operation: string,
  answer: unknown,
  keys: readonly string[],
  what: string,
  isSound: (row: Readonly<Record<string, unknown>>) => boolean,
): readonly Row[] {
  if (!Array.isArray(answer)) throw mistaken(operation, answer, `expected a list of ${keys.length} rows`);
  if (answer.length !== keys.length)
    throw new CallError('failed', `${operation} answered ${answer.length} rows for ${keys.length} keys`);
  answer.forEach((row, i) => {
    if (row?.key !== keys[i]) throw mistaken(operation, row, `expected the row of key "${keys[i]}"`);
    if (!isCount(row.lastSeq) || !isCount(row.asOfUs))
      throw mistaken(operation, row, 'expected whole numbers as lastSeq and asOfUs');
    if (!isSound(row)) throw mistaken(operation, row, `expected ${what}`);
  });
  return answer;
}

function countsOf<Name extends string>(
  operation: string,
  answer: unknown,
  names: readonly Name[],
): { readonly [name in Name]: number } {
  const found = answer as Partial<Record<Name, unknown>> | null | undefined;
  const missing = names.find((name) => !isCount(found?.[name]));
  if (missing !== undefined) throw mistaken(operation, answer, `expected a whole number as ${missing}`);
  return answer as { readonly [name in Name]: number };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function mistaken(operation: string, found: unknown, expected: string): CallError {
  return new CallError('failed', `${operation} answered ${JSON.stringify(found)?.slice(0, 200)}: ${expected}`);
}
