/** Visibility against its definition, word by word, on panels drawn at random. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunFacts } from '../record/facts.js';
import { foldSloSeconds, foldVisibility } from './freshness.js';
import { firstHidden, readPanel } from './panel.js';
import { plantRun } from './planted-run.js';

const members = 3;

/** Changes at any times, probes that fail, overlap, come in disorder and go backwards. */
const drawn = fc.record({
  changes: fc.array(
    fc.record({
      emitUs: fc.integer({ min: 0, max: 60 }),
      refused: fc.integer({ min: 0, max: 9 }),
      acknowledged: fc.integer({ min: 0, max: 9 }),
      member: fc.integer({ min: 0, max: members - 1 }),
    }),
    { maxLength: 40 },
  ),
  probes: fc.array(
    fc.record({
      sentUs: fc.integer({ min: 0, max: 80 }),
      tookUs: fc.integer({ min: 1, max: 10 }),
      failed: fc.integer({ min: 0, max: 4 }),
      lastSeq: fc.array(fc.integer({ min: 0, max: 15 }), { minLength: members, maxLength: members }),
    }),
    { maxLength: 20 },
  ),
});

function runOf({ changes, probes }: typeof drawn extends fc.Arbitrary<infer T> ? T : never): RunFacts {
  const seqs = new Array<number>(members).fill(0);
  const numbered = changes.map((change) => {
    seqs[change.member] = (seqs[change.member] as number) + 1;
    return { ...change, seq: seqs[change.member] as number };
  });
  const rows = probes.flatMap((probe, number) =>
    probe.lastSeq.map((lastSeq, member) => ({ ...probe, number, member, lastSeq })),
  );
  const run = plantRun();
  return {
    ...run,
    panel: {
      customers: Array.from({ length: members }, (_, member) => member),
      share: 1,
      changes: {
        rows: numbered.length,
        member: Uint32Array.from(numbered, ({ member }) => member),
        seq: Uint32Array.from(numbered, ({ seq }) => seq),
        emitUs: Float64Array.from(numbered, ({ emitUs }) => emitUs),
        refused: Uint8Array.from(numbered, ({ refused }) => (refused === 0 ? 1 : 0)),
        acknowledged: Uint8Array.from(numbered, ({ acknowledged }) => (acknowledged === 0 ? 0 : 1)),
      },
    },
    probes: {
      rows: rows.length,
      probe: Uint32Array.from(rows, ({ number }) => number),
      sentUs: Float64Array.from(rows, ({ sentUs }) => sentUs),
      doneUs: Float64Array.from(rows, ({ sentUs, tookUs }) => sentUs + tookUs),
      member: Uint32Array.from(rows, ({ member }) => member),
      lastSeq: Float64Array.from(rows, ({ failed, lastSeq }) => (failed === 0 ? -1 : lastSeq)),
      asOfUs: new Float64Array(rows.length),
    },
  };
}

describe('visibility', () => {
  it('is the answer of the first probe that shows the change, and no awaited change is left out', () => {
    fc.assert(
      fc.property(drawn, (facts) => {
        const run = runOf(facts);
        const panel = readPanel(run);
        const { visibleUs, hiddenAtUs } = foldVisibility(panel);
        const { changes } = run.panel;
        const awaited = [...changes.seq.keys()].filter(
          (i) => changes.refused[i] === 0 && changes.acknowledged[i] === 1,
        );
        expect(panel.awaited.rows).toBe(awaited.length);
        expect(panel.awaited.refused + panel.awaited.unacknowledged).toBe(changes.rows - awaited.length);
        for (let row = 0; row < panel.awaited.rows; row++) {
          const [member, seq, emitUs] = [panel.awaited.member[row], panel.awaited.seq[row], panel.awaited.emitUs[row]];
          const answers = facts.probes
            .map((probe, number) => ({ ...probe, number, doneUs: probe.sentUs + probe.tookUs }))
            .filter(({ failed }) => failed !== 0)
            .sort((a, b) => a.doneUs - b.doneUs || a.number - b.number);
          const first = answers.findIndex(({ lastSeq }) => (lastSeq[member as number] as number) >= (seq as number));
          const expected =
            first === -1 ? Number.POSITIVE_INFINITY : Math.max(answers[first]?.doneUs as number, emitUs as number);
          expect(visibleUs[row]).toBe(expected);
          const without = first === -1 ? answers : answers.slice(0, first);
          expect(hiddenAtUs[row]).toBe(Math.max(...without.map(({ sentUs }) => sentUs)));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('begins at the first change that a row does not show', () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: 0, max: 15 }), (facts, lastSeq) => {
        const { awaited } = readPanel(runOf(facts));
        for (let member = 0; member < members; member++) {
          const row = firstHidden(awaited, member, lastSeq);
          const end = awaited.firstOf[member + 1] as number;
          const hidden = [...awaited.seq.keys()].filter(
            (i) => awaited.member[i] === member && (awaited.seq[i] as number) > lastSeq,
          );
          expect(row).toBe(hidden[0] ?? end);
          if (hidden.length > 0) {
            expect(awaited.earliestFromUs[row]).toBe(Math.min(...hidden.map((i) => awaited.emitUs[i] as number)));
          }
        }
      }),
    );
  });

  it('judges every second of emission once: met, missed or empty; a look that is not answered shows nothing', () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: 1, max: 40 }), (facts, sloUs) => {
        const scaled = {
          changes: facts.changes.map((change) => ({ ...change, emitUs: change.emitUs * 100_000 })),
          probes: facts.probes.map((probe) => ({
            ...probe,
            sentUs: probe.sentUs * 100_000,
            tookUs: probe.tookUs * 1000,
          })),
        };
        const panel = readPanel(runOf(scaled));
        const visibility = foldVisibility(panel);
        const window = { fromUs: 0, untilUs: 6_000_000, sloUs: sloUs * 100_000 };
        const { met, seconds } = foldSloSeconds(panel.awaited, visibility, window);
        const emitting = new Set(
          [...panel.awaited.emitUs].filter((us) => us < window.untilUs).map((us) => Math.floor(us / 1e6)),
        );
        expect(seconds).toBe(emitting.size);
        expect(met).toBeLessThanOrEqual(seconds);
        const lenient = foldSloSeconds(panel.awaited, visibility, { ...window, sloUs: window.sloUs + 1_000_000 });
        expect(lenient.met).toBeGreaterThanOrEqual(met);
        const deaf = foldVisibility({
          ...panel,
          probes: { ...panel.probes, lastSeq: panel.probes.lastSeq.map(() => -1) },
        });
        expect(foldSloSeconds(panel.awaited, deaf, window)).toEqual({ met: 0, seconds });
      }),
      { numRuns: 300 },
    );
  });
});
