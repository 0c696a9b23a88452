/**
 * What the panel was answered while the served state was rolled back and forward again. Of which state an answer is, is told
 * by its moment, which is the snapshot's or another; of which state a model is, by its version. An answer that has the one
 * of this state and the other of that is mixed, whenever it was given.
 */
import type { EmissionIndex } from '../../workloads/emissions.js';
import type { FeatureRow, Prediction } from '../../workloads/feature-view.js';
import { modelOf, predict } from '../../workloads/model.js';
import type { SnapshotRef } from '../architecture.js';
import { UsageError } from '../errors.js';
import type { Random } from '../random.js';
import type { RollbackFact, SwitchFact } from '../record/facts.js';
import type { Examples } from './examples.js';
import { type Features, type Oracle, type RowVersion, sameFeatures } from './oracle.js';

/** One look at the panel: both reads were asked at one time. */
export interface StateProbe {
  readonly sentUs: number;
  readonly doneUs: number;
  /** Null: not answered. */
  readonly answers: readonly (FeatureRow | Prediction)[] | null;
}

/** The two states between which the plane switches. */
export interface States {
  readonly snapshot: SnapshotRef;
  readonly newestModel: number;
  /** The newest state is still of the snapshot's moment, as nothing has come since: only models tell the two apart. */
  readonly isSameMoment: boolean;
}

/** When a switch was asked for, and until when its probes count. */
interface Asked {
  readonly requestedUs: number;
  readonly untilUs: number;
}

type State = 'snapshot' | 'newest';

/** Answers of the newest state that are held against the oracle, of all there are. */
const sampledNewest = 2_000;

export async function judgeRollback(options: {
  readonly states: States;
  readonly back: Asked;
  readonly forward: Asked | null;
  readonly probes: readonly StateProbe[];
  /** By customer the last change that its row of the snapshot has; null: nothing but the reads tells. */
  readonly lastSeqs: ReadonlyMap<number, number> | null;
  readonly oracle: Oracle;
  readonly emissions: EmissionIndex;
  readonly random: Random;
  readonly examples: Examples;
}): Promise<Omit<RollbackFact, 'besideLoad'>> {
  const { states, probes, examples } = options;
  const back = findSwitch(states, 'snapshot', options.back, probes);
  const forward = options.forward && findSwitch(states, 'newest', options.forward, probes);
  const answered = probes.flatMap(({ answers }) => answers ?? []);
  const mixed = new Set<FeatureRow | Prediction>();
  const wrong = new Set<FeatureRow | Prediction>();
  const blame = (answer: FeatureRow | Prediction, isMixed: boolean, why: string) => {
    if (mixed.has(answer) || wrong.has(answer)) return;
    (isMixed ? mixed : wrong).add(answer);
    examples.add(isMixed ? 'mixed read' : 'rolled-back read', () => `customer ${answer.key}: ${why}`);
  };
  for (const answer of answered)
    if (!isOf('snapshot', states, answer) && !isOf('newest', states, answer))
      blame(answer, true, `as of ${answer.asOfUs}, which is of one state, with model ${modelIn(answer)} of the other`);
  for (const [asked, state] of [[options.back, 'snapshot'] as const, [options.forward, 'newest'] as const])
    for (const answer of asked ? relapses(states, state, asked, probes) : [])
      blame(
        answer,
        false,
        `as of ${answer.asOfUs} with model ${modelIn(answer)}, when the panel had been of the other state`,
      );
  await holdAgainstOracle({ ...options, answers: answered, blame });
  return {
    snapshot: states.snapshot.id,
    back,
    forward,
    probes: probes.filter(({ answers }) => answers !== null).length,
    unanswered: probes.filter(({ answers }) => answers === null).length,
    checked: answered.length,
    mixed: mixed.size,
    wrong: wrong.size,
  };
}

/** True of a probe of which every answer is of this state, and one of no other. */
export function isWholly(state: State, states: States, { answers }: StateProbe): boolean {
  const other = state === 'snapshot' ? 'newest' : 'snapshot';
  if (answers === null) return false;
  return (
    answers.every((answer) => isOf(state, states, answer)) && answers.some((answer) => !isOf(other, states, answer))
  );
}

/** Whether it can be of this state: by its moment, and by its model where it has one. */
function isOf(state: State, { snapshot, newestModel, isSameMoment }: States, answer: FeatureRow | Prediction): boolean {
  const model = state === 'snapshot' ? snapshot.modelVersion : newestModel;
  if ('modelVersion' in answer && answer.modelVersion !== model) return false;
  const isSnapshots = answer.asOfUs === snapshot.asOfUs;
  return state === 'snapshot' ? isSnapshots : !isSnapshots || isSameMoment;
}

function modelIn(answer: FeatureRow | Prediction): number | string {
  return 'modelVersion' in answer ? answer.modelVersion : 'unknown';
}

/** A probe that was not answered shows no other state, and none. */
function findSwitch(states: States, to: State, asked: Asked, probes: readonly StateProbe[]): SwitchFact {
  const { requestedUs, untilUs } = asked;
  let notBeforeUs = requestedUs;
  let seenUs: number | null = null;
  for (const probe of during(asked, probes)) {
    if (isWholly(to, states, probe)) seenUs ??= probe.doneUs;
    else {
      if (probe.answers !== null) seenUs = null;
      if (seenUs === null) notBeforeUs = probe.sentUs;
    }
  }
  return { requestedUs, seenUs, notBeforeUs, watchedUntilUs: untilUs };
}

/** Answers of another state after a probe that was wholly of this one. */
function relapses(states: States, state: State, asked: Asked, probes: readonly StateProbe[]) {
  const looked = during(asked, probes);
  const first = looked.find((probe) => isWholly(state, states, probe));
  return looked
    .filter(({ sentUs }) => first !== undefined && sentUs >= first.doneUs)
    .flatMap(({ answers }) => (answers ?? []).filter((answer) => !isOf(state, states, answer)));
}

function during({ requestedUs, untilUs }: Asked, probes: readonly StateProbe[]): readonly StateProbe[] {
  return probes.filter(({ sentUs, doneUs }) => sentUs >= requestedUs && doneUs <= untilUs);
}

/** All answers of the snapshot, which are few that differ, and a sample of the others. */
async function holdAgainstOracle(options: {
  readonly states: States;
  readonly answers: readonly (FeatureRow | Prediction)[];
  readonly lastSeqs: ReadonlyMap<number, number> | null;
  readonly oracle: Oracle;
  readonly emissions: EmissionIndex;
  readonly random: Random;
  readonly blame: (answer: FeatureRow | Prediction, isMixed: boolean, why: string) => void;
}): Promise<void> {
  const { states, answers, oracle, emissions, random, blame } = options;
  const lastSeqs = new Map(options.lastSeqs ?? []);
  const ofSnapshot = answers.filter(({ asOfUs }) => asOfUs === states.snapshot.asOfUs);
  const others = answers.filter(({ asOfUs }) => asOfUs !== states.snapshot.asOfUs);
  const sample = Array.from(
    { length: Math.min(sampledNewest, others.length) },
    () => others[random.below(others.length)] as FeatureRow | Prediction,
  );
  for (const answer of ofSnapshot) {
    const customer = Number(answer.key);
    const expected = lastSeqs.get(customer) ?? answer.lastSeq;
    lastSeqs.set(customer, expected);
    if (answer.lastSeq !== expected)
      blame(answer, false, `is of change ${answer.lastSeq}, in the snapshot of change ${expected}`);
  }
  const known = [...ofSnapshot, ...new Set(sample)].filter((answer) => {
    const highest = emissions.highestSeq(Number(answer.key));
    if (answer.lastSeq > highest) blame(answer, false, `claims change ${answer.lastSeq} of ${highest}`);
    return answer.lastSeq <= highest;
  });
  const features = await evaluateOnce(
    oracle,
    known.map(({ key, lastSeq, asOfUs }) => ({ customer: Number(key), lastSeq, asOfUs })),
  );
  known.forEach((answer, i) => {
    const expected = features[i] as Features;
    if ('features' in answer) {
      if (!sameFeatures(answer.features, expected))
        blame(answer, false, `at seq ${answer.lastSeq} as of ${answer.asOfUs} it has other features than the oracle`);
      return;
    }
    if (answer.score === scoreOf(expected, answer.modelVersion)) return;
    const models = [states.snapshot.modelVersion, states.newestModel];
    const isMixed = models.some((version) => answer.score === scoreOf(expected, version));
    blame(answer, isMixed, `at seq ${answer.lastSeq} it does not have the score of model ${answer.modelVersion}`);
  });
}

/** Each version once, however often it was answered. */
async function evaluateOnce(oracle: Oracle, rows: readonly RowVersion[]): Promise<readonly Features[]> {
  const nameOf = ({ customer, lastSeq, asOfUs }: RowVersion) => `${customer}/${lastSeq}/${asOfUs}`;
  const distinct = new Map(rows.map((row) => [nameOf(row), row]));
  const evaluated = await oracle.evaluate([...distinct.values()]);
  const byName = new Map([...distinct.keys()].map((name, i) => [name, evaluated[i] as Features]));
  return rows.map((row) => byName.get(nameOf(row)) as Features);
}

/** Null: there is no such model. */
function scoreOf(features: Features, version: number): number | null {
  try {
    return predict(features, modelOf(version));
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}
