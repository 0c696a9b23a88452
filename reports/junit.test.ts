import { describe, expect, it } from 'vitest';
import { headlineManifest, headlineSummary } from './fixtures/headline.js';
import { renderJunit } from './junit.js';
import type { Summary } from './summary.js';

const render = (summary: Summary) => renderJunit(summary, headlineManifest());
const caseOf = (xml: string, plane: string, name: string) =>
  xml.split('\n').find((line) => line.includes(`.${plane}" name="${name}`))!;

describe('a figure', () => {
  const xml = render(headlineSummary());

  it('fails if it is a defect and not zero', () => {
    expect(caseOf(xml, 'warehouse', 'ledger.lost total')).toContain(
      '<failure type="defect" message="expected 0, found 41 changes',
    );
    expect(caseOf(xml, 'lakehouse', 'ledger.lost total')).toContain('<system-out>0 changes');
    expect(caseOf(xml, 'lambda', 'ledger.live_wrong share')).not.toContain('failure');
  });

  it('does not fail for what the plane has corrected by itself', () => {
    expect(caseOf(xml, 'lambda', 'ledger.wrong_rows total')).toContain('<system-out>12 rows');
    const summary = headlineSummary();
    const estimates = summary.estimates.filter(({ metric }) => metric !== 'ledger.settled_wrong_rows');
    expect(caseOf(render({ ...summary, estimates }), 'lambda', 'ledger.wrong_rows total')).toContain('<failure');
  });

  it('is skipped with its reason where it is missing, and never passed', () => {
    expect(caseOf(xml, 'lambda', 'inference p99')).toContain('<skipped message="insufficient: about 240');
    expect(caseOf(xml, 'warehouse', 'freshness.visibility p95')).toContain(
      '<skipped message="censored: right-censored: at least 5.0 s"',
    );
    expect(caseOf(xml, 'warehouse', 'serving.cache_hit_ratio share')).toContain('<skipped message="not offered"');
  });
});

describe('a run', () => {
  const xml = render(headlineSummary());
  it('is an error if it is invalid or incomplete', () => {
    expect(caseOf(xml, 'warehouse', 'crash-of-ingest-warehouse-3')).toContain('<error type="INVALID_INJECTION"');
    expect(caseOf(xml, 'lambda', 'crash-of-ingest-lambda-2')).toContain('<error type="NO_USAGE"');
    expect(caseOf(xml, 'lambda', 'crash-of-ingest-lambda-1')).toContain('<system-out>valid and complete');
  });
  it('is there even if only a finding knows it', () => {
    expect(caseOf(render({ ...headlineSummary(), series: [] }), 'warehouse', 'crash-of-ingest-warehouse-3')).toContain(
      '<error',
    );
  });
});

it.each([
  ['pass', '<system-out>'],
  ['fail', '<failure type="fail"'],
  ['inconclusive', '<error type="inconclusive"'],
] as const)('the verdict %s', (outcome, element) => {
  const summary = headlineSummary();
  expect(render({ ...summary, verdict: { ...summary.verdict, outcome } })).toContain(
    `<testcase classname="verdict" name="verdict">${element}`,
  );
});

it('counts what it holds', () => {
  const xml = render(headlineSummary());
  const counts = (attribute: string) =>
    [...xml.matchAll(new RegExp(` ${attribute}="(\\d+)"`, 'g'))].map(([, n]) => Number(n));
  for (const [attribute, element] of [
    ['tests', 'testcase'],
    ['failures', 'failure'],
    ['errors', 'error'],
    ['skipped', 'skipped'],
  ] as const) {
    const [all, ...suites] = counts(attribute);
    expect(all).toBe([...xml.matchAll(new RegExp(`<${element} `, 'g'))].length);
    expect(suites.reduce((sum, n) => sum + n, 0)).toBe(all);
  }
});
