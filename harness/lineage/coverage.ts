/**
 * Of what is in storage, how much is accounted for. The harness finds the assets itself, through the ports; the events
 * of the plane are only asked what they say of each.
 */
import type { PortName, Ports } from '../ports/ports.js';
import type { TableStore } from '../ports/table-store/port.js';
import type { LineageFacts } from '../record/facts.js';
import { type EventDataset, namespaces, type OpenLineageEvent } from './event.js';
import { lineageTable } from './journal.js';
import type { Build } from './origin.js';

/** A table that is there, and has rows where its storage tells. */
export interface Asset {
  readonly namespace: string;
  readonly name: string;
  /** Per data file of what is live or pinned, the run that wrote it; null: the file names none. Storage without files has none. */
  readonly files: readonly (string | null)[];
}

/** Every table of the ports that the plane uses, but for the one that holds its events. */
export async function findAssets(ports: Ports, uses: readonly PortName[]): Promise<Asset[]> {
  const assets: Asset[] = [];
  const add = (namespace: string, name: string, files: Asset['files'] = []) => {
    if (name !== lineageTable) assets.push({ namespace, name, files });
  };
  if (uses.includes('tables'))
    for (const name of await ports.tables.tables()) {
      const runs = await runsOf(ports.tables, name);
      if (runs.length > 0) add(namespaces.tables, name, runs);
    }
  if (uses.includes('onlineStore'))
    for (const name of await ports.onlineStore.tables()) add(namespaces.onlineStore, name);
  if (uses.includes('warehouse')) for (const name of await ports.warehouse.tables()) add(namespaces.warehouse, name);
  return assets;
}

/** Of each file that a reader may ask for: it is in the newest version, or in one that is pinned. */
async function runsOf(tables: TableStore, name: string): Promise<(string | null)[]> {
  const pinned = new Set((await tables.pins(name)).values());
  const snapshots = [await tables.snapshot(name)];
  for (const version of pinned) snapshots.push(await tables.snapshot(name, version));
  const files = new Map(snapshots.flatMap((snapshot) => snapshot.files.map(({ path, run }) => [path, run] as const)));
  return Array.from(files.values());
}

/** What the harness itself knows of the processes that wrote. */
export interface Expected {
  readonly build: Build;
  readonly configurationSha256: string;
}

const keptGaps = 20;
/** What no plane writes: where its data comes from. */
const sources: readonly string[] = [namespaces.changeLog, namespaces.files, namespaces.views, namespaces.models];

export function coverAssets(
  assets: readonly Asset[],
  events: readonly OpenLineageEvent[],
  expected: Expected,
): LineageFacts {
  const written = new Map<string, Map<string, OpenLineageEvent[]>>();
  for (const event of events)
    for (const output of event.outputs) {
      const runs = written.get(keyOf(output)) ?? new Map<string, OpenLineageEvent[]>();
      written.set(keyOf(output), runs.set(event.run.runId, [...(runs.get(event.run.runId) ?? []), event]));
    }
  const stored = new Set(assets.map(keyOf));
  /** Of nothing that is stored there is nothing to tell: who reads it has no rows from it. */
  const isEmpty = (input: EventDataset) => written.has(keyOf(input)) && !stored.has(keyOf(input));
  const isGrounded = ground(events, isEmpty);

  /** Why the runs that wrote an asset do not resolve; null: they do. */
  function gapOf(asset: Asset): string | null {
    const runs = written.get(keyOf(asset));
    if (!runs) return 'no event names it as an output';
    for (const file of new Set(asset.files)) {
      if (file === null) return 'a data file of it names no run';
      if (!runs.has(file)) return `run ${file} wrote a data file of it, and no event of that run names it as an output`;
    }
    for (const [run, itsEvents] of runs) {
      const gap = gapOfRun(itsEvents);
      if (gap !== null) return `run ${run}: ${gap}`;
    }
    return isGrounded(asset) ? null : 'nothing that it is made of leads to a source';
  }

  function gapOfRun(itsEvents: readonly OpenLineageEvent[]): string | null {
    for (const { inputs, run } of itsEvents) {
      if (inputs.length === 0) return 'an event without inputs';
      const unknown = inputs.find((input) => !isGrounded(input) && !isEmpty(input));
      if (unknown)
        return `its input ${keyOf(unknown)} is no source, and ${written.has(keyOf(unknown)) ? 'nothing that it is made of leads to one' : 'no event says what wrote it'}`;
      const {
        planebench_code: code,
        planebench_environment: environment,
        planebench_configuration: config,
      } = run.facets;
      const { build, configurationSha256 } = expected;
      if (code === undefined || code.commit !== build.commit || code.dirty !== build.dirty)
        return `its code is ${code?.commit ?? 'not recorded'}, expected ${build.commit ?? 'a git commit, and there is none'}`;
      if (environment?.node !== build.node || environment.lockFileSha256 !== build.lockFileSha256)
        return `its environment is ${environment ? 'another one' : 'not recorded'}`;
      if (config?.sha256 !== configurationSha256)
        return `its configuration is ${config ? 'another one' : 'not recorded'}`;
    }
    return null;
  }

  const gaps = assets.flatMap((asset) => {
    const gap = gapOf(asset);
    return gap === null ? [] : [`${keyOf(asset)}: ${gap}`];
  });
  return {
    assets: assets.length,
    covered: assets.length - gaps.length,
    files: assets.reduce((sum, { files }) => sum + files.length, 0),
    events: events.length,
    runs: new Set(events.map(({ run }) => run.runId)).size,
    gaps: gaps.slice(0, keptGaps),
  };
}

/**
 * What leads back to a source: an output of an event of whose inputs one does, and the others do too, are empty, or are the
 * table that is written itself. In rounds, so that tables that are made of each other and of nothing else do not.
 */
function ground(events: readonly OpenLineageEvent[], isEmpty: (input: EventDataset) => boolean) {
  const grounded = new Set<string>();
  const isGrounded = (dataset: Pick<EventDataset, 'namespace' | 'name'>) =>
    sources.includes(dataset.namespace) || grounded.has(keyOf(dataset));
  for (let before = -1; before < grounded.size; ) {
    before = grounded.size;
    for (const { inputs, outputs } of events) {
      if (!inputs.some(isGrounded)) continue;
      for (const output of outputs)
        if (inputs.every((input) => isGrounded(input) || isEmpty(input) || keyOf(input) === keyOf(output)))
          grounded.add(keyOf(output));
    }
  }
  return isGrounded;
}

const keyOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }) => `${namespace}/${name}`;
