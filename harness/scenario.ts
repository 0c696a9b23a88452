/** A scenario is a value: everything that a run is a function of. Printed, hashed and saved before anything starts. */
import type { Workload } from '../workloads/workload.js';
import type { BatchPlan } from './batch/plan.js';
import type { Json } from './json.js';
import type { PortName } from './ports/ports.js';
import type { ExternalServers } from './stacks/external-settings.js';
import type { BrokerCount, StackName } from './stacks/stack.js';

export interface Scenario {
  readonly name: string;
  /** What it is there for, where its name does not say it. */
  readonly about?: string;
  readonly stack: StackName;
  /** Of the stack external: where its servers are. */
  readonly servers?: ExternalServers;
  /** Of Kafka, on a stack that starts it; absent: 1. */
  readonly brokers?: BrokerCount;
  /** Where changes come from; absent: from the trace itself. */
  readonly source?: SourceName;
  /** By how much the paper's minutes are divided in `slo`, `workload` and the planes' intervals; physics stays real. */
  readonly timeScale: number;
  /** Event time at which the load starts; placed so that minute, quarter-hour and hour tiles expire while measuring. */
  readonly epochUs: number;
  readonly workload: Workload;
  readonly phases: Phases;
  readonly slo: Slo;
  readonly faults: readonly FaultPlan[];
  /** Absent: nothing is asked in batch. */
  readonly batch?: BatchPlan;
  /** How long the supervisor waits before it starts a dead role again, as an orchestrator would. */
  readonly restartDelayUs: number;
}

export const sourceNames = ['postgres'] as const;
export type SourceName = (typeof sourceNames)[number];

/** In event time, end not included. */
export function measuredWindow({ epochUs, phases }: Scenario): { readonly startUs: number; readonly endUs: number } {
  const startUs = epochUs + phases.warmUpUs;
  return { startUs, endUs: startUs + phases.measureUs };
}

/** Lengths; the load runs from the start of `warmUp` to the end of `fault`. */
export interface Phases {
  readonly warmUpUs: number;
  readonly measureUs: number;
  readonly faultUs: number;
  /** After the load: the longest that a plane may take to show every acknowledged change. */
  readonly drainUs: number;
}

export interface Slo {
  /** A change is fresh if it is visible within this; the SLO is met while 95 % of changes are. */
  readonly freshnessUs: number;
  /** The share of the calls of a second that must succeed. */
  readonly availability: number;
  /** Of the predictions of a second 95 % are answered within this: a model server's own bound, physical at any time scale. */
  readonly latencyUs: number;
  /** For this long the SLO must hold before it counts as regained. */
  readonly holdUs: number;
}

/** What is done to a plane, and when. */
export type FaultPlan = FaultSpec & { readonly schedule: Schedule };

/** Times are from the end of the measured window on; nothing strikes after the end of the load. */
export type Schedule =
  /** At a seeded random moment of `[afterUs, afterUs + jitterUs)`. */
  | { readonly kind: 'once'; readonly afterUs: number; readonly jitterUs: number }
  /** The same again every `everyUs`, as often as the load lasts long enough after it for a loss to show. */
  | { readonly kind: 'every'; readonly afterUs: number; readonly everyUs: number; readonly jitterUs: number }
  /** `count` times at seeded random moments, one in each of as many equal parts of what is left from `afterUs` on. */
  | { readonly kind: 'random'; readonly afterUs: number; readonly count: number };

/** Ends by itself after `lastsUs`, or is ended then. */
interface Lasting {
  readonly lastsUs: number;
}
/** Strikes a role; absent: the first that ingests. */
interface OnRole {
  readonly role?: string;
}
/** Of all changes offered while it lasts, this many in a million. */
interface Dirtied extends Lasting {
  readonly ppm: number;
}

/** Strikes the links to the server behind a port, of all roles or of one. */
interface OnWire extends Lasting {
  readonly port: PortName;
  readonly role?: string;
}

/** The faults there are; one file each under faults/. */
export type FaultSpec =
  | ({ readonly kind: 'role-crash' } & OnRole)
  | ({ readonly kind: 'role-pause' } & OnRole & Lasting)
  | ({ readonly kind: 'crash-loop' } & OnRole & Lasting)
  /** The role's clock is wrong by this much, forward or back. */
  | ({ readonly kind: 'clock-jump'; readonly byUs: number } & OnRole & Lasting)
  | ({ readonly kind: 'change-log-outage' } & Lasting)
  | ({ readonly kind: 'online-store-outage' } & Lasting)
  /** It comes back empty. */
  | ({ readonly kind: 'online-store-loss' } & Lasting)
  | ({ readonly kind: 'table-store-outage' } & Lasting)
  | ({ readonly kind: 'full-disk' } & Lasting)
  /** The server behind a port stands still; of several brokers, all. */
  | ({ readonly kind: 'server-pause'; readonly port: PortName } & Lasting)
  /** It runs, and is on no network. */
  | ({ readonly kind: 'server-disconnect'; readonly port: PortName } & Lasting)
  | ({
      readonly kind: 'slow-port';
      readonly port: PortName;
      readonly latencyUs: number;
      readonly jitterUs: number;
    } & Lasting)
  /** So many calls in a million fail: half of them unheard, half of them after they have taken effect. */
  | ({ readonly kind: 'failing-port'; readonly port: PortName; readonly errorPpm: number } & Lasting)
  | ({ readonly kind: 'duplicate-delivery' } & Dirtied)
  | ({ readonly kind: 'reordering' } & Dirtied)
  | ({ readonly kind: 'late-events' } & Dirtied)
  | ({ readonly kind: 'poison-records' } & Dirtied)
  | ({ readonly kind: 'incompatible-schema' } & Dirtied)
  | ({ readonly kind: 'load-burst'; readonly times: number } & Lasting)
  | ({ readonly kind: 'wire-latency'; readonly latencyUs: number; readonly jitterUs: number } & OnWire)
  | ({ readonly kind: 'wire-bandwidth'; readonly bytesPerSecond: number } & OnWire)
  /** No answer comes, and then the connection is closed. */
  | ({ readonly kind: 'wire-timeout'; readonly afterUs: number } & OnWire)
  | ({ readonly kind: 'wire-reset' } & OnWire)
  /** The end of a connection arrives late. */
  | ({ readonly kind: 'wire-slow-close'; readonly delayUs: number } & OnWire)
  /** Nothing gets through either way, and nobody is told. */
  | ({ readonly kind: 'partition' } & OnWire)
  /** Strikes the broker that leads this partition of the topic. */
  | ({ readonly kind: 'leader-kill'; readonly partition: number } & Lasting);

export type FaultKind = FaultSpec['kind'];

/** Whose faults need proxies: they then stand in every link of every plane of the scenario, struck or not. */
export function isWired({ faults }: Pick<Scenario, 'faults'>): boolean {
  return faults.some(({ kind }) => kind === 'partition' || kind.startsWith('wire-'));
}
export type SpecOf<Kind extends FaultKind> = Extract<FaultSpec, { kind: Kind }>;

/** One plane under one scenario. */
export interface Arm {
  readonly architecture: string;
  /** Name of a built-in plane, or path of a module. */
  readonly specifier: string;
  readonly params: Json;
}

/** One run: what `run` is called with. Runs of a repetition share seed and trace. */
export interface RunPlan {
  readonly id: string;
  readonly scenario: Scenario;
  readonly arm: Arm;
  readonly repetition: number;
  readonly seed: number;
}
