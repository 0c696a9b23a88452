import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
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
      expect(figure).toMatch(/<table>.*<caption>/s);
      expect(figure).toMatch(/<figcaption>/);
    }
  });

  it('marks the best only where comparisons support it', () => {
    expect(page).not.toContain('class="best"');
    expect(renderHtml(decidedSummary(), headlineManifest())).toContain('<span class="best">best</span>1.52 ms');
  });

  it('says so when the suite is invalid or was interrupted', () => {
    const summary = headlineSummary();
    const invalid: Summary = { ...summary, validity: { ...summary.validity, valid: false } };
    expect(renderHtml(invalid, headlineManifest())).toContain('The suite is not valid.');
    expect(renderHtml(summary, { ...headlineManifest(), interrupted: true })).toContain('The suite was interrupted.');
    expect(page).not.toContain('The suite was interrupted.');
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

  it('draws no line beyond a figure that is too thin or censored to print', () => {
    const charts = JSON.parse(/id="charts">(.*?)<\/script>/s.exec(page)![1]!).charts as {
      kind: string;
      data: { curves: { plane: string; p: number }[] };
    }[];
    const highest = (kind: string, plane: string) =>
      Math.max(
        ...charts
          .find((chart) => chart.kind === kind)!
          .data.curves.filter((row) => row.plane === plane)
          .map(({ p }) => p),
      );
    expect(highest('percentiles', 'lambda')).toBeLessThan(0.99);
    expect(highest('percentiles', 'lakehouse')).toBe(0.999);
    expect(highest('visibility', 'warehouse')).toBeLessThan(0.95);
  });
});
