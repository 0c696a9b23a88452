import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { soakSummary } from './fixtures/chaos.js';
import { decidedSummary, headlineManifest, headlineSummary } from './fixtures/headline.js';
import { renderHtml } from './html.js';
import type { Summary } from './summary.js';

let page: string;
beforeAll(() => {
  page = renderHtml(headlineSummary(), headlineManifest());
});

describe('the file', () => {
  it('is smaller than 2 MB with Vega in it', () => {
    expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
  });

  it('asks for nothing from outside', () => {
    const own = page.replace(/<script.*?<\/script>/gs, '');
    expect(/<[^>]*\s(?:src|srcset|poster|action|data|background)\s*=/.exec(own)).toBeNull();
    expect(/@import|url\((?!#)/.exec(own)).toBeNull();
    expect([...own.matchAll(/href="([^"]*)"/g)].every(([, target]) => target!.startsWith('#'))).toBe(true);
  });

  it('allows by its policy exactly the style and the scripts that it holds', () => {
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!;
    const hash = (content: string) => `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
    const contents = (pattern: RegExp) => hash(pattern.exec(page)![1]!);
    const style = contents(/<style>(.*?)<\/style>/s);
    const script = contents(/<script>(.*?)<\/script>/s);
    const runtime = contents(/<script type="text\/plain" id="vega-runtime">(.*?)<\/script>/s);
    expect(policy).toBe(
      `default-src 'none'; style-src ${style}; script-src ${script} ${runtime}; base-uri 'none'; form-action 'none'`,
    );
    expect(/<[^>]*\s(?:style|on[a-z]+)=/.exec(page.replace(/<script.*?<\/script>/gs, ''))).toBeNull();
  });

  it('links only to places that it has, and has no id twice', () => {
    const own = page.replace(/(<script[^>]*>).*?<\/script>/gs, '$1');
    const ids = [...own.matchAll(/<[^>]* id="([^"]*)"/g)].map(([, id]) => id!);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of own.matchAll(/(?:href="#|url\(#|aria-labelledby=")([^")]*)/g))
      expect(ids).toContain(target);
  });

  it('has a script that parses', () => {
    const script = /<script>(.*?)<\/script>/s.exec(page)![1]!;
    expect(() => new Function(script)).not.toThrow();
  });
});

describe('what is said', () => {
  it('gives each chart a text alternative and its numbers in a table', () => {
    const figures = page.match(/<figure>.*?<\/figure>/gs)!;
    expect(figures.length).toBe(2 + 15 + 3);
    for (const figure of figures) {
      expect(figure).toMatch(/role="img" aria-label="[^"]{20,}"/);
      expect(figure).toMatch(/<table[^>]*>\s*<caption>/);
      expect(figure).toMatch(/<figcaption>/);
    }
  });

  it('marks the best only where comparisons support it', () => {
    expect(page).not.toContain('class="best"');
    expect(renderHtml(decidedSummary(), headlineManifest())).toContain('<span class="best">best</span>1.52 ms');
  });

  it('says so when a run is invalid', () => {
    expect(page.includes('<strong>Not every run is valid.</strong> 14 of 15 runs count; 1 is invalid')).toBe(true);
    const summary = { ...headlineSummary(), validity: { valid: true, findings: [] } };
    expect(renderHtml(summary, headlineManifest()).includes('Not every run is valid.')).toBe(false);
  });

  it('tells an invalid run from one that is incomplete and counts', () => {
    const findings = page.match(/<h2 id="validity">.*?(<ul class="findings">.*?<\/ul>)/s)![1];
    expect(findings).toMatch(
      /invalid<\/span> <strong>crash-of-ingest-warehouse-3<.*The run is left out of every figure/s,
    );
    expect(findings).toMatch(/incomplete<\/span> <strong>crash-of-ingest-lambda-2<.*The run counts/s);
  });

  it('stands when there is nothing to say', () => {
    const summary = headlineSummary();
    const empty: Summary = {
      ...summary,
      run: { ...summary.run, scenarios: [], architectures: [] },
      validity: { valid: false, findings: [] },
      estimates: [],
      comparisons: [],
      claims: [],
      series: [],
      faultOutcomes: [],
      verdict: { outcome: 'inconclusive', sentences: [] },
    };
    const text = renderHtml(empty, headlineManifest());
    for (const sentence of [
      'The summary gives no reason.',
      'No planes were compared.',
      'The summary holds no runs.',
      'No valid run left a distribution.',
    ]) {
      expect(text).toContain(sentence);
    }
  });

  it('is about the soak alone where a soak kept no figures', () => {
    const { soak, ...summary } = soakSummary();
    const text = renderHtml({ ...summary, soak, series: [], faultOutcomes: [], comparisons: [] }, headlineManifest());
    expect([...text.matchAll(/<h2 id="([a-z]+)"/g)].map(([, id]) => id)).toEqual([
      'verdict',
      'soak',
      'environment',
      'reproduce',
      'reading',
    ]);
    expect(text).toContain('href="#soak">Skip');
    const figures = text.match(/<figure>.*?<\/figure>/gs)!;
    expect(figures.length).toBe(4);
    for (const figure of figures.slice(0, 3)) expect(figure).toMatch(/role="img" aria-label="[^"]{20,}"/);
    expect(figures[3]).toContain('not known, no run read it');
  });

  it('draws no line beyond a figure that is too thin or censored to print', () => {
    const charts = JSON.parse(/id="charts">(.*?)<\/script>/s.exec(page)![1]!).charts as {
      kind: string;
      data: { curves: { columns: { plane: string[]; p: number[] } } };
    }[];
    const highest = (kind: string, wanted: string) => {
      const { plane, p } = charts.find((chart) => chart.kind === kind)!.data.curves.columns;
      return Math.max(...p.filter((_, row) => plane[row] === wanted));
    };
    expect(highest('percentiles', 'lambda')).toBeLessThan(0.99);
    expect(highest('percentiles', 'lakehouse')).toBe(0.999);
    expect(highest('visibility', 'warehouse')).toBeLessThan(0.95);
  });
});
