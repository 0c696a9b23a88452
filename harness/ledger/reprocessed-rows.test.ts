/** Verdicts over rows by hand: an oracle whose features are the version itself. */
import { expect, it } from 'vitest';
import { collectExamples } from './examples.js';
import type { Oracle } from './oracle.js';
import { type DerivedRow, judgeReprocessed } from './reprocessed-rows.js';

const oracle: Oracle = {
  evaluate: async (rows) => rows.map(({ lastSeq }) => [lastSeq]),
  evaluateUndeleted: async () => [],
  findVersions: async () => [],
};
const row = (customer: number, lastSeq: number, shown: number): DerivedRow => ({
  key: customer,
  customer,
  lastSeq,
  asOfUs: 1,
  shown: String(shown),
});
const before = [row(1, 5, 5), row(2, 5, 5), row(3, 1, 1)];
const judge = (after: readonly DerivedRow[]) =>
  judgeReprocessed({
    table: 't',
    before,
    after,
    // Of customer 3 nothing that is poisoned was in the row.
    poisonedFrom: new Map([
      [2, 4],
      [3, 2],
    ]),
    show: ([seq]) => String(seq),
    oracle,
    examples: collectExamples(),
  });

it.each<[string, readonly DerivedRow[], { left: number; disturbed: number }]>([
  ['only what was poisoned is another', [row(1, 5, 5), row(2, 5, 3), row(3, 1, 1)], { left: 0, disturbed: 0 }],
  ['nothing was made again', before, { left: 1, disturbed: 0 }],
  ['it claims another version', [row(1, 5, 5), row(2, 3, 3), row(3, 1, 1)], { left: 0, disturbed: 1 }],
  ['another row changed too', [row(1, 5, 4), row(2, 5, 3), row(3, 1, 1)], { left: 0, disturbed: 1 }],
  ['rows are gone, or new', [row(2, 5, 3), row(3, 1, 1), row(4, 1, 1)], { left: 0, disturbed: 2 }],
])('%s', async (_, after, verdict) => {
  expect(await judge(after)).toMatchObject(verdict);
});
