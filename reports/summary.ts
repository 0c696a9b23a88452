/** `summary.json`, schema planebench.summary/1: what reports, gates and readers in any language consume. */

export interface Summary {
  readonly schema: 'planebench.summary/1';
  readonly run: {
    readonly suite: string;
    readonly seed: number;
    readonly repetitions: number;
    readonly confidenceLevel: number;
    readonly scenarios: readonly ScenarioSummary[];
    readonly architectures: readonly { readonly name: string; readonly params: unknown }[];
    readonly command: string;
  };
  readonly validity: { readonly valid: boolean; readonly findings: readonly RunFinding[] };
  readonly estimates: readonly Estimate[];
  readonly comparisons: readonly Comparison[];
  readonly claims: readonly Claim[];
  readonly series: readonly RunSeries[];
  readonly costs: Costs;
  readonly faultOutcomes: readonly FaultOutcome[];
  readonly verdict: Verdict;
  /** Null: the suite was no soak. */
  readonly soak: SoakSummary | null;
}

export interface ScenarioSummary {
  readonly name: string;
  /** What it is there for, where its name does not say it. */
  readonly about: string | null;
  readonly stack: string;
  readonly timeScale: number;
  readonly changesPerSecond: number;
  readonly historyFacts: number;
  readonly customers: number;
  readonly predictionsPerSecond: number;
  readonly lookupsPerSecond: number;
  readonly measuredUs: number;
  readonly freshnessSloUs: number;
  readonly fault: string | null;
}

export interface RunFinding {
  readonly run: string;
  readonly architecture: string;
  readonly repetition: number;
  readonly code: string;
  readonly message: string;
}

export type Badge = 'measured' | 'simulated';
export type Unit =
  | 'us'
  | 'per_s'
  | 'changes'
  | 'changes_per_s'
  | 'rows'
  | 'share'
  | 'count'
  | 'bytes'
  | 'cores'
  | 'times'
  | 'files_per_million_rows'
  | 'us_per_tb'
  | 'usd';

/** One figure. `value: null` never means zero: `validity` says why there is none. */
export interface Estimate {
  readonly scenario: string;
  readonly architecture: string;
  readonly metric: string;
  /** 'p50', 'p95', 'p99', 'mean', 'total', 'share', ... */
  readonly statistic: string;
  readonly unit: Unit;
  readonly better: 'lower' | 'higher' | 'neither';
  readonly badge: Badge;
  readonly stack: string;
  readonly timeScale: number;
  readonly pointEstimate: number | null;
  readonly confidenceInterval: {
    readonly confidenceLevel: number;
    readonly lowerBound: number;
    readonly upperBound: number;
  } | null;
  /** How the interval was made, e.g. 'jackknife-t over runs (log)'. */
  readonly method: string;
  readonly runs: number;
  readonly samples: number;
  readonly validity: 'ok' | 'insufficient' | 'censored' | 'not_offered' | 'not_measured' | 'invalid';
  /** A sentence where validity needs one: "right-censored: at least 5.0 s". */
  readonly note?: string;
}

/** Paired by seed: `candidate` against `reference`, as a ratio. */
export interface Comparison {
  readonly scenario: string;
  readonly metric: string;
  readonly statistic: string;
  readonly candidate: string;
  readonly reference: string;
  readonly ratio: number | null;
  readonly confidenceInterval: Estimate['confidenceInterval'];
  readonly pairs: number;
  readonly method: string;
  /** Better or worse needs the interval to exclude 1 and at least 10 pairs; otherwise inconclusive. */
  readonly outcome: 'better' | 'worse' | 'equivalent' | 'inconclusive';
}

/** A claim of the paper, checked. */
export interface Claim {
  readonly id: string;
  readonly text: string;
  readonly metric: string;
  readonly published: string;
  readonly ours: string;
  readonly outcome: 'confirmed' | 'refuted' | 'inconclusive' | 'not measured';
}

/** What the charts need of one run, already reduced; times relative to the start of the load. */
export interface RunSeries {
  readonly run: string;
  readonly scenario: string;
  readonly architecture: string;
  readonly repetition: number;
  readonly valid: boolean;
  readonly measureStartUs: number;
  readonly measureEndUs: number;
  readonly faults: readonly {
    readonly kind: string;
    /** The role, port or source that was struck. */
    readonly target: string;
    readonly injectedUs: number;
    /** When it was seen to have bitten; null: it was not. */
    readonly witnessedUs: number | null;
    readonly healedUs: number | null;
    /** When what was struck was in service again. */
    readonly readyUs: number | null;
  }[];
  /** One row an interval of `intervalUs`. Nulls where nothing was observed. */
  readonly intervalUs: number;
  readonly timeline: readonly {
    readonly atUs: number;
    readonly predictP95Us: number | null;
    readonly visibilityP95Us: number | null;
    readonly backlogChanges: number | null;
    readonly errors: number;
    readonly appended: number;
  }[];
  /** Quantiles at fixed probabilities, for percentile plots and ECDFs. */
  readonly inferenceQuantiles: readonly { readonly p: number; readonly us: number }[];
  readonly visibilityQuantiles: readonly { readonly p: number; readonly us: number }[];
  readonly processes: readonly {
    readonly name: string;
    readonly kind: string;
    readonly cpuCores: number;
    /** Null: not simulated. */
    readonly peakRssBytes: number | null;
  }[];
}

/** What one fault did to one plane, over all runs of a scenario. */
export interface FaultOutcome {
  readonly scenario: string;
  readonly architecture: string;
  /** "role-crash", or "a + b" where faults overlap. */
  readonly fault: string;
  readonly target: string;
  /** Why it strikes nothing here; then all that follows is empty. */
  readonly notApplicable: string | null;
  readonly badge: Badge;
  readonly stack: string;
  readonly timeScale: number;
  readonly runs: number;
  readonly injections: number;
  /** Per SLO: in how many of the injections in which it could be judged it was lost. */
  readonly slo: readonly {
    readonly slo: 'availability' | 'latency' | 'freshness';
    readonly lost: number;
    readonly judged: number;
  }[];
  /**
   * Of the runs in which the load generator itself was late: how many of the seconds watched were left out for that, and
   * after how many injections an SLO could not be judged at all.
   */
  readonly unjudged: readonly {
    readonly run: string;
    readonly seconds: number;
    readonly watched: number;
    readonly injections: number;
  }[];
  /** Of each clock the mean over injections with its interval over runs; null: none. `note`: censored, zero for a reason, ... */
  readonly clocks: readonly {
    readonly clock: 'first_failure' | 'first_success' | 'slo_regained' | 'back_in_band' | 'backlog_drained' | 'mttr';
    readonly meanUs: number | null;
    readonly interval: {
      readonly confidenceLevel: number;
      readonly lowerBoundUs: number | null;
      readonly upperBoundUs: number | null;
    } | null;
    /** The mean is only known to be at least this. */
    readonly atLeast: boolean;
    readonly injections: number;
    readonly note: string | null;
  }[];
  /** Over the runs; null: the plane offers no tables. */
  readonly lost: number | null;
  readonly duplicated: number | null;
  readonly rpoUs: number | null;
  /** Final rows after healing and draining (after its own correction, for a plane that has one). */
  readonly wrongRows: number;
  readonly tornRows: number;
  readonly monotonicViolations: number;
  /** Runs of this fault that are invalid, with the reason of the first. */
  readonly invalidRuns: number;
  readonly invalidReason: string | null;
  /** In words, worst first; empty: the plane survived it. */
  readonly findings: readonly string[];
}

/** What the `cost.*` figures consist of, and the prices that made them. */
export interface Costs {
  readonly prices: PriceBook;
  readonly planes: readonly PlaneCost[];
}

/** Of the valid runs of a plane under a scenario whose use is known. */
export interface PlaneCost {
  readonly scenario: string;
  readonly architecture: string;
  readonly runs: number;
  /** The mean run's measured window. */
  readonly parts: readonly CostPart[];
  /** Each figure with all prices at their low, and with all at their high. */
  readonly bands: readonly { readonly metric: string; readonly lowUsd: number; readonly highUsd: number }[];
}

/**
 * Of a role: its own process (`port: null`), or its part of the server behind a port. Without a role: a server that no
 * counter divides, by its name, or, without a name too, what is stored.
 */
export interface CostPart {
  readonly role: string | null;
  readonly port: string | null;
  readonly cpuUsd: number;
  readonly memoryUsd: number;
  /** What is stored, for as long as the window, and bytes written and read where they are charged. */
  readonly storageUsd: number;
  readonly requestsUsd: number;
}

/** Dated prices; a GB is 2^30 bytes, a month 730 hours. */
export interface PriceBook {
  readonly schema: 'planebench.prices/1';
  readonly name: string;
  readonly date: string;
  readonly currency: 'USD';
  readonly region: string;
  readonly about: string;
  readonly prices: {
    readonly cpu: Price<'usd_per_vcpu_second'>;
    readonly memory: Price<'usd_per_gb_second'>;
    /** Of a plane without tiers, and of what is hot. */
    readonly storage: Price<'usd_per_gb_month'>;
    readonly storageWarm: Price<'usd_per_gb_month'>;
    readonly storageCold: Price<'usd_per_gb_month'>;
    /** To and from the object store; block storage charges none. */
    readonly bytesWritten: Price<'usd_per_gb_written'>;
    readonly bytesRead: Price<'usd_per_gb_read'>;
    /** PUT and LIST. */
    readonly writeRequests: Price<'usd_per_1000_requests'>;
    /** GET. */
    readonly readRequests: Price<'usd_per_1000_requests'>;
  };
}

export interface Price<PriceUnit extends string> {
  readonly unit: PriceUnit;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** When the sources said so. */
  readonly seen: string;
  readonly sources: readonly string[];
  readonly about: string;
}

export interface Verdict {
  readonly outcome: 'pass' | 'fail' | 'inconclusive';
  /** Sentences for the top of the report, most important first. */
  readonly sentences: readonly string[];
}

/** What the harness held after each run of a soak, and whether it levels off. */
export interface SoakSummary {
  readonly runs: number;
  /** Runs that did not pass, in the order in which they ran. */
  readonly failed: readonly {
    readonly run: string;
    readonly seed: number;
    readonly faults: readonly string[];
    readonly verdict: string;
  }[];
  readonly resources: readonly SoakResource[];
}

export interface SoakResource {
  readonly resource: 'memory' | 'descriptors' | 'processes' | 'disk';
  readonly unit: 'bytes' | 'count';
  /** Evenly thinned; `run` counts from 1. */
  readonly points: readonly { readonly run: number; readonly value: number }[];
  /** Over the second half of the runs; null: it was not read in enough of them. */
  readonly trend: {
    readonly fromRun: number;
    /** The median. */
    readonly level: number;
    readonly growthPerRun: number;
    readonly confidenceLevel: number;
    readonly lowerBound: number;
    readonly upperBound: number;
    /**
     * `levels off`: at the upper bound it grows by less than 5 % of its level over these runs. `grows`: not that, and
     * the lower bound is above zero.
     */
    readonly outcome: 'levels off' | 'grows' | 'undecided';
  } | null;
}

/** What a manifest tells of machine and versions; the report prints it. */
export interface Manifest {
  readonly schema: 'planebench.manifest/1';
  readonly id: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly command: string;
  readonly suite: string;
  readonly seed: number;
  readonly repetitions: number;
  readonly traces: readonly {
    readonly seed: number;
    readonly scenario: string;
    readonly sha256: string;
    readonly changes: number;
  }[];
  readonly git: { readonly commit: string | null; readonly dirty: boolean | null };
  readonly lockFileSha256: string | null;
  readonly versions: Readonly<Record<string, string>>;
  /** Servers that others wrote, behind the ports or the source: by name, the version. Empty: all are planebench's own. */
  readonly servers: Readonly<Record<string, string>>;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly platform: string;
    readonly cgroup: string | null;
    /** Whether load generators had real-time priority, or only stood before the planes by their niceness. */
    readonly loadGoesFirst: boolean;
    /** Share of CPU time stolen by the hypervisor during the suite, basis points; null where unknown. */
    readonly stealBp: number | null;
  };
  readonly scenarios: unknown;
  /** Of what was simulated: `standard`, or the SHA-256 of those of `--service-times`. Absent: nothing was. */
  readonly serviceTimes?: string;
  /** What was left out because no fault of the scenario strikes anything in the plane or on the stack. */
  readonly notApplicable: readonly {
    readonly scenario: string;
    readonly architecture: string;
    readonly reason: string;
  }[];
  /** Ids of the runs that were planned. Absent: a soak, which draws them as it goes. */
  readonly plannedRuns?: readonly string[];
  readonly interrupted: boolean;
}

/** Whether every planned run was done: not where somebody stopped it, nor where it died. */
export function isFinished({ endedAt, interrupted }: Pick<Manifest, 'endedAt' | 'interrupted'>): boolean {
  return endedAt !== null && !interrupted;
}
