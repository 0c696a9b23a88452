/** What batch work makes of the answers of a plane: each of four customers has had two changes, and all features are 0. */
import { expect, it } from 'vitest';
import { customerActivity } from '../../workloads/feature-view.js';
import { modelOf, predict, scorePpb } from '../../workloads/model.js';
import type { Operation } from '../architecture.js';
import type { Clock } from '../clock.js';
import { CallError } from '../errors.js';
import type { LoadedTrace } from '../loaded-trace.js';
import type { PlaneClient } from '../processes/endpoint.js';
import type { BatchFacts } from '../record/facts.js';
import type { RunPlan } from '../scenario.js';
import { measuredScenario } from '../suites/measured.js';
import type { BatchStep } from './plan.js';
import { beginBatchWork } from './work.js';

const customers = 4;
const changes = 2;
const features = customerActivity.features.map(() => 0);
const score = scorePpb(predict(features, modelOf(1)));
const asOfUs = 7;

type Answers = { readonly [name in Operation]?: (argument: never) => unknown };
interface Version {
  readonly version: number;
}

const snapshot = { id: 's', asOfUs, rows: customers, viewVersion: 1, modelVersion: 1, tables: { features: 1 } };
const ids = Array.from({ length: customers }, (_, customer) => customer);

/** Rows of which each is right; `lastSeq`: of which change. */
const rows = ({ lastSeq = changes, scored = score } = {}) => ({
  customers: ids,
  lastSeqs: ids.map(() => lastSeq),
  asOfUs: ids.map(() => asOfUs),
  scoresPpb: ids.map(() => scored),
});

/** A version of its own for every scoring. */
function soundPlane(): Answers {
  let version = 0;
  return {
    snapshot: () => snapshot,
    score: () => ({ table: 'scored', version: ++version, rows: customers, scanned: null }),
    scoredRows: () => [rows()],
  };
}

const taken: BatchStep = { kind: 'snapshot', name: 'after' };
const scored = (times: number): BatchStep => ({ kind: 'score', snapshot: 'after', times });

/** Steps after the load, asked of a plane that answers so. */
async function work(answers: Answers, afterLoad: readonly BatchStep[], caughtUp = true): Promise<BatchFacts> {
  const base = measuredScenario({
    name: 'batch work',
    customers,
    historyFacts: 0,
    changesPerSecond: 1,
    predictionsPerSecond: 0,
    lookupsPerSecond: 1,
    warmUpUs: 0,
    measureUs: 1,
    faultUs: 0,
    drainUs: 0,
  });
  const labels = { rows: 0, positivePpm: 0, latePpm: 0 };
  const plan = { seed: 1, scenario: { ...base, batch: { labels, besideLoad: [], afterLoad } } } as unknown as RunPlan;
  const none = { rows: 0, columns: { label: [] } };
  const trace = {
    info: { contract: { customers }, panel: [1] },
    emissions: { customers, highestSeq: () => changes, commitUs: () => 1 },
    oracle: { evaluate: async (versions: unknown[]) => versions.map(() => features) },
    labels: { rows: { onTime: none, late: none }, files: { onTime: 'on time', late: 'late' } },
  } as unknown as LoadedTrace;
  const answer = async (operation: Operation, argument: unknown) => answers[operation]?.(argument as never);
  const plane = {
    offers: (operation: Operation) => answers[operation] !== undefined,
    call: answer,
    async *pages(operation: Operation, argument: unknown) {
      yield* (await answer(operation, argument)) as unknown[];
    },
  } as unknown as PlaneClient;
  let nowUs = 0;
  const clock = { nowUs: () => nowUs++ } as unknown as Clock;
  const signal = new AbortController().signal;
  const openPorts = async () => ({ ports: {}, close: async () => {} }) as never;
  const asked = beginBatchWork({ plan, plane, trace, clock, signal, openPorts });
  await asked!.afterLoad(caughtUp);
  return asked!.judge();
}

const refuse = (why: string) => () => {
  throw new CallError('failed', why);
};

it('holds every version that was made again against the first', async () => {
  const { steps, scored: verdicts, rebuilt } = await work(soundPlane(), [taken, scored(3)]);
  expect(steps.map(({ kind, rows: asked, isRepeat }) => [kind, asked, isRepeat])).toEqual([
    ['snapshot', customers, false],
    ['score', customers, false],
    ['score', customers, false],
    ['score', customers, false],
  ]);
  expect([verdicts, rebuilt.scored]).toEqual([
    { checked: customers, wrong: 0 },
    { times: 2, same: 2 },
  ]);
  const wavering = { ...soundPlane(), scoredRows: ({ version }: Version) => [rows({ scored: score + (version % 2) })] };
  expect((await work(wavering, [taken, scored(3)])).rebuilt.scored).toEqual({ times: 2, same: 1 });
});

it('takes the same version again for no work, and for nothing that was made again', async () => {
  const cached = { ...soundPlane(), score: () => ({ table: 'scored', version: 1, rows: customers, scanned: null }) };
  const { steps, scored: verdicts, rebuilt } = await work(cached, [taken, scored(3)]);
  expect(steps.map(({ isRepeat }) => isRepeat)).toEqual([false, false, true, true]);
  expect([verdicts, rebuilt.scored]).toEqual([
    { checked: customers, wrong: 0 },
    { times: 0, same: 0 },
  ]);
});

it('counts the rows that it asked for, and takes a plane that tells of others for wrong', async () => {
  const boasting = { ...soundPlane(), score: () => ({ table: 'scored', version: 1, rows: 4_000, scanned: null }) };
  const { steps, scored: verdicts, examples } = await work(boasting, [taken, scored(1)]);
  expect(steps[1]?.rows).toBe(customers);
  expect(verdicts.wrong).toBe(1);
  expect(examples).toEqual(['scored row: the plane tells of 4000, 4 were asked for']);
});

it('expects the last change only of a plane that had caught up with it', async () => {
  const behind = { ...soundPlane(), scoredRows: () => [rows({ lastSeq: changes - 1 })] };
  const { scored: verdicts, caughtUp } = await work(behind, [taken, scored(1)], false);
  expect([verdicts.wrong, caughtUp]).toEqual([0, false]);
  expect((await work(behind, [taken, scored(1)])).scored.wrong).toBe(customers);
});

it('says why what hangs on a snapshot was not asked for, and what is not offered', async () => {
  const steps: readonly BatchStep[] = [taken, scored(2), { kind: 'rollback', snapshot: 'after', heldUs: 1 }];
  const failing = { ...soundPlane(), snapshot: refuse('disk full'), rollback: refuse('never asked') };
  const { steps: facts, notOffered } = await work(failing, [...steps, { kind: 'reprocess', customers: 1 }]);
  const why = 'snapshot "after" was not taken: disk full';
  expect(facts.map(({ kind, failure }) => [kind, failure])).toEqual([
    ['snapshot', 'disk full'],
    ['score', why],
    ['rollback', why],
  ]);
  expect(notOffered).toEqual(['reprocess']);
});

it('does not take a renewed snapshot for right that could not be scored', async () => {
  const renewing = {
    ...soundPlane(),
    reprocess: () => ({ assets: [], untouched: [], snapshot: { ...snapshot, id: 'new' } }),
  };
  const steps: readonly BatchStep[] = [taken, scored(1), { kind: 'reprocess', customers: 1 }];
  expect((await work(renewing, steps)).reprocessings).toMatchObject([{ unjudged: null }]);
  const sound = soundPlane();
  const failing = {
    ...renewing,
    score: (request: { snapshot: string }) =>
      request.snapshot === 'new' ? refuse('timed out')() : sound.score?.(request as never),
  };
  const unjudged = 'the renewed snapshot was not seen: timed out';
  expect((await work(failing, steps)).reprocessings).toMatchObject([{ unjudged }]);
});
