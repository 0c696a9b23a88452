import fc from 'fast-check';
import { expect, it } from 'vitest';
import { collectExamples } from './examples.js';
import { checkMonotonicReads, type Span } from './monotonic-reads.js';

interface Read {
  readonly customer: number;
  readonly sentUs: number;
  readonly doneUs: number;
  readonly lastSeq: number;
  readonly asOfUs: number;
}

const arbitraryRead = fc
  .record({
    customer: fc.nat(1),
    sentUs: fc.nat(30),
    tookUs: fc.nat(10),
    lastSeq: fc.integer({ min: 0, max: 3 }),
    asOfUs: fc.nat(3),
  })
  .map(({ tookUs, ...read }): Read => ({ ...read, doneUs: read.sentUs + tookUs }));

const arbitrarySpan = fc
  .record({ fromUs: fc.nat(30), forUs: fc.nat(10) })
  .map(({ fromUs, forUs }): Span => ({ fromUs, untilUs: fromUs + forUs }));

it('counts each read that shows less than any read that had finished before it was sent, but for a rollback', () => {
  fc.assert(
    fc.property(
      fc.array(arbitraryRead, { maxLength: 25 }),
      fc.array(arbitraryRead, { maxLength: 10 }),
      fc.array(arbitrarySpan, { maxLength: 1 }),
      (calls, probes, rolledBack) => {
        const all = [...calls, ...probes].filter((read) =>
          rolledBack.every(({ fromUs, untilUs }) => read.doneUs < fromUs || read.sentUs > untilUs),
        );
        const isLower = (a: Read, b: Read) => a.lastSeq < b.lastSeq || (a.lastSeq === b.lastSeq && a.asOfUs < b.asOfUs);
        const expected = all.filter((read) =>
          all.some((other) => other.customer === read.customer && other.doneUs < read.sentUs && isLower(read, other)),
        ).length;
        expect(count(calls, probes, rolledBack)).toBe(expected);
      },
    ),
    { numRuns: 500 },
  );
});

function count(calls: readonly Read[], probes: readonly Read[], rolledBack: readonly Span[]): number {
  const column = (reads: readonly Read[], name: keyof Read) => Float64Array.from(reads, (read) => read[name]);
  const times = (reads: readonly Read[]) => ({ sentUs: column(reads, 'sentUs'), doneUs: column(reads, 'doneUs') });
  const versions = (reads: readonly Read[]) => ({ lastSeq: column(reads, 'lastSeq'), asOfUs: column(reads, 'asOfUs') });
  return checkMonotonicReads({
    rolledBack,
    operations: {
      rows: calls.length,
      kind: new Uint8Array(calls.length),
      intendedUs: column(calls, 'sentUs'),
      ...times(calls),
      outcome: new Uint8Array(calls.length),
      keys: new Uint32Array(calls.length),
    },
    reads: {
      rows: calls.length,
      operation: Uint32Array.from(calls, (_, i) => i),
      customer: Uint32Array.from(calls, ({ customer }) => customer),
      ...versions(calls),
      nextEmitUs: new Float64Array(calls.length),
    },
    probes: {
      rows: probes.length,
      probe: Uint32Array.from(probes, (_, i) => i),
      ...times(probes),
      // The panel lists the customers the other way round: members are not customers.
      member: Uint32Array.from(probes, ({ customer }) => 1 - customer),
      ...versions(probes),
    },
    panel: [1, 0],
    customers: 2,
    epochUs: 0,
    examples: collectExamples(),
  }).violations;
}
