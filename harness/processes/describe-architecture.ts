/** A process that loads an architecture and says what it is, so that no plug-in code ever runs in the harness itself. */
import { UsageError } from '../errors.js';
import type { Json } from '../json.js';
import type { Ports } from '../ports/ports.js';
import { runChild } from './child.js';
import { descriptionOf, loadArchitecture } from './load-architecture.js';

export interface ArchitectureDescription {
  readonly name: string;
  readonly params: Json;
  readonly uses: readonly (keyof Ports)[];
  readonly roles: readonly { readonly name: string; readonly ingests: boolean; readonly background: boolean }[];
  readonly settlesWithinUs: number | null;
  readonly outside: boolean;
}

export type Described =
  | { readonly outcome: 'described'; readonly description: ArchitectureDescription }
  | { readonly outcome: 'misused'; readonly message: string };

runChild<{ specifier: string; params: Json | undefined }>(async ({ specifier, params }, child) => {
  child.ready(await describe(specifier, params));
});

async function describe(specifier: string, params: Json | undefined): Promise<Described> {
  try {
    return { outcome: 'described', description: descriptionOf(await loadArchitecture(specifier, params)) };
  } catch (error) {
    if (error instanceof UsageError) return { outcome: 'misused', message: error.message };
    throw error;
  }
}
