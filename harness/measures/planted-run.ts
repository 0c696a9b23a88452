/**
 * A run planted by hand, for tests: facts whose measures can be worked out with pencil and paper. Five panel members with
 * a change every 100 ms each, a probe every 50 ms that is answered after 1 ms, a prediction every 10 ms; 2 s of warm-up,
 * 10 s measured, 10 s for the fault; SLO 3 s, held for 1 s.
 */

import { soundTables } from '../ledger/sound-tables.fixture.js';
import { allocateColumns } from '../record/column-files.js';
import { columnSets } from '../record/column-sets.js';
import type { FaultFact, RunFacts } from '../record/facts.js';
import type { Scenario } from '../scenario.js';

const secondUs = 1_000_000;
export const startUs = 1_768_000_000 * secondUs;
export const measureStartUs = startUs + 2 * secondUs;
export const measureEndUs = startUs + 12 * secondUs;
export const loadEndUs = startUs + 22 * secondUs;
const changeEveryUs = 100_000;
const probeEveryUs = 50_000;
const probeTakesUs = 1_000;
const callEveryUs = 10_000;
const members = 5;
/** Half of all changes are the panel's. */
const share = 0.5;

export interface Planted {
  readonly architecture?: string;
  readonly repetition?: number;
  /** When a change emitted at `emitUs` begins to be shown; Infinity: never. Must not fall as `emitUs` grows. */
  readonly shownAtUs?: (emitUs: number) => number;
  /** Probes sent in here are not answered. */
  readonly silent?: (sentUs: number) => boolean;
  /** Latency of prediction i, or null if it fails after 3 ms. */
  readonly latencyUs?: (i: number) => number | null;
  readonly startErrorUs?: number;
  /** While the reader stands still from one time to the other it sends nothing; what was due goes out at the end. */
  readonly readerStalls?: readonly (readonly [fromUs: number, untilUs: number])[];
  readonly fault?: Partial<FaultFact>;
  /** Several, instead of the one. */
  readonly faults?: readonly Partial<FaultFact>[];
  readonly facts?: Partial<RunFacts>;
}

export const scenario: Scenario = {
  name: 'planted',
  stack: 'embedded',
  timeScale: 60,
  epochUs: startUs,
  workload: {
    contract: { topic: 'changes', partitions: 1, customers: 100, allowedLatenessUs: 2 * secondUs, tokenKey: '00' },
    history: { facts: 1000, days: 8, lullUs: 0 },
    changes: {
      perSecond: 100,
      slotUs: changeEveryUs,
      zipfMilli: 800,
      dirt: { duplicatePpm: 0, outOfOrderPpm: 0, latePpm: 0, violationPpm: 0 },
      evolveAfterUs: 0,
      breakAfterUs: 0,
      bursts: [],
      disturbances: [],
    },
    reads: {
      predict: { perSecond: 100, keysPerCall: 1, arrivals: { kind: 'constant' } },
      lookup: { perSecond: 0, keysPerCall: 1, arrivals: { kind: 'constant' } },
      timeoutUs: secondUs,
      zipfMilli: 800,
    },
    panel: { customers: members, everyUs: probeEveryUs },
  },
  phases: {
    warmUpUs: 2 * secondUs,
    measureUs: 10 * secondUs,
    faultUs: 10 * secondUs,
    drainUs: 10 * secondUs,
  },
  slo: { freshnessUs: 3 * secondUs, availability: 0.99, latencyUs: 50_000, holdUs: secondUs },
  faults: [{ kind: 'role-crash', schedule: { kind: 'once', afterUs: secondUs, jitterUs: 1 } }],
  restartDelayUs: 500_000,
};

/** The crash of every planted run: one second after the measured window, seen 10 ms later, healed after a second. */
export const injectedUs = measureEndUs + secondUs;

export function plantRun(planted: Planted = {}): RunFacts {
  const { architecture = 'lakehouse', repetition = 1 } = planted;
  const shownAtUs = planted.shownAtUs ?? ((emitUs: number) => emitUs + 2 * secondUs);
  const emissions = range(startUs, loadEndUs, changeEveryUs);
  const calls = range(startUs, loadEndUs, callEveryUs);
  const latencyUs = calls.map((_, i) => (planted.latencyUs ? planted.latencyUs(i) : 5_000));
  const startErrorUs = planted.startErrorUs ?? 100;
  const stallOf = (due: number) => planted.readerStalls?.find(([fromUs, untilUs]) => due >= fromUs && due < untilUs);
  const sentUs = Float64Array.from(calls, (due) => stallOf(due)?.[1] ?? due + startErrorUs);
  const changes = emissions.length * members * 2;
  return {
    plan: {
      id: `planted-${repetition}-${architecture}`,
      scenario,
      arm: { architecture, specifier: architecture, params: null },
      repetition,
      seed: 1000 + repetition,
    },
    params: { interval: 2 },
    ingests: true,
    outside: false,
    timeline: { loadStartUs: startUs, measureStartUs, measureEndUs, loadEndUs, drainEndUs: loadEndUs + secondUs },
    invalid: [],
    operations: {
      rows: calls.length,
      kind: new Uint8Array(calls.length),
      intendedUs: Float64Array.from(calls),
      sentUs,
      doneUs: Float64Array.from(calls, (due, i) => (stallOf(due)?.[1] ?? due) + (latencyUs[i] ?? 3_000)),
      outcome: Uint8Array.from(latencyUs, (latency) => (latency === null ? 1 : 0)),
      keys: new Uint32Array(calls.length).fill(1),
    },
    reads: {
      rows: calls.length,
      operation: Uint32Array.from(calls.keys()),
      customer: new Uint32Array(calls.length),
      lastSeq: new Float64Array(calls.length),
      // Evaluated half a second before it was asked; every other row lacks a change 1.9 s old, the others nothing yet emitted.
      asOfUs: sentUs.map((sent) => sent - 500_000),
      nextEmitUs: sentUs.map((sent, i) => (i % 2 === 0 ? sent - 1_900_000 : sent + 40_000)),
    },
    probes: plantProbes(emissions.map(shownAtUs), planted.silent ?? (() => false)),
    panel: {
      customers: Array.from({ length: members }, (_, member) => member),
      share,
      changes: {
        rows: emissions.length * members,
        member: Uint32Array.from({ length: emissions.length * members }, (_, i) => Math.floor(i / emissions.length)),
        seq: Uint32Array.from({ length: emissions.length * members }, (_, i) => (i % emissions.length) + 1),
        emitUs: Float64Array.from(
          { length: emissions.length * members },
          (_, i) => emissions[i % emissions.length] as number,
        ),
        refused: new Uint8Array(emissions.length * members),
        acknowledged: new Uint8Array(emissions.length * members).fill(1),
      },
    },
    appends: {
      rows: emissions.length,
      slotUs: Float64Array.from(emissions),
      partition: new Uint8Array(emissions.length),
      changes: new Uint32Array(emissions.length).fill(members * 2),
      bytes: new Uint32Array(emissions.length).fill(1000),
      sentUs: Float64Array.from(emissions, (slot) => slot + 200),
      doneUs: Float64Array.from(emissions, (slot) => slot + 1200),
      outcome: new Uint8Array(emissions.length),
    },
    // The source is no database.
    commits: allocateColumns(columnSets.commits, 0),
    faults: (planted.faults ?? [planted.fault ?? {}]).map(plantFault),
    processes: [
      { name: 'change-log', kind: 'server', pid: 1, startedHostUs: 0, readyAfterUs: 1, exit: '', restarts: 0 },
      { name: 'stream', kind: 'role', pid: 2, startedHostUs: 0, readyAfterUs: 1, exit: '', restarts: 1 },
      { name: 'reader', kind: 'load', pid: 3, startedHostUs: 0, readyAfterUs: 1, exit: '', restarts: 0 },
    ],
    usage: plantUsage(),
    ports: [
      {
        role: 'serving',
        port: 'onlineStore',
        operation: 'get',
        probe: false,
        calls: 440,
        windowCalls: 200,
        rows: 440,
        bytes: 1,
      },
      {
        role: 'serving',
        port: 'onlineStore',
        operation: 'get',
        probe: true,
        calls: 90,
        windowCalls: 40,
        rows: 9000,
        bytes: 1,
      },
      {
        role: 'stream',
        port: 'onlineStore',
        operation: 'get',
        probe: false,
        calls: 50,
        windowCalls: 20,
        rows: 5000,
        bytes: 1,
      },
    ],
    backfill: {
      hostUs: 4 * secondUs,
      rows: 1000,
      toldRows: 1000,
      parquetBytes: 2_000_000,
      columnBytes: 8_000_000,
      filesByReference: 0,
      checkedRows: 100,
      wrongRows: 0,
    },
    inventories: {
      afterLoad: { files: 40, bytes: 1_000_000, rows: 200_000, smallFiles: 30, smallFileBytes: 1_048_576 },
    },
    stored: {
      onlineStore: { hot: 300_000, warm: 0, cold: 0 },
      tables: { hot: 2_000_000, warm: 0, cold: 0 },
    },
    batch: null,
    lineage: { assets: 8, covered: 8, files: 40, events: 12, runs: 3, gaps: [] },
    ledger: {
      attempted: changes,
      acknowledged: changes,
      failed: 0,
      indeterminate: 0,
      unacknowledged: 0,
      tables: soundTables,
      final: allRight(100),
      live: allRight(50),
      settled: null,
      visible: 0,
      behind: 0,
      reordered: 0,
      monotonicViolations: 0,
      personalDataLeaks: 0,
      examples: [],
    },
    errors: [],
    ...planted.facts,
  };
}

/** A crash seen after 10 ms, of a role that is ready again a second after it. */
function plantFault(fault: Partial<FaultFact>): FaultFact {
  const atUs = fault.injectedUs ?? injectedUs;
  return {
    fault: 0,
    kind: 'role-crash',
    target: 'stream',
    scheduledUs: atUs,
    armedUs: startUs,
    injectedUs: atUs,
    witnessedUs: atUs + 10_000,
    saw: fault.witnessedUs === null ? null : 'stream was gone, by SIGKILL',
    healedUs: atUs + 10_000,
    readyUs: atUs + secondUs,
    notApplicable: null,
    ...fault,
  };
}

export function allRight(checked: number) {
  return { checked, right: checked, mistakes: {} };
}

function range(fromUs: number, untilUs: number, stepUs: number): number[] {
  return Array.from({ length: Math.ceil((untilUs - fromUs) / stepUs) }, (_, i) => fromUs + i * stepUs);
}

/** A probe shows what is shown at the moment at which it is sent. */
function plantProbes(shownAtUs: readonly number[], silent: (sentUs: number) => boolean): RunFacts['probes'] {
  const sends = range(startUs, loadEndUs, probeEveryUs);
  const lastSeqAt = sends.map((sentUs) => (silent(sentUs) ? -1 : shownAtUs.filter((at) => at <= sentUs).length));
  const rows = sends.length * members;
  const probeOf = (row: number) => Math.floor(row / members);
  return {
    rows,
    probe: Uint32Array.from({ length: rows }, (_, row) => probeOf(row)),
    sentUs: Float64Array.from({ length: rows }, (_, row) => sends[probeOf(row)] as number),
    doneUs: Float64Array.from({ length: rows }, (_, row) => (sends[probeOf(row)] as number) + probeTakesUs),
    member: Uint32Array.from({ length: rows }, (_, row) => row % members),
    lastSeq: Float64Array.from({ length: rows }, (_, row) => lastSeqAt[probeOf(row)] as number),
    asOfUs: Float64Array.from({ length: rows }, (_, row) => sends[probeOf(row)] as number),
  };
}

/** Sampled every half second: the server uses half a core and 100 MB, the role a core and 200 MB, the load 0.2 and 50 MB. */
function plantUsage(): RunFacts['usage'] {
  const cores = [0.5, 1, 0.2];
  const rss = [100e6, 200e6, 50e6];
  const samples = range(startUs, loadEndUs, 500_000).flatMap((atUs) => cores.map((_, process) => ({ atUs, process })));
  return {
    rows: samples.length,
    atUs: Float64Array.from(samples, ({ atUs }) => atUs),
    process: Uint32Array.from(samples, ({ process }) => process),
    cpuUs: Float64Array.from(samples, ({ atUs, process }) => (atUs - startUs) * (cores[process] as number)),
    rssBytes: Float64Array.from(samples, ({ process }) => rss[process] as number),
    readBytes: new Float64Array(samples.length),
    writeBytes: new Float64Array(samples.length),
  };
}
