/** A trace with what the harness computes from it once, for all the runs that share it. */
import type { EmissionIndex } from '../workloads/emissions.js';
import type { Labels } from '../workloads/labels.js';
import type { TraceInfo } from '../workloads/trace.js';
import type { LabelFiles } from './batch/label-files.js';
import type { Oracle } from './ledger/oracle.js';

export interface LoadedTrace {
  readonly directory: string;
  readonly info: TraceInfo;
  readonly emissions: EmissionIndex;
  readonly oracle: Oracle;
  /** What training sets are asked for; null where the scenario has no batch work. */
  readonly labels: { readonly rows: Labels; readonly files: LabelFiles } | null;
}
