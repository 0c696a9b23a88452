/** A plane that needs a moment after the load is waited for; one that is not ready when its time is up has failed. */
import { describe, expect, it } from 'vitest';
import type { FeatureRow } from '../workloads/feature-view.js';
import type { ChangeKey } from './architecture.js';
import type { Clock } from './clock.js';
import { CallError } from './errors.js';
import { exportTables, readFinalRows } from './final-reads.js';
import type { LoadedTrace } from './loaded-trace.js';
import type { PlaneClient } from './processes/endpoint.js';

const secondUs = 1_000_000;
const customers = 3;
/** Of each customer two changes. */
const trace = {
  info: { contract: { customers } },
  emissions: { highestSeq: () => 2, soundChanges: 2 * customers },
} as unknown as LoadedTrace;

/** Whoever sleeps wakes up at once, so much later. */
function leapingClock(): Clock {
  let nowUs = 0;
  const sleep = async (us: number) => {
    nowUs += us;
  };
  return { nowUs: () => nowUs, sleep } as Clock;
}

const rowOf = (key: string): FeatureRow => ({ key, lastSeq: 2, asOfUs: 0, features: new Array(13).fill(0) });
const refusal = () => new CallError('failed', 'rows are missing, and are being made again');

describe('final reads', () => {
  const read = (refusals: number) => {
    let left = refusals;
    const plane = {
      async call(_: string, { keys }: { keys: string[] }) {
        if (left-- > 0) throw refusal();
        return keys.map(rowOf);
      },
    } as unknown as PlaneClient;
    return readFinalRows({ plane, trace, drainUs: secondUs, clock: leapingClock(), sloUs: 5 * secondUs });
  };

  it('wait for a plane that says that it has not recovered yet', async () => {
    expect((await read(4)).map(({ key }) => key).sort()).toEqual(['0', '1', '2']);
  });

  it('fail with its refusal when its time is up', async () => {
    await expect(read(Number.POSITIVE_INFINITY)).rejects.toThrow('rows are missing');
  });
});

describe('what the tables hold', () => {
  const all: ChangeKey[] = [0, 1, 2].flatMap((customer) => [1, 2].map((seq) => ({ customer, seq })));
  const exported = async (answers: readonly (readonly ChangeKey[] | null)[]) => {
    let asked = 0;
    const plane = {
      offers: (operation: string) => operation === 'exportChanges',
      async *pages() {
        const page = answers[Math.min(asked++, answers.length - 1)];
        if (!page) throw refusal();
        yield page;
      },
    } as unknown as PlaneClient;
    const readStored = async () => null;
    const options = { plane, trace, drainUs: secondUs, clock: leapingClock(), sloUs: 5 * secondUs, readStored };
    return (await exportTables(options)).changes?.flatMap(({ seqs }) => [...seqs]);
  };

  it('is asked for until every change is there: a copy is no other change, and a refusal no answer', async () => {
    const [last, ...others] = all.toReversed();
    const doubled = [...others, others[0]!];
    expect(await exported([doubled, null, [...doubled, last!]])).toHaveLength(all.length + 1);
  });

  it('is asked for again where a listing or a count is refused for a moment', async () => {
    let left = 2;
    const refuse = () => {
      if (left-- > 0) throw refusal();
    };
    const plane = {
      offers: (operation: string) => operation === 'quarantine' || operation === 'inventory',
      async *pages() {
        refuse();
        yield [{ customer: 1, seq: 1, reason: 'late' }];
      },
      async call() {
        refuse();
        return { files: 1, bytes: 2, rows: 3, smallFiles: 0, smallFileBytes: 4 };
      },
    } as unknown as PlaneClient;
    const options = { plane, trace, drainUs: secondUs, clock: leapingClock(), sloUs: 5 * secondUs };
    const { quarantined, inventory } = await exportTables({ ...options, readStored: async () => null });
    expect(quarantined?.flat()).toHaveLength(1);
    expect(inventory).toMatchObject({ files: 1, rows: 3 });
    left = Number.POSITIVE_INFINITY;
    await expect(exportTables({ ...options, readStored: async () => null })).rejects.toThrow('rows are missing');
  });

  it('is what it is when time is up', async () => {
    expect(await exported([all.slice(1)])).toHaveLength(all.length - 1);
  });
});
