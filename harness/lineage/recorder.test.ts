/** What was recorded is there once, in both kinds of storage, whatever became of the calls. */
import { describe, expect, it } from 'vitest';
import { hostClock } from '../clock.js';
import { CallError } from '../errors.js';
import { simulateTableStore } from '../ports/table-store/simulated.js';
import { simulateWarehouse } from '../ports/warehouse/simulated.js';
import { seededRandom } from '../random.js';
import { storedTable, topic } from './event.js';
import { testOrigin } from './fixture-origin.js';
import { type Journal, journalInTables, journalInWarehouse } from './journal.js';
import { openLineage } from './recorder.js';

const resource = { use: async () => {}, busyUs: () => 0 };
const first = { into: [storedTable('a')], from: [topic('changes', [0])] };
const second = { into: [storedTable('b')], from: [storedTable('a', 1)] };
const third = { into: [storedTable('c')], from: [storedTable('b', 1)] };

/** A port of which every third call fails: half of them after they have had their effect. */
function failing<Port extends object>(port: Port): Port {
  const random = seededRandom(3);
  return new Proxy(port, {
    get(target, name) {
      const call = Reflect.get(target, name) as (...args: unknown[]) => unknown;
      if (typeof call !== 'function' || name === 'scan') return call;
      return async (...args: unknown[]) => {
        const fate = random.below(6);
        if (fate === 0) throw new CallError('failed', 'not done');
        const answer = await call.apply(target, args);
        if (fate === 1) throw new CallError('indeterminate', 'done, and not said');
        return answer;
      };
    },
  });
}

const tables = () => simulateTableStore({ clock: hostClock, resource, parquet: () => [], host: (work) => work() });
const warehouse = () => simulateWarehouse({ resource, parquet: () => [], host: (work) => work() });
const journals: readonly (readonly [string, () => { readonly sound: Journal; readonly troubled: Journal }])[] = [
  [
    'tables',
    () => {
      const port = tables();
      return { sound: journalInTables(port), troubled: journalInTables(failing(port)) };
    },
  ],
  [
    'the warehouse',
    () => {
      const port = warehouse();
      return { sound: journalInWarehouse(port), troubled: journalInWarehouse(failing(port)) };
    },
  ],
];

describe.each(journals)('in %s', (_, open) => {
  const context = (start: number) => ({
    clock: hostClock,
    random: seededRandom(1),
    signal: new AbortController().signal,
    origin: testOrigin('stream', seededRandom(start, '/run')),
  });
  const outputsOf = async (journal: Journal) =>
    (await journal.events())
      .map(({ eventType, run, outputs }) => `${run.runId} ${eventType} ${outputs[0]?.name}`)
      .sort();

  it('there is nothing before anything was recorded', async () => {
    expect(await open().sound.events()).toEqual([]);
  });

  it.each(['sound', 'troubled'] as const)('each derivation is there once (%s)', async (state) => {
    const opened = open();
    const own = context(1);
    const lineage = openLineage(own, opened[state]);
    await Promise.all([lineage.record(first, second), lineage.record(third), lineage.record(second)]);
    await lineage.record(first);
    const { runId } = own.origin;
    const once = [`${runId} RUNNING b`, `${runId} RUNNING c`, `${runId} START a`];
    expect(await outputsOf(opened.sound)).toEqual(once);

    const scoring = await lineage.recordJob('score', second);
    const other = await lineage.recordJob('score', second);
    const jobs = (await opened.sound.events()).filter(({ job }) => job.name === 'stream.score');
    expect(jobs.map(({ run }) => run.runId).sort()).toEqual([scoring, other].sort());
    expect(jobs.map(({ run }) => run.facets.parent?.run.runId)).toEqual([runId, runId]);
    once.push(`${scoring} START b`, `${other} START b`);

    const restarted = context(2);
    await openLineage(restarted, opened[state]).record(first);
    expect(restarted.origin.runId).not.toBe(runId);
    expect(await outputsOf(opened.sound)).toEqual([...once, `${restarted.origin.runId} START a`].sort());
  });
});
