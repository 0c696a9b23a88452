/** How the planes of a run and their parameters are named on a command line. */
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../errors.js';
import type { Json } from '../json.js';
import { nearest } from '../nearest.js';
import { addressForm, isPlainAddress } from '../params.js';
import { builtIn, isPath, isUrl } from '../processes/load-architecture.js';
import { type ExternalServers, readServers } from '../stacks/external-settings.js';
import { type StackName, stackNames } from '../stacks/stack.js';
import { armOf, type Suite } from '../suite.js';

export interface Param {
  readonly architecture: string;
  readonly name: string;
  readonly value: Json;
}

export function stackNamed(text: string): StackName {
  const stack = stackNames.find((name) => name === text);
  if (stack) return stack;
  throw new UsageError(
    `there is no stack "${text}"; did you mean "${nearest(text, stackNames)}"? Stacks: ${stackNames.join(', ')}`,
  );
}

/** Of `--servers`, which is for one stack only. */
export async function serversNamed(
  file: string | undefined,
  stacks: readonly string[],
): Promise<ExternalServers | undefined> {
  if (file === undefined) return undefined;
  if (stacks.includes('external')) return readServers(resolve(file));
  throw new UsageError(
    '--servers says where the servers of the stack external are: name that, too, by --stack external',
  );
}

export function withParams(named: Suite['arms'], params: readonly Param[]): Suite['arms'] {
  const stray = params.find(({ architecture }) => !named.some((arm) => arm.architecture === architecture));
  if (stray) {
    const names = named.map(({ architecture }) => architecture);
    throw new UsageError(
      `--param ${stray.architecture}.${stray.name}: no plane of this run is named ${stray.architecture}; did you mean ${nearest(stray.architecture, names)}?`,
    );
  }
  return named.map((arm) => {
    const own = params.filter(({ architecture }) => architecture === arm.architecture);
    const given = Object.fromEntries(own.map(({ name, value }) => [name, value]));
    return own.length === 0 ? arm : { ...arm, params: { ...(arm.params as Record<string, Json> | null), ...given } };
  });
}

export function parseArchitecture(specifier: string): Suite['arms'][number] {
  if (isUrl(specifier)) {
    if (!isPlainAddress(specifier)) throw new UsageError(`a system is named by ${addressForm}; what was given is none`);
    return armOf(specifier);
  }
  if (isPath(specifier)) return armOf(resolve(specifier));
  if (builtIn.some((name) => name === specifier)) return armOf(specifier);
  throw new UsageError(
    `there is no plane "${specifier}"; did you mean "${nearest(specifier, builtIn)}"? Planes: ${builtIn.join(', ')}; a module of yours is named by its path, e.g. ./${specifier}.ts, a system by its address, e.g. http://127.0.0.1:8080`,
  );
}

export function parseParam(text: string): Param {
  const [, architecture, name, value] = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(text) ?? [];
  if (architecture === undefined || name === undefined || value === undefined) {
    throw new InvalidArgumentError(`expected plane.name=value, e.g. lakehouse.cacheTtlUs=250000, found ${text}`);
  }
  try {
    return { architecture, name, value: JSON.parse(value) as Json };
  } catch {
    throw new InvalidArgumentError(`the value of ${architecture}.${name} is no JSON: ${value}`);
  }
}

/** Of a flag that may be repeated. */
export const collect =
  <T>(parse: (text: string) => T) =>
  (text: string, before: readonly T[]) => [...before, parse(text)];
