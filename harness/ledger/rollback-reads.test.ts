/** Reads of a rollback whose verdicts can be told by looking at them. */
import { describe, expect, it } from 'vitest';
import type { EmissionIndex } from '../../workloads/emissions.js';
import type { FeatureRow, Prediction } from '../../workloads/feature-view.js';
import { modelOf, predict } from '../../workloads/model.js';
import type { SnapshotRef } from '../architecture.js';
import { seededRandom } from '../random.js';
import { collectExamples } from './examples.js';
import type { Oracle, RowVersion } from './oracle.js';
import { judgeRollback, type StateProbe } from './rollback-reads.js';

/** Every feature is the customer's last change. */
const featuresAt = (lastSeq: number) => Array.from({ length: 13 }, () => lastSeq);
const oracle = {
  evaluate: async (rows: readonly RowVersion[]) => rows.map(({ lastSeq }) => featuresAt(lastSeq)),
} as unknown as Oracle;
const emissions = { highestSeq: () => 9 } as unknown as EmissionIndex;
const snapshot = { id: 's', asOfUs: 500, modelVersion: 1 } as SnapshotRef;

const row = (lastSeq: number, asOfUs: number, shows = lastSeq): FeatureRow => ({
  key: '0',
  lastSeq,
  asOfUs,
  features: featuresAt(shows),
});
const score = (lastSeq: number, asOfUs: number, modelVersion: number, scoredBy = modelVersion): Prediction => ({
  key: '0',
  score: predict(featuresAt(lastSeq), modelOf(scoredBy)),
  modelVersion,
  lastSeq,
  asOfUs,
});
const old = [row(3, 500), score(3, 500, 1)];
const newest = (atUs: number) => [row(5, atUs), score(5, atUs, 2)];
const probe = (sentUs: number, answers: StateProbe['answers']): StateProbe => ({ sentUs, doneUs: sentUs + 5, answers });

async function judge(probes: readonly StateProbe[], isSameMoment = false) {
  const examples = collectExamples();
  const fact = await judgeRollback({
    states: { snapshot, newestModel: 2, isSameMoment },
    back: { requestedUs: 1_000, untilUs: 2_000 },
    forward: { requestedUs: 2_000, untilUs: 3_000 },
    probes,
    lastSeqs: new Map([[0, 3]]),
    oracle,
    emissions,
    random: seededRandom(1),
    examples,
  });
  return { ...fact, examples: examples.chosen() };
}

const before = probe(990, newest(990));
const between = probe(1_100, newest(1_100));
const after = probe(2_500, newest(2_500));

describe('reads of a rollback', () => {
  it('tell when it was seen: by the first probe after the last one of the other state', async () => {
    const fact = await judge([before, between, probe(1_200, old), probe(1_300, old), probe(2_100, old), after]);
    expect(fact).toMatchObject({ probes: 6, checked: 12, mixed: 0, wrong: 0, examples: [] });
    expect(fact.back).toEqual({ requestedUs: 1_000, seenUs: 1_205, notBeforeUs: 1_100, watchedUntilUs: 2_000 });
    expect(fact.forward).toEqual({ requestedUs: 2_000, seenUs: 2_505, notBeforeUs: 2_100, watchedUntilUs: 3_000 });
  });

  it('that were not answered before it was seen put it off, later ones undo nothing', async () => {
    const fact = await judge([between, probe(1_200, null), probe(1_300, old), probe(1_400, null), after]);
    expect(fact.back).toMatchObject({ seenUs: 1_305, notBeforeUs: 1_200 });
    expect(fact).toMatchObject({ unanswered: 2, wrong: 0 });
  });

  it('are told apart by the model where nothing has come since the snapshot', async () => {
    const still = [row(3, 500), score(3, 500, 2)];
    const probes = [probe(1_100, still), probe(1_200, old), probe(2_100, old), probe(2_500, still)];
    const fact = await judge(probes, true);
    expect(fact).toMatchObject({ back: { seenUs: 1_205 }, forward: { seenUs: 2_505 }, mixed: 0, wrong: 0 });
    const relapsed = await judge([probe(1_200, old), probe(1_300, still), probe(2_500, still)], true);
    expect(relapsed).toMatchObject({ back: { seenUs: null }, wrong: 1 });
  });

  it('of the state that had been left undo it, and are wrong', async () => {
    const fact = await judge([probe(1_200, old), probe(1_300, newest(1_300)), after]);
    expect(fact.back.seenUs).toBeNull();
    expect(fact.wrong).toBe(2);
  });

  it.each([
    ['the model of the other state', [row(3, 500), score(3, 500, 2)]],
    ['the score of the other model', [row(3, 500), score(3, 500, 1, 2)]],
    ['the moment of the other state', [row(3, 500), score(3, 1_200, 1)]],
  ])('are mixed with %s', async (_, answers) => {
    const fact = await judge([probe(1_200, answers), after]);
    expect(fact).toMatchObject({ mixed: 1, wrong: 0 });
    expect(fact.examples[0]).toMatch(/^mixed read: customer 0/);
  });

  it.each([
    ['another change than the snapshot', [row(4, 500)]],
    ['features of another change', [row(3, 500, 4)]],
    ['a change that there is not', [row(10, 1_200)]],
  ])('are wrong with %s', async (_, answers) => {
    const fact = await judge([probe(1_200, answers), after]);
    expect(fact).toMatchObject({ mixed: 0, wrong: 1 });
    expect(fact.examples[0]).toMatch(/^rolled-back read: customer 0/);
  });
});
