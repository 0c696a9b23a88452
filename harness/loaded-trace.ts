/** A trace with what the harness computes from it once, for all the runs that share it. */
import type { EmissionIndex } from '../workloads/emissions.js';
import type { TraceInfo } from '../workloads/trace.js';
import type { Oracle } from './ledger/oracle.js';

export interface LoadedTrace {
  readonly directory: string;
  readonly info: TraceInfo;
  readonly emissions: EmissionIndex;
  readonly oracle: Oracle;
}
