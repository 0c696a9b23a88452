/**
 * Loads an architecture module by its specifier: a built-in name, the path of a JavaScript or TypeScript file, or the
 * address of a system that answers over HTTP.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Architecture, ArchitectureFactory, Priority } from '../architecture.js';
import { UsageError } from '../errors.js';
import type { Json } from '../json.js';
import { portNames } from '../ports/ports.js';
import type { ArchitectureDescription } from './describe-architecture.js';

export const builtIn = ['lakehouse', 'warehouse', 'lambda', 'null', 'http'] as const;

export function isUrl(specifier: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(specifier);
}

export function isPath(specifier: string): boolean {
  return /[./\\]/.test(specifier) && !isUrl(specifier);
}

export async function loadArchitecture(specifier: string, params: Json | undefined): Promise<Architecture> {
  if (isUrl(specifier)) return loadArchitecture('http', { ...(params as Record<string, Json>), url: specifier });
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
  const wrong = whatIsWrong(architecture);
  if (wrong !== null) throw new UsageError(`${specifier}: ${wrong}`);
  return architecture;
}

/** What of an architecture is plain data. */
export function descriptionOf(architecture: Architecture): ArchitectureDescription {
  const { name, params, uses, roles, settlesWithinUs, outside = false } = architecture;
  return {
    name,
    params,
    uses,
    roles: roles.map(({ name: role, ingests = false, priority = 'normal' }) => ({ name: role, ingests, priority })),
    settlesWithinUs: settlesWithinUs ?? null,
    outside,
  };
}

/** What would only fail later, in another process or when results are written; null: nothing. */
function whatIsWrong({ name, params, uses, roles, settlesWithinUs, outside }: Architecture): string | null {
  if (typeof name !== 'string') return `name must be a text, found ${typeof name}`;
  const stranger = findNoJson(params, 'params');
  if (stranger !== null) return `${stranger}: parameters are printed in reports and must be JSON`;
  if (!Array.isArray(uses)) return `uses must be a list of ${portNames.join(', ')}; found ${typeof uses}`;
  const unknown = uses.find((port) => !portNames.includes(port));
  if (unknown !== undefined) return `uses names the port "${unknown}"; there are ${portNames.join(', ')}`;
  for (const role of roles) {
    if (typeof role?.name !== 'string' || typeof role.run !== 'function')
      return 'every role must be { name, run(context) }, name a text and run a function';
    if (reservedNames.includes(role.name))
      return `a role cannot be named ${role.name}: the harness has a process so named`;
    if (roles.filter((other) => other?.name === role.name).length > 1) return `two roles are named ${role.name}`;
    if (role.priority !== undefined && !priorities.includes(role.priority))
      return `role ${role.name} has the priority "${role.priority}"; there are ${priorities.join(', ')}`;
    if (role.priority === 'high' && role.ingests)
      return `role ${role.name} takes changes in and has the priority "high", which is for roles that only answer: before the change log and the rest of the plane it would go, too. Leave the priority away, or answer in a role of its own`;
  }
  if (settlesWithinUs !== undefined && !(Number.isFinite(settlesWithinUs) && settlesWithinUs >= 0))
    return `settlesWithinUs must be a number of microseconds, found ${settlesWithinUs}`;
  if (outside !== undefined && typeof outside !== 'boolean') return `outside must be true or false, found ${outside}`;
  return null;
}

const priorities: readonly string[] = ['high', 'normal', 'low'] satisfies Priority[];
const reservedNames: readonly string[] = [
  ...['emitter', 'reader', 'online-store', 'tables', 'warehouse'],
  ...['change-log', 'change-log-1', 'change-log-2', 'change-log-3'],
];

/** Where a value is not plain data, and what it is there. */
function findNoJson(value: unknown, path: string): string | null {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${path} is ${value}`;
  if (typeof value !== 'object') return `${path} is a ${typeof value}`;
  if (!Array.isArray(value) && ![Object.prototype, null].includes(Object.getPrototypeOf(value)))
    return `${path} is a ${value.constructor?.name ?? 'class'}`;
  for (const [name, entry] of Object.entries(value)) {
    const found = findNoJson(entry, `${path}.${name}`);
    if (found !== null) return found;
  }
  return null;
}

async function importModule(specifier: string): Promise<{ default?: unknown }> {
  if (!isPath(specifier)) return import(new URL(`../../architectures/${specifier}/index.js`, import.meta.url).href);
  const path = resolve(specifier);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(`architecture ${specifier}: there is no file ${path}`);
  const url = pathToFileURL(path).href;
  if (!/\.[cm]?ts$/.test(path)) return import(url);
  // Node 20 cannot strip types itself.
  const { tsImport } = await import('tsx/esm/api');
  return tsImport(url, import.meta.url);
}
