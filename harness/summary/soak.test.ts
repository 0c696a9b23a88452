import { describe, expect, it } from 'vitest';
import { validateSummary } from '../../reports/validate.js';
import { standardPrices } from '../prices/prices.js';
import { seededRandom } from '../random.js';
import { type SoakRun, summariseSoak } from './soak.js';

/** A soak whose run r left so much; everything that is not said stays the same. */
function soak(runs: number, of: (run: number) => Partial<SoakRun>): SoakRun[] {
  return Array.from({ length: runs }, (_, index) => ({
    run: `soak-${index + 1}`,
    seed: index + 1,
    architecture: 'lakehouse',
    faults: ['role-crash'],
    verdict: 'pass',
    rssBytes: 300_000_000,
    descriptors: 30,
    children: 0,
    scratchBytes: 0,
    ...of(index + 1),
  }));
}

const summaryOf = (runs: readonly SoakRun[]) =>
  summariseSoak({ suite: 'soak', seed: 1, command: 'planebench run', prices: standardPrices, outcome: 'pass', runs });

const resourceOf = (runs: readonly SoakRun[], name: string) =>
  summaryOf(runs).soak!.resources.find(({ resource }) => resource === name)!;

describe('a soak', () => {
  it('levels off where a heap that breathes has found its size', () => {
    const random = seededRandom(3);
    const runs = soak(120, (run) => ({ rssBytes: 300e6 - 150e6 / run + random.below(20_000_000) }));
    const { trend } = resourceOf(runs, 'memory');
    expect(trend).toMatchObject({ fromRun: 61, outcome: 'levels off' });
    expect(trend!.lowerBound).toBeLessThan(0);
    expect(trend!.upperBound).toBeGreaterThan(0);
  });

  it('grows where every fourth run leaves a descriptor, and by how much', () => {
    const { trend } = resourceOf(
      soak(120, (run) => ({ descriptors: 30 + Math.floor(run / 4) })),
      'descriptors',
    );
    expect(trend!.outcome).toBe('grows');
    expect(trend!.growthPerRun).toBeCloseTo(0.25, 2);
    expect(trend!.lowerBound).toBeGreaterThan(0.2);
  });

  it('levels off at nothing left behind, and grows with a single process more and more', () => {
    expect(
      resourceOf(
        soak(40, () => ({})),
        'processes',
      ).trend,
    ).toMatchObject({ level: 0, outcome: 'levels off' });
    expect(
      resourceOf(
        soak(40, (run) => ({ children: Math.floor(run / 3) })),
        'processes',
      ).trend!.outcome,
    ).toBe('grows');
  });

  it('is undecided where noise hides what growth there may be', () => {
    const random = seededRandom(5);
    const runs = soak(24, () => ({ rssBytes: 100_000_000 + random.below(200_000_000) }));
    expect(resourceOf(runs, 'memory').trend!.outcome).toBe('undecided');
  });

  it('has no trend that few runs, or runs that could not read it, would have to bear', () => {
    expect(
      resourceOf(
        soak(18, () => ({})),
        'memory',
      ).trend,
    ).toBeNull();
    expect(
      resourceOf(
        soak(20, () => ({})),
        'memory',
      ).trend,
    ).not.toBeNull();
    expect(
      resourceOf(
        soak(120, () => ({ descriptors: null })),
        'descriptors',
      ),
    ).toMatchObject({
      points: [],
      trend: null,
    });
  });

  it('lists every run that did not pass, and says so first', () => {
    const { soak: found, verdict } = summaryOf(soak(12, (run) => ({ verdict: run === 5 ? 'lost 3' : 'pass' })));
    expect(found!.failed).toEqual([{ run: 'soak-5', seed: 5, faults: ['role-crash'], verdict: 'lost 3' }]);
    expect(verdict.sentences).toEqual([
      '1 run of 12 did not pass.',
      'Whether the harness levels off is not known of memory, descriptors, processes and disk.',
    ]);
  });

  it('says in words whether it levels off', () => {
    const sentences = (of: Parameters<typeof soak>[1]) => summaryOf(soak(60, of)).verdict.sentences;
    expect(sentences(() => ({}))).toEqual([
      'All 60 runs passed.',
      'Memory, descriptors, processes and disk of the harness level off.',
    ]);
    expect(sentences((run) => ({ scratchBytes: 1000 * run }))[1]).toBe(
      'The harness does not level off: disk grew over the second half.',
    );
  });

  it('is a summary that readers accept, without runs too', () => {
    for (const runs of [soak(60, () => ({})), []]) {
      const summary = summaryOf(runs);
      expect(validateSummary(JSON.parse(JSON.stringify(summary)))).toEqual(summary);
    }
  });

  it('draws few points of many runs, the last among them', () => {
    const { points } = resourceOf(
      soak(5000, () => ({})),
      'memory',
    );
    expect(points.length).toBeLessThanOrEqual(300);
    expect(points.at(-1)!.run).toBe(5000);
  });
});
