/**
 * Batch work of a run: asks for what the scenario's plan has, one step after the other, and times each from outside. What
 * the plane wrote is read when all is done, so that reading it disturbs nothing that is timed.
 */
import type { EmissionIndex } from '../../workloads/emissions.js';
import type { Labels } from '../../workloads/labels.js';
import { modelOf, predict, scorePpb } from '../../workloads/model.js';
import type { Workload } from '../../workloads/workload.js';
import type {
  CustomerRange,
  Inventory,
  Operation,
  ReprocessResult,
  ScoreResult,
  ServedState,
  SnapshotRef,
  TableRef,
  TrainingRow,
  TrainingSetRef,
} from '../architecture.js';
import type { Clock } from '../clock.js';
import { CallError, messageOf, PlaneError } from '../errors.js';
import { collectExamples, type Examples } from '../ledger/examples.js';
import type { Features } from '../ledger/oracle.js';
import { type DerivedRow, judgeReprocessed } from '../ledger/reprocessed-rows.js';
import { isWholly, judgeRollback, type StateProbe, type States } from '../ledger/rollback-reads.js';
import { digestScored, judgeScored, type ScoredColumns } from '../ledger/scored-rows.js';
import { digestTraining, judgeTraining } from '../ledger/training-rows.js';
import { historyTimeoutUs } from '../load-history.js';
import type { LoadedTrace } from '../loaded-trace.js';
import {
  inventoryOf,
  reprocessedOf,
  scoredRowsOf,
  scoreOf,
  servedOf,
  snapshotOf,
  trainingRowsOf,
  trainingSetOf,
} from '../processes/answers.js';
import type { PlaneClient } from '../processes/endpoint.js';
import { type Random, seededRandom } from '../random.js';
import type { BatchFacts, BatchStepFact, Rebuilt, ReprocessingFact, RollbackFact } from '../record/facts.js';
import { measuredWindow, type RunPlan } from '../scenario.js';
import type { openPorts } from '../stacks/stack.js';
import type { LabelFiles } from './label-files.js';
import type { BatchPlan, BatchStep } from './plan.js';
import { watchState } from './state-watch.js';

export interface BatchWork {
  /** From the start of the measured window on; resolves when its steps are done and the load has ended. */
  besideLoad(): Promise<void>;
  /** `caughtUp`: whether the plane shows the last change of every customer. */
  afterLoad(caughtUp: boolean): Promise<void>;
  /** Reads what was written and holds it against the oracle. */
  judge(): Promise<BatchFacts>;
}

const shortestTimeoutUs = 180_000_000;
/** Views are computed of all of history. */
const timeoutOf = ({ history }: Workload) => historyTimeoutUs(shortestTimeoutUs, history.facts);

const inventoryEveryUs = 1_000_000;
const askAgainUs = 100_000;
/** For so many SLOs a plane is asked again to roll forward. */
const slosUntilForward = 10;
/** At rest is a plane whose inventory has not changed for so many freshness SLOs, by which a plane moves. */
const slosAtRest = 2;
/** One that has something to do for ever is not waited for: so many SLOs, and what a long history may take to be compacted. */
const slosUntilAtRest = 6;
const compactionUsPerFact = 0.3;

/** Whether each of all versions is read again is a question of their size: of larger ones the first and the last. */
const rowsReadAtOnce = 10_000;

/** What a plane must offer for a step. */
export const operationOf: Readonly<Record<BatchStep['kind'], Operation>> = {
  snapshot: 'snapshot',
  score: 'score',
  'training-set': 'trainingSet',
  'publish-model': 'publishModel',
  rollback: 'rollback',
  reprocess: 'reprocess',
};

/** One thing that was asked for, as often as it was made, every version once. */
interface Made<Subject, Result> {
  readonly subject: Subject;
  readonly results: Result[];
}
interface ScoredSubject {
  readonly snapshot: SnapshotRef;
  readonly customers: CustomerRange;
  /** Taken when everything had been emitted and was shown. */
  readonly isComplete: boolean;
}
type TrainingSubject = readonly (keyof Labels)[];
interface Watched {
  readonly states: States;
  readonly besideLoad: boolean;
  /** Whether the plane said that it was rolled back: it may have been, all the same. */
  readonly isAnswered: boolean;
  readonly requestedUs: number;
  readonly forwardUs: number;
  readonly endUs: number;
  readonly probes: readonly StateProbe[];
}

/** Null where nothing is asked in batch, or none of it is offered. */
export function beginBatchWork(options: {
  readonly plan: RunPlan;
  readonly plane: PlaneClient;
  readonly trace: LoadedTrace;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The tables, past the plane: which files a version has. */
  readonly openPorts: () => ReturnType<typeof openPorts>;
}): BatchWork | null {
  const { plan, plane, trace, clock, signal } = options;
  const { batch, slo, phases } = plan.scenario;
  if (batch === undefined || trace.labels === null || !plane.offers('snapshot')) return null;
  const { rows: labels, files } = trace.labels;
  const { startUs, endUs } = measuredWindow(plan.scenario);
  const timeoutUs = timeoutOf(plan.scenario.workload);
  const loadEndUs = endUs + phases.faultUs;
  const asked = createRequests({
    plan: batch,
    plane,
    clock,
    files,
    labels,
    scenario: plan.scenario,
    panel: trace.info.panel,
    emissions: trace.emissions,
    signal,
    random: seededRandom(plan.seed, '/batch'),
  });
  let mostSmallFiles: Inventory | null = null;
  let atRest: Inventory | null = null;
  let isCaughtUp = false;

  /** Null if there was none to be had: whoever would tell it may have been killed. */
  async function takeInventory(): Promise<Inventory | null> {
    try {
      return inventoryOf(await plane.call<unknown>('inventory', undefined, { timeoutUs, probe: true }));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return null;
    }
  }

  async function watchInventory(): Promise<void> {
    if (!plane.offers('inventory')) return;
    while (clock.nowUs() < loadEndUs) {
      const inventory = await takeInventory();
      if (inventory && inventory.smallFiles > (mostSmallFiles?.smallFiles ?? -1)) mostSmallFiles = inventory;
      await clock.sleep(inventoryEveryUs, signal);
    }
  }

  async function awaitRest(): Promise<void> {
    if (!plane.offers('inventory')) return;
    let sinceUs = clock.nowUs();
    const { facts } = plan.scenario.workload.history;
    const deadlineUs = sinceUs + slosUntilAtRest * slo.freshnessUs + Math.round(compactionUsPerFact * facts);
    while (clock.nowUs() < deadlineUs) {
      const inventory = await takeInventory();
      if (JSON.stringify(inventory) !== JSON.stringify(atRest)) sinceUs = clock.nowUs();
      atRest = inventory;
      if (clock.nowUs() - sinceUs >= slosAtRest * slo.freshnessUs) return;
      await clock.sleep(inventoryEveryUs, signal);
    }
    // It never was: what it had last would be called its rest.
    atRest = null;
  }

  return {
    async besideLoad() {
      await clock.sleepUntil(startUs, signal);
      const steps = async () => {
        await asked.work(batch.besideLoad, { besideLoad: true, isComplete: false });
        if (batch.afterWindow === undefined) return;
        await clock.sleepUntil(endUs + slo.freshnessUs, signal);
        await asked.work(batch.afterWindow, { besideLoad: true, isComplete: false });
      };
      await Promise.all([steps(), watchInventory()]);
    },
    async afterLoad(caughtUp) {
      isCaughtUp = caughtUp;
      // First: what compaction made of the load is not to be told from small tables that batch work leaves after it.
      await awaitRest();
      await asked.work(batch.afterLoad, { besideLoad: false, isComplete: caughtUp });
    },
    async judge() {
      const examples = collectExamples();
      const { oracle, emissions } = trace;
      const reprocessed = asked.reprocessings;
      const scored = { checked: 0, wrong: 0 };
      const training = { checked: 0, wrong: 0, leaked: 0 };
      const rebuilt = { scored: { times: 0, same: 0 }, training: { times: 0, same: 0 } };
      const lastSeqs = new Map<string, ReadonlyMap<number, number>>();
      for (const { subject, results } of asked.scored()) {
        const random = seededRandom(plan.seed, `/batch/scored ${subject.snapshot.id}`);
        const first = await readScored(plane, timeoutUs, results[0] as TableRef);
        add(scored, await judgeScored({ ...subject, rows: first, oracle, emissions, random, examples }));
        if (subject.customers.to - subject.customers.from === trace.info.contract.customers)
          lastSeqs.set(subject.snapshot.id, lastSeqsOf(first, trace.info.panel));
        for (const again of comparable(results, first.customer.length))
          compare(rebuilt.scored, digestScored, first, await readScored(plane, timeoutUs, again));
      }
      for (const { subject, results } of asked.trainingSets()) {
        const first = await readTraining(plane, timeoutUs, results[0] as TableRef);
        const expected = subject.map((part) => labels[part]);
        add(training, await judgeTraining({ labels: expected, rows: first, oracle, emissions, examples }));
        for (const again of comparable(results, first.length))
          compare(rebuilt.training, digestTraining, first, await readTraining(plane, timeoutUs, again));
      }
      for (const { kind, why } of asked.mistold) {
        (kind === 'training-set' ? training : scored).wrong++;
        examples.add(kind === 'training-set' ? 'training row' : 'scored row', () => why);
      }
      const rollbacks: RollbackFact[] = [];
      for (const watched of asked.rollbacks) {
        const { states, besideLoad, isAnswered, requestedUs, forwardUs, endUs: watchedUntilUs, probes } = watched;
        const judged = await judgeRollback({
          states,
          back: { requestedUs, untilUs: forwardUs },
          forward: isAnswered ? { requestedUs: forwardUs, untilUs: watchedUntilUs } : null,
          probes,
          lastSeqs: lastSeqs.get(states.snapshot.id) ?? null,
          oracle,
          emissions,
          random: seededRandom(plan.seed, `/batch/rollback ${states.snapshot.id}`),
          examples,
        });
        rollbacks.push({ ...judged, besideLoad });
      }
      const reprocessings: ReprocessingFact[] = [];
      for (const asked of reprocessed) {
        const judged = judgeReprocessing({ asked, plane, timeoutUs, oracle, examples, openPorts: options.openPorts });
        reprocessings.push(await judged);
      }
      const all = [labels.onTime, labels.late];
      return {
        steps: asked.steps,
        notOffered: asked.notOffered(),
        caughtUp: isCaughtUp,
        scored,
        training: {
          ...training,
          labels: all.reduce((sum, { rows }) => sum + rows, 0),
          positives: all.reduce(
            (sum, { columns }) => sum + (columns.label as number[]).filter((y) => y === 1).length,
            0,
          ),
        },
        rebuilt,
        rollbacks,
        reprocessings,
        inventories: { mostSmallFiles, atRest },
        examples: examples.chosen(),
      };
    },
  };
}

function createRequests(options: {
  readonly plan: BatchPlan;
  readonly plane: PlaneClient;
  readonly clock: Clock;
  readonly files: LabelFiles;
  readonly labels: Labels;
  readonly scenario: RunPlan['scenario'];
  readonly panel: readonly number[];
  readonly emissions: EmissionIndex;
  readonly signal: AbortSignal;
  readonly random: Random;
}) {
  const { plane, clock, files, labels, emissions, signal, random } = options;
  const { workload, slo } = options.scenario;
  const { customers } = workload.contract;
  const timeoutUs = timeoutOf(workload);
  const steps: BatchStepFact[] = [];
  const notOffered = new Set<BatchStep['kind']>();
  const mistold: Mistold[] = [];
  /** Every version that was answered. */
  const answered = new Set<string>();
  const snapshots = new Map<string, { readonly snapshot: SnapshotRef; readonly isComplete: boolean }>();
  /** By the names of those that were not taken, why. */
  const missing = new Map<string, string>();
  const scored = new Map<string, Made<ScoredSubject, ScoreResult>>();
  const sets = new Map<string, Made<TrainingSubject, TrainingSetRef>>();
  const slices = new Map<number, CustomerRange>();
  const rollbacks: Watched[] = [];
  const reprocessings: AskedReprocessing[] = [];
  /** The last of each: what has to be made again when changes turn out to be poisoned. */
  let lastScored: AskedReprocessing['scored'] = null;
  let lastTraining: AskedReprocessing['training'] = null;
  /** Null: none was published. */
  let newestModel: number | null = null;

  /** The same range whenever a slice of this size is asked for. */
  function sliceOf(ppm: number): CustomerRange {
    const length = Math.max(1, Math.floor((customers * ppm) / 1e6));
    const from = random.below(customers - length + 1);
    const slice = slices.get(ppm) ?? { from, to: from + length };
    slices.set(ppm, slice);
    return slice;
  }

  /** A call that failed is a fact; nothing that follows from it is asked for. */
  async function time<Result extends object>(step: Asked, call: () => Promise<Result>): Promise<Result | null> {
    const startedUs = clock.nowUs();
    try {
      const result = await call();
      const hostUs = clock.nowUs() - startedUs;
      const scanned = 'scanned' in result ? (result.scanned as ScoreResult['scanned']) : null;
      steps.push({ ...step, startedUs, hostUs, isRepeat: isRepeat(result), scanned, failure: null });
      if ('rows' in result && result.rows !== step.rows)
        mistold.push({ kind: step.kind, why: `the plane tells of ${result.rows}, ${step.rows} were asked for` });
      return result;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      miss(step, messageOf(error), startedUs);
      return null;
    }
  }

  function miss(step: Asked, failure: string, startedUs = clock.nowUs()): void {
    const hostUs = clock.nowUs() - startedUs;
    steps.push({ ...step, startedUs, hostUs, rows: 0, isRepeat: false, scanned: null, failure });
  }

  function isRepeat(result: object): boolean {
    if (!('table' in result && 'version' in result)) return false;
    const version = `${result.table} ${result.version}`;
    const isKnown = answered.has(version);
    answered.add(version);
    return isKnown;
  }

  const askServed = (operation: 'rollback' | 'rollForward' | 'publishModel', request?: unknown) => async () =>
    servedOf(operation, await plane.call<unknown>(operation, request, { timeoutUs })) satisfies ServedState;

  /** What stays rolled back spoils all that follows, and a role that was away is back soon: it is asked again. */
  async function rollForwardLater(): Promise<void> {
    const deadlineUs = clock.nowUs() + slosUntilForward * slo.freshnessUs;
    for (;;) {
      await clock.sleep(askAgainUs, signal);
      try {
        return void (await askServed('rollForward')());
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        if (clock.nowUs() >= deadlineUs)
          throw new PlaneError(`the plane was rolled back and could not be rolled forward: ${messageOf(error)}`);
      }
    }
  }

  async function rollBackAndForward(snapshot: SnapshotRef, heldUs: number, besideLoad: boolean): Promise<void> {
    const sides = { snapshot, newestModel: newestModel ?? snapshot.modelVersion };
    const step = { kind: 'rollback', besideLoad, part: null, rows: 0 } as const;
    const watch = watchState({
      plane,
      clock,
      signal,
      keys: options.panel.map(String),
      everyUs: workload.panel.everyUs,
      timeoutUs: workload.reads.timeoutUs,
    });
    const seen = async (isSought: (probe: StateProbe) => boolean): Promise<StateProbe | undefined> => {
      const deadlineUs = clock.nowUs() + slo.freshnessUs;
      while (clock.nowUs() < deadlineUs && !watch.probes.some(isSought))
        await clock.sleep(workload.panel.everyUs, signal);
      return watch.probes.find(isSought);
    };
    // A view that is refreshed on an interval is the snapshot's for a while, and for ever where nothing comes any more.
    const apart = await seen((probe) => isWholly('newest', { ...sides, isSameMoment: false }, probe));
    const states: States = { ...sides, isSameMoment: !apart };
    const judgedFromUs = apart?.sentUs ?? clock.nowUs();
    const requestedUs = clock.nowUs();
    const rolledBack = await time(step, askServed('rollback', { snapshot: snapshot.id }));
    if (rolledBack) await clock.sleep(heldUs, signal);
    const forwardUs = clock.nowUs();
    // Also where the answer to the rollback was lost: it may have taken effect.
    if (!(await time(step, askServed('rollForward')))) await rollForwardLater();
    await seen((probe) => probe.sentUs >= forwardUs && isWholly('newest', states, probe));
    await watch.end();
    const probes = watch.probes.filter(({ sentUs }) => sentUs >= judgedFromUs);
    rollbacks.push({
      states,
      besideLoad,
      isAnswered: rolledBack !== null,
      requestedUs,
      forwardUs,
      endUs: clock.nowUs(),
      probes,
    });
  }

  /** Of customers that have two changes at least, neighbours: what a broken source of a part of them would send. */
  async function poison(customersAtMost: number): Promise<void> {
    const changed = Array.from({ length: customers }, (_, customer) => customer).filter(
      (customer) => emissions.highestSeq(customer) >= 2,
    );
    const first = random.below(Math.max(1, changed.length - customersAtMost + 1));
    const poisonedFrom = new Map(
      changed
        .slice(first, first + customersAtMost)
        .map((customer) => [customer, Math.floor(emissions.highestSeq(customer) / 2) + 1]),
    );
    const poisoned = Array.from(poisonedFrom).flatMap(([customer, from]) =>
      Array.from({ length: emissions.highestSeq(customer) - from + 1 }, (_, i) => ({ customer, seq: from + i })),
    );
    const call = async () => reprocessedOf(await plane.call<unknown>('reprocess', { poisoned }, { timeoutUs }));
    const result = await time({ kind: 'reprocess', besideLoad: false, part: null, rows: 0 }, call);
    if (!result) return;
    const renewed = result.snapshot;
    const rescored = async () => scoreOf(await plane.call<unknown>('score', { snapshot: renewed?.id }, { timeoutUs }));
    const isSeen = renewed !== null && plane.offers('score');
    const again = isSeen
      ? await time({ kind: 'score', besideLoad: false, part: null, rows: customers }, rescored)
      : null;
    const why = isSeen ? steps.at(-1)?.failure : 'the plane does not score it';
    reprocessings.push({
      poisonedFrom,
      changes: poisoned.length,
      result,
      scored: lastScored,
      training: lastTraining,
      scoredAgain: again && { ...again, modelVersion: (renewed as SnapshotRef).modelVersion },
      unjudged: renewed === null || again !== null ? null : `the renewed snapshot was not seen: ${why}`,
    });
  }

  async function take(step: BatchStep, { besideLoad, isComplete }: When): Promise<void> {
    if (!plane.offers(operationOf[step.kind])) {
      notOffered.add(step.kind);
      return;
    }
    switch (step.kind) {
      case 'snapshot': {
        const call = async () => snapshotOf(await plane.call<unknown>('snapshot', undefined, { timeoutUs }));
        const snapshot = await time({ kind: 'snapshot', besideLoad, part: null, rows: customers }, call);
        if (snapshot) snapshots.set(step.name, { snapshot, isComplete });
        else missing.set(step.name, steps.at(-1)?.failure as string);
        return;
      }
      case 'score': {
        const slice = step.slicePpm === undefined ? undefined : sliceOf(step.slicePpm);
        const { from, to } = slice ?? { from: 0, to: customers };
        const part = slice === undefined ? 'whole' : 'slice';
        const timed: Asked = { kind: 'score', besideLoad, part, rows: to - from };
        const known = snapshots.get(step.snapshot);
        if (!known) return miss(timed, withoutSnapshot(step.snapshot));
        const request = { snapshot: known.snapshot.id, ...(slice === undefined ? {} : { customers: slice }) };
        for (let i = 0; i < step.times; i++) {
          const call = async () => scoreOf(await plane.call<unknown>('score', request, { timeoutUs }));
          const result = await time(timed, call);
          keep(scored, JSON.stringify(request), { ...known, customers: { from, to } }, result);
          if (result) lastScored = { ...result, modelVersion: known.snapshot.modelVersion };
        }
        return;
      }
      case 'training-set': {
        const parts: TrainingSubject = step.late ? ['onTime', 'late'] : ['onTime'];
        const request = { id: parts.join(' and '), labels: parts.map((part) => files[part]) };
        const rows = parts.reduce((sum, part) => sum + labels[part].rows, 0);
        for (let i = 0; i < step.times; i++) {
          const call = async () => trainingSetOf(await plane.call<unknown>('trainingSet', request, { timeoutUs }));
          const result = await time({ kind: 'training-set', besideLoad, part: null, rows }, call);
          keep(sets, request.id, parts, result);
          if (result) lastTraining = result;
        }
        return;
      }
      case 'publish-model': {
        const call = askServed('publishModel', { version: step.version });
        if (await time({ kind: step.kind, besideLoad, part: null, rows: 0 }, call)) newestModel = step.version;
        return;
      }
      case 'rollback': {
        const known = snapshots.get(step.snapshot);
        if (known) await rollBackAndForward(known.snapshot, step.heldUs, besideLoad);
        else miss({ kind: 'rollback', besideLoad, part: null, rows: 0 }, withoutSnapshot(step.snapshot));
        return;
      }
      case 'reprocess':
        await poison(step.customers);
    }
  }

  function withoutSnapshot(name: string): string {
    return `snapshot "${name}" was not taken: ${missing.get(name) ?? 'nobody asked for it'}`;
  }

  return {
    steps: steps as readonly BatchStepFact[],
    async work(wanted: readonly BatchStep[], when: When): Promise<void> {
      for (const step of wanted) await take(step, when);
    },
    notOffered: () => [...notOffered],
    mistold: mistold as readonly Mistold[],
    scored: () => [...scored.values()],
    trainingSets: () => [...sets.values()],
    rollbacks: rollbacks as readonly Watched[],
    reprocessings: reprocessings as readonly AskedReprocessing[],
  };
}

type Asked = Pick<BatchStepFact, 'kind' | 'besideLoad' | 'part' | 'rows'>;

interface When {
  readonly besideLoad: boolean;
  /** Whether everything had been emitted and was shown. */
  readonly isComplete: boolean;
}

/** What the plane said of its rows, and was not so. */
interface Mistold {
  readonly kind: BatchStep['kind'];
  readonly why: string;
}

interface AskedReprocessing {
  readonly poisonedFrom: ReadonlyMap<number, number>;
  readonly changes: number;
  readonly result: ReprocessResult;
  /** What was made of the changes before; null: nothing was. */
  readonly scored: ScoredRef | null;
  readonly training: TableRef | null;
  /** The whole snapshot that was made again, scored: its rows by way of the model. */
  readonly scoredAgain: ScoredRef | null;
  /** Why it was not. */
  readonly unjudged: string | null;
}

interface ScoredRef extends TableRef {
  readonly modelVersion: number;
}

/** What the plane made again: its rows, as the door shows them, and the files, as they are stored. */
async function judgeReprocessing(options: {
  readonly asked: AskedReprocessing;
  readonly plane: PlaneClient;
  readonly timeoutUs: number;
  readonly oracle: LoadedTrace['oracle'];
  readonly examples: Examples;
  readonly openPorts: () => ReturnType<typeof openPorts>;
}): Promise<ReprocessingFact> {
  const { plane, timeoutUs, oracle, examples } = options;
  const { poisonedFrom, changes, result, scored, training, scoredAgain, unjudged } = options.asked;
  const sum = { checked: 0, left: 0, disturbed: 0 };
  type Show = (features: Features) => string;
  const scoreBy = ({ modelVersion }: ScoredRef): Show => {
    const model = modelOf(modelVersion);
    return (features) => String(scorePpb(predict(features, model)));
  };
  const judge = async (table: string, before: DerivedRow[] | null, after: DerivedRow[], show: Show) =>
    add(sum, await judgeReprocessed({ table, before, after, poisonedFrom, show, oracle, examples }));
  const scoredOf = async (ref: TableRef) => scoredRowsAsDerived(await readScored(plane, timeoutUs, ref));
  const trainingOf = async (ref: TableRef) => (await readTraining(plane, timeoutUs, ref)).map(trainingRowAsDerived);
  const assets: ReprocessingFact['assets'][number][] = [];
  const mistold: string[] = [];
  const { ports, close } = await options.openPorts();
  try {
    for (const { table, version, fromVersion, recomputedRows, rows: toldRows, rewrittenFiles } of result.assets) {
      const [before, after] = [
        { table, version: fromVersion },
        { table, version },
      ];
      if (table === training?.table)
        await judge(table, await trainingOf(before), await trainingOf(after), JSON.stringify);
      else if (scored && table === scored.table)
        await judge(table, await scoredOf(before), await scoredOf(after), scoreBy(scored));
      const kept = new Set((await ports.tables.snapshot(table, version)).files.map(({ path }) => path));
      const { files } = await ports.tables.snapshot(table, fromVersion);
      const rewritten = files.filter(({ path }) => !kept.has(path)).length;
      const rows = files.reduce((total, file) => total + file.rows, 0);
      if (rewritten !== rewrittenFiles || rows !== toldRows) mistold.push(table);
      assets.push({ table, recomputedRows, rows, rewrittenFiles: rewritten, files: files.length });
    }
  } finally {
    await close();
  }
  // What the plane does not list, it has left as it was.
  const isListed = (ref: TableRef) => result.assets.some(({ table }) => table === ref.table);
  if (training && !isListed(training)) await judge(training.table, null, await trainingOf(training), JSON.stringify);
  if (scored && !isListed(scored)) await judge(scored.table, null, await scoredOf(scored), scoreBy(scored));
  if (scoredAgain) await judge('the snapshot, scored', null, await scoredOf(scoredAgain), scoreBy(scoredAgain));
  const { untouched } = result;
  return { customers: poisonedFrom.size, changes, assets, untouched, ...sum, mistold, unjudged };
}

function scoredRowsAsDerived({ customer, lastSeq, asOfUs, scorePpb: scores }: ScoredColumns): DerivedRow[] {
  return customer.map((id, i) => ({
    key: id,
    customer: id,
    lastSeq: lastSeq[i] as number,
    asOfUs: asOfUs[i] as number,
    shown: String(scores[i]),
  }));
}

function trainingRowAsDerived({ labelId, customer, lastSeq, asOfUs, features }: TrainingRow): DerivedRow {
  return { key: labelId, customer, lastSeq, asOfUs, shown: JSON.stringify(features) };
}

function lastSeqsOf({ customer, lastSeq }: ScoredColumns, panel: readonly number[]): ReadonlyMap<number, number> {
  const wanted = new Set(panel);
  return new Map(customer.flatMap((id, i) => (wanted.has(id) ? [[id, lastSeq[i] as number] as const] : [])));
}

function keep<Subject, Result extends TableRef>(
  made: Map<string, Made<Subject, Result>>,
  key: string,
  subject: Subject,
  result: Result | null,
): void {
  if (result === null) return;
  const known = made.get(key) ?? { subject, results: [] };
  if (!known.results.some(({ table, version }) => table === result.table && version === result.version))
    known.results.push(result);
  made.set(key, known);
}

/** Versions that the first one is held against, of so many rows each. */
function comparable<Result>(results: readonly Result[], rows: number): readonly Result[] {
  const again = results.slice(1);
  return rows <= rowsReadAtOnce ? again : again.slice(-1);
}

async function readScored(plane: PlaneClient, timeoutUs: number, { table, version }: TableRef): Promise<ScoredColumns> {
  const rows: ScoredColumns = { customer: [], lastSeq: [], asOfUs: [], scorePpb: [] };
  for await (const page of plane.pages<unknown>('scoredRows', { table, version }, { timeoutUs })) {
    const { customers, lastSeqs, asOfUs, scoresPpb } = scoredRowsOf(page);
    for (let i = 0; i < customers.length; i++) {
      rows.customer.push(customers[i] as number);
      rows.lastSeq.push(lastSeqs[i] as number);
      rows.asOfUs.push(asOfUs[i] as number);
      rows.scorePpb.push(scoresPpb[i] as number);
    }
  }
  return rows;
}

async function readTraining(
  plane: PlaneClient,
  timeoutUs: number,
  { table, version }: TableRef,
): Promise<TrainingRow[]> {
  const rows: TrainingRow[] = [];
  for await (const page of plane.pages<unknown>('trainingRows', { table, version }, { timeoutUs }))
    for (const row of trainingRowsOf(page)) rows.push(row);
  return rows;
}

function compare<Rows>(
  rebuilt: { -readonly [name in keyof Rebuilt]: number },
  digest: (rows: Rows) => string,
  first: Rows,
  again: Rows,
): void {
  rebuilt.times++;
  if (digest(first) === digest(again)) rebuilt.same++;
}

function add<Counts extends Record<string, number>>(sum: Counts, counts: Readonly<Record<keyof Counts, number>>): void {
  for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] = ((sum[name] as number) + counts[name]) as never;
}
