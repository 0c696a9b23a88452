/**
 * What a fault is to the harness; one file a fault stands under faults/. Its life: scheduled, armed, injected, witnessed,
 * healed; when the plane has recovered, the measures tell.
 */

import type { Refusal } from '../workloads/refusals.js';
import type { Workload } from '../workloads/workload.js';
import type { PortName } from './ports/ports.js';
import type { ArchitectureDescription } from './processes/describe-architecture.js';
import type { StartedPlane } from './processes/plane.js';
import type { Supervisor } from './processes/supervisor.js';
import type { Random } from './random.js';
import type { FaultKind, FaultPlan, Scenario, SpecOf } from './scenario.js';
import type { Brokers, ServerForm, Stack } from './stacks/stack.js';
import type { Wires } from './stacks/wires.js';

/** All that a fault needs to name. */
export type { AddedDirt, Dirt, Disturbance } from '../workloads/workload.js';
export type { PortInjury } from './ports/injured.js';
export type { PortName } from './ports/ports.js';
export type { ArchitectureDescription } from './processes/describe-architecture.js';
export type { InjuredPlane } from './processes/plane.js';
export { standStill } from './processes/standstill.js';
export type { Random } from './random.js';
export type { FaultKind, FaultPlan, Scenario, SpecOf } from './scenario.js';
export type { InjuredWires, WireFault } from './servers/links.js';
export type { Broker } from './stacks/stack.js';

/** Event time from the injection to the heal. */
export interface Window {
  readonly atUs: number;
  readonly untilUs: number;
}

/** What it would strike: a role, a port, the source; or why it cannot. */
export type Support = { readonly target: string } | { readonly notApplicable: string };

export interface Fault<Kind extends FaultKind = FaultKind, Harm = unknown, Armed = unknown> {
  /** What is done, in a few words, for readers of the report. */
  readonly about: string;
  /** Whoever is started in the place of a role that died is harmed, too, until it is healed. */
  readonly outlivesRole?: true;
  supports(
    spec: SpecOf<Kind>,
    where: {
      readonly architecture: ArchitectureDescription;
      /** Whether there can be any in the links of the stack. */
      readonly proxies: boolean;
      /** Its servers are not ours: they are not stopped. */
      readonly lent: boolean;
      /** Of a Kafka that is ours; 0: there is none. */
      readonly brokers: number;
      /** Of its servers that are ours. */
      readonly forms: Partial<Readonly<Record<PortName, ServerForm>>>;
    },
  ): Support;
  /** When it strikes: a function of the scenario and of chance, so that the source can know it before there is a trace. */
  schedule(plan: FaultPlan & SpecOf<Kind>, scenario: Scenario, random: Random): readonly Window[];
  /** What the source does differently meanwhile; absent: nothing. `window` counts from the start of the load. */
  disturb?(spec: SpecOf<Kind>, changes: Workload['changes'], window: Window): Workload['changes'];
  /** Makes ready for it when the load begins; absent: nothing is to be made ready. What it returns, `inject` is told. */
  arm?(strike: Strike<Kind>): Armed;
  /** Does the harm; what it returns, `witness` and `heal` are told. */
  inject(strike: Strike<Kind>, armed: Armed): Promise<Harm>;
  /** Proof that it has bitten; without, the run is invalid. Asked once it has been healed. */
  witness(strike: Strike<Kind>, harm: Harm): Promise<Witness | Unstruck | null>;
  /** Ends the harm. Called until it does not throw; safe to repeat. */
  heal(strike: Strike<Kind>, harm: Harm): Promise<void>;
}

/** One injection. */
export interface Strike<Kind extends FaultKind = FaultKind> {
  readonly spec: SpecOf<Kind>;
  readonly target: string;
  readonly window: Window;
  readonly supervisor: Supervisor;
  /** The servers of the stack, where it has any. */
  readonly servers: Stack['servers'];
  /** Of the change log; throws where it is no Kafka of ours. */
  readonly brokers: () => Brokers;
  /** The topic of changes. */
  readonly topic: string;
  /** The links to them; throws where no proxy stands in them. */
  readonly wires: () => Wires;
  readonly plane: Pick<StartedPlane, 'injure' | 'readClockOff'>;
  /** Told when the load has ended: what of the trace was acknowledged. */
  readonly source: Promise<SourceRecord>;
}

export interface Witness {
  readonly atUs: number;
  /** What was seen, in words. */
  readonly saw: string;
}

/** It was not let bite, and why. */
export interface Unstruck {
  readonly atUs: null;
  readonly saw: string;
}

/** What the source really offered. */
export interface SourceRecord {
  /** The measured window: the source is as it usually is. */
  readonly usual: Window;
  /**
   * Changes that the source committed in the window and whose append was acknowledged. A late one is offered long after
   * its commit, so commits tell what a disturbance has done and offers do not.
   */
  acknowledged(window: Window): Promise<AcknowledgedChanges>;
}

export interface AcknowledgedChanges extends Acknowledged {
  /** What was wrong with them; a copy is no change of its own, and counts here only. */
  readonly byDirt: Readonly<Record<SourceDirt, Acknowledged>>;
}
export interface Acknowledged {
  readonly changes: number;
  /** Infinity: there is none. */
  readonly firstUs: number;
}

/** What the contract refuses, and what came after a later change of its partition. */
export type SourceDirt = Refusal | 'out_of_order';
