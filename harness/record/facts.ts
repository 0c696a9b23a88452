/**
 * What a run leaves behind: raw facts, saved before anything is concluded from them. Measures are folds over these.
 * All times are event time in microseconds unless a name says `hostUs`.
 *
 * On disk, under results/<suite>/<run id>/: `run.json` (everything here that is not columns) and one Parquet file a
 * column set, named as the field.
 */
import type { Inventory, ScannedBytes } from '../architecture.js';
import type { BatchStep } from '../batch/plan.js';
import type { StoringPort } from '../ports/ports.js';
import type { Tier } from '../ports/table-store/port.js';
import type { FaultKind, RunPlan } from '../scenario.js';

export interface RunFacts {
  readonly plan: RunPlan;
  /** Resolved parameters of the architecture, printed beside its figures. */
  readonly params: unknown;
  /** Whether a role of the plane takes changes in. One that does not, offers neither freshness nor a ledger. */
  readonly ingests: boolean;
  /** The plane's own system is none of `processes`, and what it stores was not searched. */
  readonly outside: boolean;
  readonly timeline: Timeline;
  /** Why the run cannot be judged; empty for a sound run. What a plane loses is no reason. */
  readonly invalid: readonly Finding[];
  readonly operations: OperationColumns;
  readonly reads: ReadColumns;
  readonly probes: ProbeColumns;
  readonly panel: PanelFacts;
  readonly appends: AppendColumns;
  readonly commits: CommitColumns;
  readonly faults: readonly FaultFact[];
  readonly processes: readonly ProcessFact[];
  readonly usage: UsageColumns;
  readonly ports: readonly PortCounter[];
  readonly backfill: BackfillFact | null;
  readonly inventories: { readonly afterLoad: Inventory | null };
  /** Null: it could not be read, or the run did not come to that. */
  readonly stored: StoredBytes | null;
  /** Null: nothing was asked in batch, or the plane offers none of it. */
  readonly batch: BatchFacts | null;
  /** Null: the plane tells no lineage, or the run did not come to that. */
  readonly lineage: LineageFacts | null;
  readonly ledger: LedgerFacts | null;
  readonly errors: readonly { readonly operation: string; readonly message: string; readonly count: number }[];
}

/**
 * What lay in storage behind each port that the plane uses when it had drained, by tier, whatever the plane says of it: old
 * versions, logs, indexes.
 */
export type StoredBytes = Partial<Readonly<Record<StoringPort, Readonly<Record<Tier, number>>>>>;

export interface Finding {
  readonly code: string;
  readonly message: string;
}

/** Event times of the phases. */
export interface Timeline {
  readonly loadStartUs: number;
  readonly measureStartUs: number;
  readonly measureEndUs: number;
  readonly loadEndUs: number;
  /** When the final reads found everything visible, or gave up. */
  readonly drainEndUs: number;
}

export const operationKinds = ['predict', 'lookup'] as const;
export const outcomes = ['ok', 'error', 'timeout'] as const;

/** One open-loop call a row, in order of intended start. */
export interface OperationColumns {
  readonly rows: number;
  /** Index into `operationKinds`. */
  readonly kind: Uint8Array;
  /** Absolute deadline at which the call should have started; latency is doneUs - intendedUs. */
  readonly intendedUs: Float64Array;
  readonly sentUs: Float64Array;
  readonly doneUs: Float64Array;
  /** Index into `outcomes`. */
  readonly outcome: Uint8Array;
  readonly keys: Uint32Array;
}

/** One row of an answered call a row (panel probes apart). */
export interface ReadColumns {
  readonly rows: number;
  /** Row number in `OperationColumns`. */
  readonly operation: Uint32Array;
  readonly customer: Uint32Array;
  readonly lastSeq: Float64Array;
  readonly asOfUs: Float64Array;
  /**
   * Emission time of the earliest emitted sound change of the customer with seq > lastSeq, from the trace, whenever it
   * was; Infinity if there is none. The read was stale if this is before the call was sent.
   */
  readonly nextEmitUs: Float64Array;
}

/** One row per panel probe and customer. */
export interface ProbeColumns {
  readonly rows: number;
  readonly probe: Uint32Array;
  readonly sentUs: Float64Array;
  readonly doneUs: Float64Array;
  /** Index into `PanelFacts.customers`. */
  readonly member: Uint32Array;
  /** -1 if the probe failed. */
  readonly lastSeq: Float64Array;
  readonly asOfUs: Float64Array;
}

export interface PanelFacts {
  readonly customers: readonly number[];
  /** Panel changes / all changes of the trace: scales panel sums to the whole. */
  readonly share: number;
  /** Every change of the panel in the trace, first emissions only, by member and seq. */
  readonly changes: {
    readonly rows: number;
    readonly member: Uint32Array;
    readonly seq: Uint32Array;
    readonly emitUs: Float64Array;
    /** 1 if the contract refuses it: counted apart, never awaited. */
    readonly refused: Uint8Array;
    /** 1 if an append of its entry to the change log was acknowledged. */
    readonly acknowledged: Uint8Array;
  };
}

/** One attempt to append one slot to one partition a row, in the order in which they ended; at most one is acknowledged. */
export interface AppendColumns {
  readonly rows: number;
  readonly slotUs: Float64Array;
  readonly partition: Uint8Array;
  readonly changes: Uint32Array;
  readonly bytes: Uint32Array;
  readonly sentUs: Float64Array;
  readonly doneUs: Float64Array;
  /** Index into `appendOutcomes`. */
  readonly outcome: Uint8Array;
}
export const appendOutcomes = ['acknowledged', 'failed', 'indeterminate'] as const;

/** The life of one injection. Every time that is null did not come. */
export interface FaultFact {
  /** Which of the scenario's faults, by its place. */
  readonly fault: number;
  readonly kind: FaultKind;
  /** The role, the port or the source that was struck. */
  readonly target: string;
  readonly scheduledUs: number;
  readonly armedUs: number | null;
  readonly injectedUs: number | null;
  /** When the harness saw that it had bitten; null: it did not, and the run is invalid. */
  readonly witnessedUs: number | null;
  /** What it saw, or why it did not let it bite. */
  readonly saw: string | null;
  readonly healedUs: number | null;
  /** When what was struck was in service again: a role that had died, when it called ready. */
  readonly readyUs: number | null;
  /** Why it strikes nothing in this plane or on this stack. */
  readonly notApplicable: string | null;
}

/** One transaction of the source database a row; none where the source is no database. */
export interface CommitColumns {
  readonly rows: number;
  /** When it was due. */
  readonly slotUs: Float64Array;
  /** Rows of the database that it changed; what is no row there is not among them. */
  readonly changed: Uint32Array;
  /** When its COMMIT was sent, and when it was answered. */
  readonly askedUs: Float64Array;
  readonly doneUs: Float64Array;
}

export interface ProcessFact {
  readonly name: string;
  readonly kind: 'server' | 'role' | 'load';
  readonly pid: number;
  readonly startedHostUs: number;
  readonly readyAfterUs: number | null;
  readonly exit: string;
  readonly restarts: number;
}

/** Samples of cumulative use, as the operating system tells it. */
export interface UsageColumns {
  readonly rows: number;
  readonly atUs: Float64Array;
  /** Index into `RunFacts.processes`. */
  readonly process: Uint32Array;
  readonly cpuUs: Float64Array;
  readonly rssBytes: Float64Array;
  readonly readBytes: Float64Array;
  readonly writeBytes: Float64Array;
}

/**
 * What one role asked of one port, in total; `probe` counts what was done for panel reads. The port `objects` is the
 * object store under the tables, its operations are requests: put, get, list, delete.
 */
export interface PortCounter {
  readonly role: string;
  readonly port: string;
  readonly operation: string;
  readonly probe: boolean;
  readonly calls: number;
  /** Of the calls those in the measured window, as far as the role's reports tell: it sends one every half second. */
  readonly windowCalls: number;
  /** Rows or keys. */
  readonly rows: number;
  readonly bytes: number;
}

export interface BackfillFact {
  readonly hostUs: number;
  /** Of the files that were to be loaded. */
  readonly rows: number;
  /** Of which the plane tells. */
  readonly toldRows: number;
  readonly parquetBytes: number;
  /** Bytes of the same columns uncompressed (8 per integer, UTF-8 length per text). */
  readonly columnBytes: number;
  readonly filesByReference: number;
  /** Served rows compared with the oracle after the load, and how many differed. */
  readonly checkedRows: number;
  readonly wrongRows: number;
}

/** What was asked in batch, and what the ledger made of what the plane wrote. */
export interface BatchFacts {
  readonly steps: readonly BatchStepFact[];
  /** Kinds of steps that the plan has and the plane has not. */
  readonly notOffered: readonly BatchStep['kind'][];
  /** Whether the rows that are served were of the last change of every customer before the steps after the load began. */
  readonly caughtUp: boolean;
  readonly scored: BatchVerdicts;
  readonly training: BatchVerdicts & {
    /** Rows that show or claim what was not known at their label's moment; they are among the wrong. */
    readonly leaked: number;
    readonly labels: number;
    readonly positives: number;
  };
  /** What was made again of the same versions, as a version of its own, and how often it was the same to the last row. */
  readonly rebuilt: { readonly scored: Rebuilt; readonly training: Rebuilt };
  readonly rollbacks: readonly RollbackFact[];
  readonly reprocessings: readonly ReprocessingFact[];
  readonly inventories: {
    /** The one with most small files, of one a second during the load. */
    readonly mostSmallFiles: Inventory | null;
    /** When the plane had come to rest after the load. */
    readonly atRest: Inventory | null;
  };
  readonly examples: readonly string[];
}

/** One request, or the step that could not be asked for, as what it is made of was not there: in no time. */
export interface BatchStepFact {
  readonly kind: BatchStep['kind'];
  /** Whether it was planned so; by its times it may have come after the load all the same. */
  readonly besideLoad: boolean;
  readonly part: 'whole' | 'slice' | null;
  readonly startedUs: number;
  /** From the request to the answer. */
  readonly hostUs: number;
  /** That were asked for, not those of which the plane tells; 0 if it was not answered. */
  readonly rows: number;
  /** Answered with what had been answered before: nothing was made. */
  readonly isRepeat: boolean;
  readonly scanned: ScannedBytes | null;
  /** Why it was not answered. */
  readonly failure: string | null;
}

/** One rollback and the way forward again, as the panel saw it by lookups and predictions. */
export interface RollbackFact {
  readonly snapshot: string;
  readonly besideLoad: boolean;
  readonly back: SwitchFact;
  /** Null: it was not rolled back, so there was no way forward. */
  readonly forward: SwitchFact | null;
  /** Probes that were answered, and those that were not. */
  readonly probes: number;
  readonly unanswered: number;
  /** Rows and predictions held against the oracle and the model. */
  readonly checked: number;
  /** Of these: features of one state and the model of another. */
  readonly mixed: number;
  /** Of these: not right of the state that they are of, or of a state that was not served any more. */
  readonly wrong: number;
}

/** Changes that turned out to be poisoned, and what was made again for it. */
export interface ReprocessingFact {
  readonly customers: number;
  readonly changes: number;
  readonly assets: readonly {
    readonly table: string;
    readonly recomputedRows: number;
    readonly rows: number;
    /** As the harness saw them: files of the version before that are not in the one after. */
    readonly rewrittenFiles: number;
    readonly files: number;
  }[];
  /** What comes from them as well, and was not made again. */
  readonly untouched: readonly string[];
  readonly checked: number;
  /** Of these: rows that still show what was poisoned. */
  readonly left: number;
  /** Of these: rows that had nothing to do with it and are not as before. */
  readonly disturbed: number;
  /** Tables of which other files were rewritten, or that have other rows, than the plane said. */
  readonly mistold: readonly string[];
  /** Why the renewed snapshot could not be seen; null: it was, or there is none. */
  readonly unjudged: string | null;
}

/** What is served changes to another state. */
export interface SwitchFact {
  readonly requestedUs: number;
  /** The first probe from which on every answer was of the asked state was done then; null: there was none. */
  readonly seenUs: number | null;
  /** The last probe before it. */
  readonly notBeforeUs: number;
  /** Until when it was looked for. */
  readonly watchedUntilUs: number;
}

export interface BatchVerdicts {
  /** Rows held against the oracle, and those that were not what they had to be, missing ones too. */
  readonly checked: number;
  readonly wrong: number;
}

export interface Rebuilt {
  readonly times: number;
  readonly same: number;
}

/** What was found in storage at the end, and what of it the plane's own events account for. */
export interface LineageFacts {
  /** Tables, of whatever storage. */
  readonly assets: number;
  /** Those of which every run that wrote them resolves: to inputs, code, environment and configuration. */
  readonly covered: number;
  /** Data files of these tables, each of which names the run that wrote it. */
  readonly files: number;
  readonly events: number;
  readonly runs: number;
  /** Of up to 20 assets that are not covered, why. */
  readonly gaps: readonly string[];
}

/** What the ledger found; counts of changes unless named otherwise. */
export interface LedgerFacts {
  // Every change as often as it was offered, by what came of the attempt.
  readonly attempted: number;
  readonly acknowledged: number;
  readonly failed: number;
  readonly indeterminate: number;
  /** Changes of the trace, each copy once, that the log never acknowledged. */
  readonly unacknowledged: number;
  readonly tables: {
    /** Acknowledged, sound, and not in the tables. */
    readonly lost: number;
    /** Held more than once: the surplus. */
    readonly duplicated: number;
    /** In the tables and never emitted, or refused by the contract. */
    readonly unexpected: number;
    /** Refused changes that the plane did not list, and listings that are wrong. */
    readonly quarantineMissing: number;
    readonly quarantineUnexpected: number;
    /** Keys of which the final row and the tables disagree for good. */
    readonly skewed: number;
    /** Span of the emission times of the lost, the recovery point; 0 if none is lost. */
    readonly rpoUs: number;
    /** Emission times of the lost and of the surplus, ascending; of more than 1,000 so many, evenly chosen. */
    readonly lostEmitUs: readonly number[];
    readonly duplicatedEmitUs: readonly number[];
  } | null;
  /**
   * Rows of final reads, and the sampled rows and predictions of live reads, against the oracle at each one's own (lastSeq,
   * asOfUs).
   */
  readonly final: RowVerdicts;
  readonly live: RowVerdicts;
  /** Final rows again after the plane's own correction, for a plane that declares one (`settlesWithinUs`). */
  readonly settled: RowVerdicts | null;
  /** Acknowledged changes that the final rows have come to. */
  readonly visible: number;
  /** Keys whose final row does not reflect every acknowledged change. */
  readonly behind: number;
  /** Keys whose final row is an older version than one that was read before. */
  readonly reordered: number;
  /** Reads of a key whose lastSeq, or asOfUs at equal lastSeq, was lower than that of an earlier finished read. */
  readonly monotonicViolations: number;
  /** Raw personal data found in what the plane stored; null: none, but it stores elsewhere too, where nobody can look. */
  readonly personalDataLeaks: number | null;
  /** Up to 20 examples, for the reader. */
  readonly examples: readonly string[];
}

export interface RowVerdicts {
  readonly checked: number;
  readonly right: number;
  /** The others, by what explains them; absent: none. */
  readonly mistakes: Readonly<Partial<Record<RowMistake, number>>>;
}

/** What may be the matter with a row that is not right; how they are told apart: ledger/README.md. */
export const rowMistakes = [
  /** Claims a change that it does not show: its lastSeq was not applied. */
  'ahead',
  /** Shows a change that it does not claim. */
  'unclaimed',
  /** Its features are of another moment than its asOf. */
  'misdated',
  /** Some features are of one version, the others of another. */
  'torn',
  /** Right if no order was ever deleted. */
  'deleteIgnored',
  /** Counts and sums have only what came after some change. */
  'windowsDropped',
  /** Some additive feature is above (over) or below (under) the oracle and none the other way. */
  'over',
  'under',
  /** Differs in any other way. */
  'wrong',
  /** A prediction whose score is not what the model that it names makes of the features at its own version. */
  'misscored',
  /** Differs; not looked into, as many others were. */
  'unexplained',
] as const;
export type RowMistake = (typeof rowMistakes)[number];
