/** What a module of yours may import from 'planebench': what to write a plane against. */

export type { ChangeBatch } from '../workloads/change-batch.js';
export { opNames, tableNames, viewBlock } from '../workloads/change-batch.js';
export type { DataContract, DecodedBatch } from '../workloads/data-contract.js';
export { historySchemas } from '../workloads/fact-schemas.js';
export type { FeatureRow, FeatureView, Prediction } from '../workloads/feature-view.js';
export { windows } from '../workloads/feature-view.js';
export { predictRows } from '../workloads/model.js';
export type {
  Architecture,
  ArchitectureFactory,
  BackfillRequest,
  BackfillResult,
  ChangeKey,
  Inventory,
  Plane,
  Priority,
  Quarantined,
  Role,
  RoleContext,
} from './architecture.js';
export type { Clock } from './clock.js';
export { UsageError } from './errors.js';
export type { Json } from './json.js';
export * from './lineage/event.js';
export { type Journal, journalInTables, journalInWarehouse } from './lineage/journal.js';
export type { Origin } from './lineage/origin.js';
export { type Lineage, openLineage } from './lineage/recorder.js';
export type { ChangeLog } from './ports/change-log/port.js';
export type { OnlineStore } from './ports/online-store/port.js';
export type { Ports } from './ports/ports.js';
export type { TableStore } from './ports/table-store/port.js';
export type { Warehouse } from './ports/warehouse/port.js';
export type { Random } from './random.js';
