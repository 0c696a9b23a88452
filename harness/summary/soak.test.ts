import { describe, expect, it } from 'vitest';
import { seededRandom } from '../random.js';
import { readSoakRuns, type SoakRun, summariseSoak } from './soak.js';

/** A soak whose run r left so much; everything that is not said stays the same. */
function soak(runs: number, of: (run: number) => Partial<SoakRun>): SoakRun[] {
  return Array.from({ length: runs }, (_, index) => ({
    run: `soak-${index + 1}`,
    seed: index + 1,
    faults: ['role-crash'],
    verdict: 'pass',
    rssBytes: 300_000_000,
    descriptors: 30,
    children: 0,
    scratchBytes: 0,
    atUs: 1_000_000 * index,
    ...of(index + 1),
  }));
}

const resourceOf = (runs: readonly SoakRun[], name: string) =>
  summariseSoak(runs)!.resources.find(({ resource }) => resource === name)!;

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

  it('lists every run that did not pass, and is none where there was none', () => {
    const runs = soak(12, (run) => ({ verdict: run === 5 ? 'fail' : 'pass' }));
    expect(summariseSoak(runs)!.failed).toEqual([{ run: 'soak-5', seed: 5, faults: ['role-crash'], verdict: 'fail' }]);
    expect(summariseSoak([])).toBeNull();
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

describe('soak.jsonl', () => {
  const lines = soak(3, () => ({})).map((run) => `${JSON.stringify(run)}\n`);

  it('is read as it was written', () => {
    expect(readSoakRuns(lines.join(''), 'soak.jsonl')).toEqual(soak(3, () => ({})));
  });
  it('may end in a line that was being written', () => {
    expect(readSoakRuns(lines.join('').slice(0, -20), 'soak.jsonl').length).toBe(2);
  });
  it('may hold no other line than runs', () => {
    expect(() => readSoakRuns(`${lines[0]}{"run": 1}\n${lines[1]}`, 'a/soak.jsonl')).toThrow(
      /^a\/soak\.jsonl, line 2: expected a run of a soak as JSON .* got \{"run": 1\}\. Remove the line/,
    );
  });
});
