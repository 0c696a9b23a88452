import { describe, expect, it } from 'vitest';
import {
  clockText,
  type FaultCell,
  fateCounts,
  faultContrasts,
  faultFindings,
  faultTables,
  sloTexts,
  struckOutcomes,
} from './faults.js';
import { chaosSummary } from './fixtures/chaos.js';
import { clock, faultOutcome } from './fixtures/fault-outcome.js';
import { headlineManifest, headlineSummary } from './fixtures/headline.js';
import { renderHtml } from './html.js';
import { renderJunit } from './junit.js';
import type { FaultOutcome } from './summary.js';
import { renderTerminal } from './terminal.js';

const summary = chaosSummary();
const [measured, simulated] = faultTables(summary);
const cell = (fault: string, plane: string): FaultCell =>
  measured!.rows.find((row) => row.fault === fault)!.cells.find((candidate) => candidate.plane === plane)!;

/** The cell of a single outcome. */
function cellOf(own: Partial<FaultOutcome>): FaultCell {
  const outcome = faultOutcome({ scenario: 's', fault: 'f', architecture: 'lakehouse', target: 't', ...own });
  return faultTables({ ...summary, faultOutcomes: [outcome] })[0]!.rows[0]!.cells[0]!;
}

describe('what a fault did to a plane', () => {
  it('is told by plane; measured and simulated outcomes never share a table', () => {
    expect(measured!.basis.badge).toBe('measured');
    expect(simulated!.basis.badge).toBe('simulated');
    expect(simulated!.rows.length).toBe(1);
    expect(measured!.planes).toEqual(['lakehouse', 'warehouse', 'lambda']);
  });

  it('is survived only by a plane that was seen to be struck and unharmed', () => {
    expect(cellOf({}).fate).toBe('survived');
    expect(cellOf({ injections: 0 }).fate).toBe('not injected');
    expect(cellOf({ injections: 0, invalidRuns: 5, invalidReason: 'why' })).toMatchObject({
      fate: 'invalid',
      notes: ['5 invalid runs, left out: why'],
    });
    expect(cellOf({ notApplicable: 'no such port' })).toMatchObject({
      fate: 'not applicable',
      notes: ['no such port'],
    });
    expect(cell('clock-jump', 'lambda').fate).toBe('no run');
  });

  it.each([
    [{ lost: 3 }, '3 changes lost'],
    [{ duplicated: 1 }, '1 change duplicated'],
    [{ wrongRows: 2 }, '2 rows wrong'],
    [{ tornRows: 1 }, '1 row torn'],
    [{ monotonicViolations: 2 }, '2 reads went back'],
    [{ findings: ['Something else.'] }, '1 finding'],
  ])('is harm with %o, whatever the findings say', (own, words) => {
    expect(cellOf(own)).toMatchObject({ fate: 'harmed', words: [words] });
  });

  it('says what is not known of a plane that survived', () => {
    expect(cellOf({ lost: null, duplicated: null }).notes).toContain('tables not offered: what they hold is not known');
    const partly = cellOf({ invalidRuns: 2, invalidReason: 'no call met it', injections: 3, runs: 3 });
    expect(partly.fate).toBe('survived');
    expect(partly.notes).toContain('2 invalid runs, left out: no call met it');
  });

  it('says how much of a watch was left out because the load generator was late, run by run', () => {
    const unjudged = [
      { run: 's-1-lakehouse', seconds: 1, watched: 5, injections: 0 },
      { run: 's-4-lakehouse', seconds: 2, watched: 4, injections: 1 },
    ];
    expect(cellOf({ unjudged }).notes).toEqual([
      '5 injections in 5 runs',
      '1 of 5 s of the watch left out in s-1-lakehouse, as the load generator itself was late',
      '2 of 4 s of the watch left out in s-4-lakehouse, as the load generator itself was late; 1 injection not judged for that',
    ]);
  });

  it('hides no outcome behind another of the same fault and plane', () => {
    const twice = ['stream', 'serving'].map((target) =>
      faultOutcome({ scenario: 's', fault: 'role-crash', architecture: 'lakehouse', target }),
    );
    const [table] = faultTables({ ...summary, faultOutcomes: twice });
    expect(table!.rows.map(({ cells }) => cells[0]!.outcome!.target)).toEqual(['stream', 'serving']);
  });

  it('is counted', () => {
    expect(fateCounts(measured!)).toBe(
      '3 of 12 pairs of fault and plane survived, 4 harmed, 1 invalid, 1 not injected, 1 not applicable here, 2 no run',
    );
  });
});

describe('findings', () => {
  it('come worst first: lost, wrong, torn, duplicated, read back, the rest', () => {
    const own = [
      { findings: ['other'] },
      { duplicated: 9 },
      { monotonicViolations: 1 },
      { tornRows: 1 },
      { lost: 1 },
      { wrongRows: 1 },
    ];
    const faultOutcomes = own.map((harm, index) =>
      faultOutcome({ scenario: 's', fault: String(index), architecture: 'p', target: '', ...harm }),
    );
    const [table] = faultTables({ ...summary, faultOutcomes });
    expect(faultFindings(table!).map(({ messages }) => messages[0])).toEqual([
      '1 change lost',
      '1 row wrong',
      '1 row torn',
      '9 changes duplicated',
      '1 read went back',
      'other',
    ]);
  });

  it('say where a plane did better than another, whichever it is', () => {
    const sentences = faultContrasts(summary, measured!);
    expect(sentences).toContain(
      'lakehouse (its tables were not offered) survived role-crash + slow-port; lambda did not (1 finding).',
    );
    expect(sentences.some((s) => s.startsWith('In role-crash, warehouse recovered sooner than lakehouse'))).toBe(true);
    expect(sentences.some((s) => s.startsWith('In role-crash, lakehouse recovered sooner than lambda'))).toBe(true);
    const undecided = summary.comparisons.map((c) => ({ ...c, outcome: 'inconclusive' as const }));
    expect(faultContrasts({ ...summary, comparisons: undecided }, measured!).join()).not.toContain('sooner');
  });
});

describe('a clock', () => {
  const text = (own: Parameters<typeof clock>[2], meanUs: number | null = 1_402_000) =>
    clockText(faultOutcome({ ...base, clocks: [clock('mttr', meanUs, own)] }), 'mttr');
  const base = { scenario: 's', fault: 'f', architecture: 'a', target: 't' };

  it('stands above its interval, in one unit', () => {
    expect(text({})).toEqual({ text: '1.40 s', interval: '1.26 to 1.54 s', note: null });
  });
  it('is a bound where it is censored, and has no end that was not seen', () => {
    const interval = { confidenceLevel: 0.95, lowerBoundUs: 1_000_000, upperBoundUs: null };
    expect(text({ atLeast: true, interval, note: 'censored' })).toEqual({
      text: 'at least 1.40 s',
      interval: 'from 1.00 s',
      note: 'censored',
    });
    expect(text({ atLeast: true, interval: null }, 0).text).toBe('censored');
  });
  it('is zero with its reason, none with its reason, and no figure where there is nothing', () => {
    expect(text({ interval: null, note: 'the SLO was not lost' }, 0)).toEqual({
      text: '0 s',
      interval: null,
      note: 'the SLO was not lost',
    });
    expect(text({ note: 'no failure was seen', injections: 0 }, null).text).toBe('none');
    expect(clockText(faultOutcome(base), 'mttr').text).toBe('no figure');
  });
  it('says of how many injections it speaks', () => {
    expect(text({ injections: 3, note: 'why' }).note).toBe('in 3 of 5; why');
  });
});

it('an SLO is lost in so many of those injections in which it could be judged', () => {
  const [lakehouse, warehouse] = struckOutcomes(measured!.rows[0]!);
  expect(sloTexts(lakehouse!).map(({ text }) => text)).toEqual(['0 of 5', '0 of 5', '0 of 5']);
  expect(sloTexts(warehouse!).map(({ name, text }) => `${name} ${text}`)).toEqual([
    'availability 0 of 5',
    'latency not judged',
    'freshness 3 of 5',
  ]);
});

describe('in every format', () => {
  it('JUnit: survived passes, harm fails, what was not seen is an error, what does not apply is skipped', () => {
    const xml = renderJunit(summary, headlineManifest());
    const of = (plane: string, fault: string) =>
      xml.split('\n').find((line) => line.includes(`"faults.${plane}" name="${fault}"`))!;
    expect(of('lakehouse', 'role-crash')).toContain('<system-out>survived; 15 injections in 5 runs; MTTR 0 s');
    expect(of('warehouse', 'role-crash')).toContain('<failure type="defect" message="41 changes lost; 2 rows torn');
    expect(of('lambda', 'online-store-outage')).toContain('<error type="invalid"');
    expect(of('warehouse', 'clock-jump')).toContain('<error type="not injected"');
    expect(of('warehouse', 'online-store-outage')).toContain('<skipped message="not applicable here; warehouse has');
    expect(of('lambda', 'clock-jump')).toBeUndefined();
  });

  it('html: cells say in words what they say in colour, and stack with the name of their plane', () => {
    const page = renderHtml(summary, headlineManifest());
    const cells = page.match(/<table class="faults stack".*?<\/table>/s)![0].match(/<td.*?<\/td>/gs)!;
    expect(cells.length).toBe(12);
    for (const own of cells) {
      expect(own).toMatch(/data-label="(lakehouse|warehouse|lambda)"/);
      expect(own.replace(/<[^>]*>/g, '')).toMatch(/survived|harmed|invalid|not injected|not applicable here|no run/);
    }
  });

  it('html: many faults come first, one comes after the figures, none leaves nothing', () => {
    const order = (of: typeof summary) => {
      const page = renderHtml(of, headlineManifest());
      return [page.indexOf('<h2 id="faults">'), page.indexOf('<h2 id="figures">'), page.indexOf('href="#faults"')];
    };
    const [many, figures] = order(summary);
    expect(many).toBeLessThan(figures!);
    const [one, before] = order(headlineSummary());
    expect(one).toBeGreaterThan(before!);
    const [none, , link] = order({ ...headlineSummary(), faultOutcomes: [] });
    expect([none, link]).toEqual([-1, -1]);
  });

  it('terminal: says how many findings it does not print', () => {
    const faultOutcomes = Array.from({ length: 10 }, (_, index) =>
      faultOutcome({ scenario: 's', fault: `f${index}`, architecture: 'lakehouse', target: 't', lost: 1 }),
    );
    const text = renderTerminal({ ...summary, faultOutcomes }, { width: 80, color: false });
    expect(text).toContain('2 more are in report.html and report.md.');
  });
});
