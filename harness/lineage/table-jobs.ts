/** What jobs over versions of tables read and write, for every plane whose snapshots, scores and training sets are such versions. */
import type { FeatureView } from '../../workloads/feature-view.js';
import type { SnapshotRef } from '../architecture.js';
import type { ServedState } from '../ports/served-state.js';
import { type Dataset, featureView, model, onlineTable, sourceFile, storedTable } from './event.js';
import type { Lineage } from './recorder.js';

/** By table. */
export type Versions = Readonly<Record<string, number>>;

/** Of a job: the id of the run that its files tell. */
export type RunId = Promise<string>;

/** Tables of a plane, by name. */
export interface JobTables {
  readonly features: string;
  readonly scored: string;
  /** The rows of a training set, and what else making one writes. */
  readonly training: readonly string[];
  /** Of the online store: what is served, and where the newest state is read. */
  readonly served: string;
  readonly newest: string;
}

export const atVersions = (versions: Versions): Dataset[] =>
  Object.entries(versions).map(([table, version]) => storedTable(table, version));

export function recordsOfJobs({ features, scored, training, served, newest }: JobTables) {
  const featuresAndModel = ({ modelVersion, tables }: SnapshotRef) => [
    model(modelVersion),
    storedTable(features, tables[features]),
  ];
  return {
    recordSnapshot: (lineage: Lineage, view: FeatureView, versions: Versions): RunId =>
      lineage.recordJob('snapshot', {
        into: [storedTable(features)],
        from: [featureView(view), ...atVersions(versions)],
      }),

    recordScoring: (lineage: Lineage, snapshot: SnapshotRef): RunId =>
      lineage.recordJob('score', { into: [storedTable(scored)], from: featuresAndModel(snapshot) }),

    /** What is served: a snapshot with its model, or the newest state with the model that was published. */
    recordServed: (lineage: Lineage, { pinned, modelVersion }: ServedState): Promise<void> =>
      lineage.record({
        into: [onlineTable(served)],
        from: pinned ? featuresAndModel(pinned) : [model(modelVersion), onlineTable(newest)],
      }),

    recordTrainingSet: (lineage: Lineage, view: FeatureView, versions: Versions, labels: readonly string[]): RunId =>
      lineage.recordJob('trainingSet', {
        into: training.map((table) => storedTable(table)),
        from: [featureView(view), ...atVersions(versions), ...labels.map(sourceFile)],
      }),
  };
}
