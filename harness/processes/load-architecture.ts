/** Loads an architecture module by its specifier: a built-in name, or the path of a JavaScript or TypeScript file. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Architecture, ArchitectureFactory } from '../architecture.js';
import { UsageError } from '../errors.js';
import type { Json } from '../json.js';

export const builtIn = ['lakehouse', 'warehouse', 'lambda', 'null'] as const;

export function isPath(specifier: string): boolean {
  return /[./\\]/.test(specifier);
}

export async function loadArchitecture(specifier: string, params: Json | undefined): Promise<Architecture> {
  const exported = (await importModule(specifier)).default;
  // A TypeScript file outside a package of ES modules is compiled to CommonJS: its default export sits one level deeper.
  const factory = (exported as { default?: unknown } | undefined)?.default ?? exported;
  if (typeof factory !== 'function') {
    throw new UsageError(`${specifier}: expected a default export (params) => Architecture, found ${typeof factory}`);
  }
  const architecture = (factory as ArchitectureFactory)(params);
  if (!architecture?.name || !Array.isArray(architecture.roles) || architecture.roles.length === 0) {
    throw new UsageError(`${specifier}: the factory must return { name, params, uses, roles } with at least one role`);
  }
  return architecture;
}

async function importModule(specifier: string): Promise<{ default?: unknown }> {
  if (!isPath(specifier)) return import(new URL(`../../architectures/${specifier}/index.js`, import.meta.url).href);
  const path = resolve(specifier);
  if (!existsSync(path)) throw new UsageError(`architecture ${specifier}: there is no file ${path}`);
  const url = pathToFileURL(path).href;
  if (!/\.[cm]?ts$/.test(path)) return import(url);
  // Node 20 cannot strip types itself.
  const { tsImport } = await import('tsx/esm/api');
  return tsImport(url, import.meta.url);
}
