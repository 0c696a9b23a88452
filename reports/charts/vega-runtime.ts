/** The source of Vega for the page, with its licence: a constant of the installed package, read when first needed. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

let source: string | undefined;

export function vegaRuntime(): string {
  source ??= read();
  return source;
}

function read(): string {
  const build = dirname(createRequire(import.meta.url).resolve('vega'));
  const script = readFileSync(join(build, 'vega.min.js'), 'utf8').replace(/\r\n?/g, '\n');
  const licence = readFileSync(join(build, '..', 'LICENSE'), 'utf8')
    .replace(/\r\n?/g, '\n')
    .trim();
  if (/<\/script|<!--|\*\//i.test(script + licence)) {
    throw new Error(
      `${build}/vega.min.js cannot stand inside a <script>: it contains "</script", "<!--" or "*/". Pin the version of vega that package-lock.json names.`,
    );
  }
  return `/*! Vega, https://vega.github.io\n${licence}\n*/\n${script}`;
}
