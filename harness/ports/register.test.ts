import { expect, it } from 'vitest';
import { CallError } from '../errors.js';
import { seededRandom } from '../random.js';
import { fakeClock } from '../simulation/fake-clock.fixture.js';
import type { OnlineStore, StoredRow } from './online-store/port.js';
import { openRegister } from './register.js';

/** One row, replaced by newer ones only; `lose` says of which puts, counted from 1, the answer is lost. */
function world(lose: readonly number[] = []) {
  const { clock, run } = fakeClock(0);
  let stored: StoredRow | null = null;
  let puts = 0;
  const store: Pick<OnlineStore, 'get' | 'put'> = {
    get: async () => [stored],
    async put(_, { seqs, asOfUs, values }) {
      const row = { seq: seqs[0] as number, asOfUs: asOfUs[0] as number, value: values[0] as Uint8Array };
      const isNewer = stored === null || row.seq > stored.seq;
      if (isNewer) stored = row;
      if (lose.includes(++puts)) throw new CallError('indeterminate', 'the answer was lost');
      return isNewer ? { written: 1, stale: 0 } : { written: 0, stale: 1 };
    },
  };
  const open = (seed: number) =>
    openRegister<readonly string[]>(
      { clock, random: seededRandom(seed), signal: new AbortController().signal },
      { store: store as OnlineStore, table: 'register', initially: [] },
    );
  return { run, open };
}

/** As a change has to be: the same when it is made again. */
const add = (name: string) => (names: readonly string[]) => (names.includes(name) ? names : [...names, name]);

it('reads what it is initially, then what it was changed to, whoever opens it', async () => {
  const { open } = world();
  expect(await open(1).read()).toEqual([]);
  expect(await open(1).change(add('a'))).toEqual(['a']);
  expect(await open(2).read()).toEqual(['a']);
});

it('loses none of two changes at the same time', async () => {
  const { open } = world();
  await Promise.all([open(1).change(add('a')), open(2).change(add('b'))]);
  expect([...(await open(3).read())].sort()).toEqual(['a', 'b']);
});

it('changes once where the answer was lost', async () => {
  const { open, run } = world([1]);
  const changed = open(1).change(add('a'));
  await run();
  expect(await changed).toEqual(['a']);
  expect(await open(2).read()).toEqual(['a']);
});
