/** Names of the files of a log (protocol, "File Types"), and what a listing of them says of the versions that are there. */
import type { ListedObject } from './object-store.js';

export interface LogListing {
  /** Versions whose commits are there, ascending. */
  readonly commits: readonly number[];
  /** Whole checkpoints, ascending. */
  readonly checkpoints: readonly CheckpointFiles[];
}

export interface CheckpointFiles {
  readonly version: number;
  /** One, or all parts in their order. */
  readonly names: readonly string[];
  /** Why this store does not read it. */
  readonly refused?: string;
}

export function commitName(version: number): string {
  return `${digits(version, 20)}.json`;
}

export function checkpointName(version: number): string {
  return `${digits(version, 20)}.checkpoint.parquet`;
}

/** Before the names of all files of this version and later ones, and after those of earlier versions. */
export function firstNameOf(version: number): string {
  return `${digits(version, 20)}.`;
}

function digits(number: number, length: number): string {
  return String(number).padStart(length, '0');
}

const commitPattern = /^(\d{20})\.json$/;
const classicPattern = /^(\d{20})\.checkpoint\.parquet$/;
const partPattern = /^(\d{20})\.checkpoint\.(\d{10})\.(\d{10})\.parquet$/;
const uuidPattern = /^(\d{20})\.checkpoint\.[0-9a-f-]{36}\.(?:json|parquet)$/;

export function readListing(objects: readonly ListedObject[]): LogListing {
  const names = objects.map(({ name }) => name).sort();
  const commits: number[] = [];
  const checkpoints: CheckpointFiles[] = [];
  const parts = new Map<string, string[]>();
  for (const name of names) {
    const [, commit] = commitPattern.exec(name) ?? [];
    const [, classic] = classicPattern.exec(name) ?? [];
    const [, ofParts, , count] = partPattern.exec(name) ?? [];
    const [, uuid] = uuidPattern.exec(name) ?? [];
    if (commit) commits.push(Number(commit));
    else if (classic) checkpoints.push({ version: Number(classic), names: [name] });
    else if (ofParts) parts.set(`${ofParts}.${count}`, [...(parts.get(`${ofParts}.${count}`) ?? []), name]);
    else if (uuid) {
      const refused = 'it follows the V2 spec, which needs reader version 3; this store has 1';
      checkpoints.push({ version: Number(uuid), names: [name], refused });
    }
  }
  for (const [key, found] of parts) {
    const [version, count] = key.split('.').map(Number) as [number, number];
    // Parts cannot be written at once, so "readers must ignore multi-part checkpoints with missing parts".
    if (found.length === count) checkpoints.push({ version, names: found });
  }
  return { commits, checkpoints: checkpoints.sort((a, b) => a.version - b.version) };
}

/** The first version from `first` to `last` of which there is no commit; null if they are all there. */
export function firstMissing({ commits }: LogListing, first: number, last: number): number | null {
  const there = new Set(commits);
  for (let version = first; version <= last; version++) if (!there.has(version)) return version;
  return null;
}

/** The earliest version that can be read, and all after it; null if none can. A checkpoint stands in for its commit. */
export function earliestOf(listing: LogListing): number | null {
  const checkpoints = listing.checkpoints.filter(({ refused }) => refused === undefined).map(({ version }) => version);
  const there = new Set([...listing.commits, ...checkpoints]);
  let first = Math.max(listing.commits.at(-1) ?? -1, checkpoints.at(-1) ?? -1);
  while (there.has(first - 1)) first--;
  return first === 0 ? 0 : (checkpoints.find((version) => version >= first) ?? null);
}

/** Files of the log that nobody needs who starts at the checkpoint of this version (protocol, "Metadata Cleanup", 3). */
export function namesBefore(objects: readonly ListedObject[], checkpoint: number): string[] {
  return objects
    .map(({ name }) => name)
    .filter((name) => {
      const [, version, compacted] =
        /^(\d{20})\.(?:\d{20}\.(compacted)\.json|json|crc|checkpoint\..+)$/.exec(name) ?? [];
      if (version === undefined) return false;
      return Number(version) < checkpoint || (compacted !== undefined && Number(version) === checkpoint);
    })
    .sort();
}
