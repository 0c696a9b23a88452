/** Whole reports against committed files; `npx vitest run dist/reports -u` writes them anew, and git shows what moved. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { decidedSummary, headlineManifest, headlineSummary } from './fixtures/headline.js';
import { renderHtml } from './html.js';
import { renderJunit } from './junit.js';
import { renderMarkdown } from './markdown.js';
import { renderTerminal } from './terminal.js';

const golden = (name: string) => fileURLToPath(new URL(`../../reports/golden/${name}`, import.meta.url));

it('html: everything but drawings, data, style, scripts, and all but one row of each run', async () => {
  const page = renderHtml(headlineSummary(), headlineManifest())
    .replace(/<svg .*?<\/svg>/gs, '<svg/>')
    .replace(/(<(script|style)[^>]*>).*?(<\/\2>)/gs, '$1$3')
    .replace(/(\n<tr><th scope="row">[\d.]+ (?:µs|ms|s)<\/th>[^\n]*)+/g, '$1')
    .replace(/sha256-[A-Za-z0-9+/=]+/g, 'sha256-');
  await expect(page).toMatchFileSnapshot(golden('headline.html'));
});

it('markdown', async () => {
  await expect(renderMarkdown(headlineSummary(), headlineManifest())).toMatchFileSnapshot(golden('headline.md'));
  await expect(renderMarkdown(decidedSummary(), headlineManifest())).toMatchFileSnapshot(golden('decided.md'));
});

it('junit', async () => {
  await expect(renderJunit(decidedSummary(), headlineManifest())).toMatchFileSnapshot(golden('decided.junit.xml'));
});

it.each([
  ['wide, in colour', 120, true],
  ['80 columns', 80, false],
  ['narrow', 44, false],
])('terminal: %s', async (_, width, color) => {
  await expect(renderTerminal(decidedSummary(), { width, color })).toMatchFileSnapshot(golden(`decided.${width}.txt`));
});

it('is a function of its arguments', () => {
  const render = () => renderHtml(headlineSummary(), headlineManifest());
  expect(render()).toBe(render());
});
