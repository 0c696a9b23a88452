/** A process that loads an architecture and says what it is, so that no plug-in code ever runs in the harness itself. */
import type { Priority } from '../architecture.js';
import type { Json } from '../json.js';
import type { Ports } from '../ports/ports.js';
import { answerOnce } from './child.js';
import { descriptionOf, loadArchitecture } from './load-architecture.js';

export interface ArchitectureDescription {
  readonly name: string;
  readonly params: Json;
  readonly uses: readonly (keyof Ports)[];
  readonly roles: readonly { readonly name: string; readonly ingests: boolean; readonly priority: Priority }[];
  readonly settlesWithinUs: number | null;
  readonly outside: boolean;
}

answerOnce(async ({ specifier, params }: { specifier: string; params: Json | undefined }) =>
  descriptionOf(await loadArchitecture(specifier, params)),
);
