/** Text from outside stays text, whatever it is and wherever in a summary or manifest it stands. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { soakSummary } from './fixtures/chaos.js';
import { decidedSummary, headlineManifest, headlineSummary, hostile } from './fixtures/headline.js';
import { renderHtml } from './html.js';
import { renderJunit } from './junit.js';
import { renderMarkdown } from './markdown.js';
import type { Manifest, Summary } from './summary.js';
import { renderTerminal } from './terminal.js';

/** A summary of few runs, so that many can be rendered. */
function small(): Summary {
  const summary = decidedSummary();
  const series = summary.series.slice(0, 3).map((run) => ({ ...run, timeline: run.timeline.slice(30, 34) }));
  const { faultOutcomes, soak, series: struck, comparisons } = soakSummary();
  return {
    ...summary,
    estimates: summary.estimates.slice(-27),
    comparisons: [...summary.comparisons.slice(0, 2), ...comparisons],
    series: [...series, ...struck.map((run) => ({ ...run, timeline: run.timeline.slice(0, 2) }))],
    faultOutcomes,
    soak: {
      ...soak!,
      resources: soak!.resources.map((resource) => ({ ...resource, points: resource.points.slice(0, 3) })),
    },
  };
}

/** Every string of a value replaced, but those that the schema fixes; equal strings stay equal, so that names still join. */
function poisoned<T>(value: T, poison: (text: string) => string): T {
  const fixed =
    /^(measured|simulated|lower|higher|neither|ok|insufficient|censored|not_offered|not_measured|invalid|better|worse|equivalent|inconclusive|confirmed|refuted|not measured|pass|fail|us|per_s|changes|changes_per_s|rows|share|count|bytes|cores|times|files_per_million_rows|us_per_tb|usd|availability|latency|freshness|first_failure|first_success|slo_regained|back_in_band|backlog_drained|mttr|faults\.mttr|memory|descriptors|processes|disk|levels off|grows|undecided|planebench\..*|inference|freshness\.visibility|p\d+)$/;
  const visit = (part: unknown): unknown => {
    if (typeof part === 'string') return fixed.test(part) ? part : poison(part);
    if (Array.isArray(part)) return part.map(visit);
    if (part === null || typeof part !== 'object') return part;
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, visit(inner)]));
  };
  return visit(value) as T;
}

const payloads = fc.oneof(
  fc.constantFrom(...Object.values(hostile)),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '<script>alert(1)</script>',
    '<!--',
    ']]>',
    '&#60;script&#62;',
    "' onload='x",
    '"><svg onload=x>',
    '\u2028',
    '`',
    '--><x>',
    '</title><x>',
    '</text><x>',
    '</style>',
  ),
);

function rendered(render: (summary: Summary, manifest: Manifest) => void, runs: number) {
  fc.assert(
    fc.property(payloads, fc.boolean(), (payload, before) => {
      const poison = (text: string) => (before ? payload + text : text + payload);
      render(poisoned(small(), poison), poisoned(headlineManifest(), poison));
    }),
    { numRuns: runs },
  );
}

const tags = new Set(
  'html head meta title style body a header h1 h2 h3 h4 p section ul ol li nav main footer table caption thead tbody tr th td span b q strong dl dt dd details summary pre code div figure figcaption button script svg g path line text rect defs clippath'.split(
    ' ',
  ),
);
const attributes = new Set(
  'lang charset http-equiv content name class href id aria-label aria-labelledby aria-hidden role scope colspan rowspan tabindex data-label data-chart type hidden open viewbox focusable width height transform fill stroke stroke-width stroke-dasharray stroke-miterlimit stroke-linecap stroke-opacity fill-opacity opacity d x y x1 x2 y1 y2 text-anchor font-size font-weight clip-path'.split(
    ' ',
  ),
);

/** Reads a page as a browser's tokenizer does in its data state; throws at anything that this program does not write. */
function expectOwnMarkup(page: string): void {
  const rest = page.replace(/^<!DOCTYPE html>/, '').replace(/<(script|style)([^>]*)>.*?<\/\1>/gs, '<$1$2></$1>');
  const outside = rest.replace(
    /<\/?([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z0-9-]+(?:="[^"<>]*")?)*)\s*\/?>/g,
    (_, name: string, list: string) => {
      expect(tags).toContain(name.toLowerCase());
      for (const [, attribute] of list.matchAll(/\s+([a-zA-Z0-9-]+)(?:="[^"]*")?/g))
        expect(attributes).toContain(attribute!.toLowerCase());
      return '';
    },
  );
  expect(/.{0,80}[<>].{0,80}/s.exec(outside)?.[0]).toBeUndefined();
}

describe('html', () => {
  it('holds no markup but its own', () => {
    rendered((summary, manifest) => expectOwnMarkup(renderHtml(summary, manifest)), 15);
  });

  it('holds three scripts, none of them with text from outside but the data', () => {
    const marker = 'zq<zz>"\'&';
    const page = renderHtml(
      poisoned(small(), (text) => text + marker),
      headlineManifest(),
    );
    const scripts = [...page.matchAll(/<script([^>]*)>(.*?)<\/script>/gs)];
    expect(scripts.map(([, list]) => list)).toEqual([
      ' type="application/json" id="charts"',
      ' type="text/plain" id="vega-runtime"',
      '',
    ]);
    expect(scripts[0]![2]!.includes('zq')).toBe(true);
    expect(JSON.parse(scripts[0]![2]!).charts.length).toBeGreaterThan(0);
    expect(scripts[1]![2]!.includes('zq')).toBe(false);
    expect(scripts[2]![2]!.includes('zq')).toBe(false);
    expect(page.includes('<zz>')).toBe(false);
  });

  it('keeps the tokenizer above honest', () => {
    expect(() => expectOwnMarkup('<p>a</p><img src=x onerror=alert(1)>')).toThrow();
    expect(() => expectOwnMarkup('<p onclick="x">a</p>')).toThrow();
    expect(() => expectOwnMarkup('<p class="a"x">a</p>')).toThrow();
  });
});

it('junit: holds no markup but its own, and no character that is not XML', () => {
  rendered((summary, manifest) => {
    const xml = renderJunit(summary, manifest).replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
    const element =
      /<\/?(testsuites|testsuite|testcase|system-out|failure|error|skipped)((?: (?:name|classname|tests|failures|errors|skipped|timestamp|type|message)="[^"<>]*")*)\/?>/g;
    expect(xml.replace(element, '')).not.toMatch(/[<>]/);
    expect(xml.replace(/&#\d+;/g, '')).not.toContain('&');
    expect(xml).not.toMatch(/[^\t\n\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u);
  }, 200);
});

it('markdown: holds no HTML, and every row of a table has the cells of its head', () => {
  rendered((summary, manifest) => {
    const markdown = renderMarkdown(summary, manifest);
    const prose = markdown.slice(0, markdown.indexOf('\n## Run it again'));
    expect(
      prose.replace(
        /^<details><summary>(?:\d+ more (?:figures|comparisons)|Prices, and how use is counted|Recovery after each fault)<\/summary>$|^<\/details>$/gm,
        '',
      ),
    ).not.toMatch(/[<>]/);
    let cells = 0;
    for (const line of prose.split('\n')) {
      if (!line.startsWith('| ')) cells = 0;
      else {
        const own = line.split(/(?<!\\)(?:\\\\)*\|/).length;
        expect(cells === 0 || cells === own).toBe(true);
        cells = own;
      }
    }
  }, 200);
});

it('terminal: writes no escape sequence but its own colours, and no line wider than asked', () => {
  rendered((summary) => {
    for (const width of [40, 80]) {
      const text = renderTerminal(summary, { width, color: false });
      expect(text).not.toMatch(/[^\P{Cc}\n]/u);
      for (const line of text.split('\n')) expect([...line].length).toBeLessThanOrEqual(width);
    }
    const painted = renderTerminal(summary, { width: 80, color: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
    expect(painted.replace(/\u001b\[(?:0|1|2|31|32|33)m/g, '')).not.toMatch(/[^\P{Cc}\n]/u);
  }, 100);
});

it('every payload of the fixture is in the fixture', () => {
  const source = JSON.stringify([headlineSummary(), headlineManifest()]);
  for (const payload of Object.values(hostile)) expect(source).toContain(JSON.stringify(payload).slice(1, -1));
});
