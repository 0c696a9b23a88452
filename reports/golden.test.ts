/** Whole reports against committed files; `npx vitest run dist/reports -u` writes them anew, and git shows what moved. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { soakSummary } from './fixtures/chaos.js';
import { decidedSummary, headlineManifest, headlineSummary } from './fixtures/headline.js';
import { renderHtml } from './html.js';
import { renderJunit } from './junit.js';
import { renderMarkdown } from './markdown.js';
import { renderTerminal } from './terminal.js';

const golden = (name: string) => fileURLToPath(new URL(`../../reports/golden/${name}`, import.meta.url));

it.each([
  ['headline', headlineSummary],
  ['soak', soakSummary],
])('html: %s: everything but drawings, data, style, scripts, and all but one row of each run', async (name, make) => {
  const page = renderHtml(make(), headlineManifest())
    .replace(/<svg .*?<\/svg>/gs, '<svg/>')
    .replace(/(<(script|style)[^>]*>).*?(<\/\2>)/gs, '$1$3')
    .replace(/(\n<tr><th scope="row">[\d.]+(?: (?:µs|ms|s))?<\/th>[^\n]*)+/g, '$1')
    .replace(/sha256-[A-Za-z0-9+/=]+/g, 'sha256-');
  await expect(page).toMatchFileSnapshot(golden(`${name}.html`));
});

it('markdown', async () => {
  await expect(renderMarkdown(headlineSummary(), headlineManifest())).toMatchFileSnapshot(golden('headline.md'));
  await expect(renderMarkdown(decidedSummary(), headlineManifest())).toMatchFileSnapshot(golden('decided.md'));
  await expect(renderMarkdown(soakSummary(), headlineManifest())).toMatchFileSnapshot(golden('soak.md'));
});

it('junit', async () => {
  await expect(renderJunit(decidedSummary(), headlineManifest())).toMatchFileSnapshot(golden('decided.junit.xml'));
  await expect(renderJunit(soakSummary(), headlineManifest())).toMatchFileSnapshot(golden('soak.junit.xml'));
});

it.each([
  ['wide, in colour', 120, true],
  ['80 columns', 80, false],
  ['narrow', 44, false],
])('terminal: %s', async (_, width, color) => {
  await expect(renderTerminal(decidedSummary(), { width, color })).toMatchFileSnapshot(golden(`decided.${width}.txt`));
});

it.each([100, 44])('terminal: faults and a soak, %s columns', async (width) => {
  const text = renderTerminal(soakSummary(), { width, color: false });
  await expect(text).toMatchFileSnapshot(golden(`soak.${width}.txt`));
});

it('is a function of its arguments', () => {
  const render = () => renderHtml(headlineSummary(), headlineManifest());
  expect(render()).toBe(render());
});
