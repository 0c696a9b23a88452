/**
 * Events as OpenLineage has them (specification 2-0-2, RunEvent): a run of a job reads inputs and writes outputs. What
 * the specification has no facet for, the code, the environment and the configuration of a run, are facets of our own,
 * which event.schema.json defines. README.md says what is emitted when.
 */
import type { FeatureView } from '../../workloads/feature-view.js';
import { isoTime } from '../clock.js';
import type { JobOrigin, Origin } from './origin.js';

/** A set of data: a table, the rows that a view is served from, a topic, a file; also what is computed with: a view, a model. */
export interface Dataset {
  readonly namespace: string;
  readonly name: string;
  /** Of an input that which was there when the run began to read it. */
  readonly version?: string;
}

/** What is about to be written, all of it from the same data. */
export interface Derivation {
  readonly into: readonly Dataset[];
  readonly from: readonly Dataset[];
}

/** One namespace a kind of storage. */
export const namespaces = {
  tables: 'planebench://tables',
  onlineStore: 'planebench://online-store',
  warehouse: 'planebench://warehouse',
  changeLog: 'planebench://change-log',
  files: 'planebench://files',
  views: 'planebench://feature-views',
  models: 'planebench://models',
} as const;

export const storedTable = (name: string, version?: number): Dataset => at(namespaces.tables, name, version);
export const onlineTable = (name: string): Dataset => at(namespaces.onlineStore, name);
export const warehouseTable = (name: string): Dataset => at(namespaces.warehouse, name);
/** `offsets`: per partition, of the first entry that the run reads. */
export const topic = (name: string, offsets: readonly number[]): Dataset =>
  at(namespaces.changeLog, name, offsets.join(','));
/** By its name alone: where a run keeps its files is another place each time. */
export const sourceFile = (path: string): Dataset => at(namespaces.files, path.split(/[/\\]/).at(-1) as string);
/** Its definition, which is part of the code, as the model is. */
export const featureView = ({ name, version }: FeatureView): Dataset => at(namespaces.views, name, version);
export const model = (version?: number): Dataset => at(namespaces.models, 'model', version);

function at(namespace: string, name: string, version?: number | string): Dataset {
  return version === undefined ? { namespace, name } : { namespace, name, version: String(version) };
}

interface Facet {
  readonly _producer: string;
  readonly _schemaURL: string;
}
/** Of the specification (ParentRunFacet): the run of the role whose job this is. */
export interface ParentFacet extends Facet {
  readonly run: { readonly runId: string };
  readonly job: { readonly namespace: string; readonly name: string };
}
export interface CodeFacet extends Facet {
  readonly commit: string;
  readonly dirty: boolean;
}
export interface EnvironmentFacet extends Facet {
  readonly node: string;
  readonly lockFileSha256: string;
}
export interface ConfigurationFacet extends Facet {
  readonly sha256: string;
}

export interface EventDataset {
  readonly namespace: string;
  readonly name: string;
  readonly facets: { readonly version?: Facet & { readonly datasetVersion: string } };
}

export interface OpenLineageEvent {
  /** A run begins with its first event; it ends without one, as its process may die at any moment. */
  readonly eventType: 'START' | 'RUNNING';
  readonly eventTime: string;
  readonly producer: string;
  readonly schemaURL: string;
  readonly run: {
    readonly runId: string;
    /** A facet whose content is not known is left out. */
    readonly facets: {
      readonly parent?: ParentFacet;
      readonly planebench_code?: CodeFacet;
      readonly planebench_environment?: EnvironmentFacet;
      readonly planebench_configuration?: ConfigurationFacet;
    };
  };
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Readonly<Record<string, never>> };
  readonly inputs: readonly EventDataset[];
  readonly outputs: readonly EventDataset[];
}

const producer = 'urn:planebench';
const specification = 'https://openlineage.io/spec';
const facet = (schemaUrl: string): Facet => ({ _producer: producer, _schemaURL: schemaUrl });
const own = (name: string) => facet(`urn:planebench:lineage-event:1#/$defs/${name}`);

export function runEvent(
  origin: Origin | JobOrigin,
  eventType: OpenLineageEvent['eventType'],
  atUs: number,
  { into, from }: Derivation,
): OpenLineageEvent {
  const { role, runId, configurationSha256 } = origin;
  const { commit, dirty, node, lockFileSha256 } = origin.build;
  const namespace = `planebench://${origin.architecture}`;
  const child = 'job' in origin ? origin : null;
  return {
    eventType,
    eventTime: isoTime(atUs),
    producer,
    schemaURL: `${specification}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
    run: {
      runId,
      facets: {
        ...(child === null ? {} : { parent: parentFacet(child.parentRunId, { namespace, name: role }) }),
        ...(commit === null || dirty === null ? {} : { planebench_code: { ...own('Code'), commit, dirty } }),
        ...(lockFileSha256 === null ? {} : { planebench_environment: { ...own('Environment'), node, lockFileSha256 } }),
        planebench_configuration: { ...own('Configuration'), sha256: configurationSha256 },
      },
    },
    job: { namespace, name: child === null ? role : `${role}.${child.job}`, facets: {} },
    inputs: from.map(eventDataset),
    outputs: into.map(eventDataset),
  };
}

function parentFacet(runId: string, job: ParentFacet['job']): ParentFacet {
  return { ...facet(`${specification}/facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet`), run: { runId }, job };
}

const versionSchema = `${specification}/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet`;

function eventDataset({ namespace, name, version }: Dataset): EventDataset {
  const facets = version === undefined ? {} : { version: { ...facet(versionSchema), datasetVersion: version } };
  return { namespace, name, facets };
}
