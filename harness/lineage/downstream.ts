/** Lineage, walked forward: what has to be looked at when an input turns out to be wrong. */
import type { Dataset, EventDataset, namespaces, OpenLineageEvent } from './event.js';

/** What was made of `source`, of what was made of that, and so on; what comes first is made of nothing that comes later. */
export function downstreamOf(events: readonly OpenLineageEvent[], source: Dataset): EventDataset[] {
  const reached = new Map<string, EventDataset>();
  const isReached = (dataset: Dataset) => keyOf(dataset) === keyOf(source) || reached.has(keyOf(dataset));
  for (let before = -1; before < reached.size; ) {
    before = reached.size;
    // In rounds: of what a round reaches nothing is an input of the same round.
    const next = events.filter(({ inputs }) => inputs.some(isReached)).flatMap(({ outputs }) => outputs);
    for (const output of next) if (!isReached(output)) reached.set(keyOf(output), output);
  }
  return Array.from(reached.values());
}

/** The version of an input of the run, as the run said it; null: it did not. */
export function inputVersion(
  events: readonly OpenLineageEvent[],
  runId: string | null,
  namespace: (typeof namespaces)[keyof typeof namespaces],
): number | null {
  const inputs = events.flatMap(({ run, inputs: all }) => (run.runId === runId ? all : []));
  const version = inputs.find((input) => input.namespace === namespace)?.facets.version?.datasetVersion;
  return version === undefined ? null : Number(version);
}

const keyOf = ({ namespace, name }: Dataset) => `${namespace}/${name}`;
