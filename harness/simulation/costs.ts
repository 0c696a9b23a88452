/**
 * What a call costs its server, in service time. A call takes `fixedUs`, and more for each row and each byte; rounded up
 * to a whole microsecond once, so that a simulation computes in integers and is the same everywhere.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Operation } from '../architecture.js';
import { messageOf, UsageError } from '../errors.js';
import type { Ports } from '../ports/ports.js';

/** Decimals from 0 to `largest`; what is finer than a picosecond is rounded. */
export interface ServiceCost {
  readonly fixedUs: number;
  readonly perRowUs: number;
  readonly perByteNs: number;
}

type CostsOf<Name extends PropertyKey> = { readonly [name in Name]: ServiceCost };

/** An operation that a port or a plane gains has to have a cost here before anything compiles. */
export type Costs = {
  readonly [port in keyof Ports]: CostsOf<Exclude<keyof Ports[port], 'close'>>;
} & {
  /** What a role's own processor spends on a call at one of its ports or at its door. */
  readonly role: CostsOf<'call'>;
  /** Network and HTTP of a plane's operation. */
  readonly door: CostsOf<Operation>;
};

/** First values, until a machine is calibrated: one call at a time, on two shared cores of a virtual machine. */
export const defaultCosts: Costs = {
  // bench:micro and single calls through the server process. Whoever writes waits for LMDB's fdatasync, 0.6 ms; entries
  // of 100 kB go in at 360 MB/s, pages come out at 430 MB/s. That concurrent appends share a sync is left out.
  changeLog: {
    createTopic: cost(950),
    append: cost(620, 1, 2.7),
    read: cost(120, 1, 2.3),
    endOffsets: cost(120),
    commit: cost(680),
    committed: cost(80),
  },
  // bench:micro. Get: 34 us for 1 key, 102 for 50, 326 for 200. Put: 100 rows 0.6 ms, 5000 rows 4.4 us each. Scan, drop
  // and tables are derived: rows as by get, one small transaction as by put.
  onlineStore: {
    put: cost(200, 4.2, 1),
    get: cost(35, 1.4, 0.5),
    scan: cost(35, 1.4, 0.5),
    drop: cost(200),
    tables: cost(80),
  },
  // bench:micro and single calls. Append: 6.7 ms for 1 row, 10 for 4000, 24 for 10,000. Fold: 19 ms for 1 row, 26 for
  // 4000, 1.1 s for 450,000. Compact: 104 ms for 41,000 rows in 72 files. Scan: 1.7 million rows/s with all columns, 9.2
  // million with two. A Parquet file is taken to be read as fast as it is scanned. An upsert is taken to be a fold, tiering a
  // compaction that compresses twice as long; what
  // only writes to the log, like a create, is a commit.
  tables: {
    create: cost(2_000),
    evolve: cost(2_000),
    append: cost(6_700, 1.5),
    txns: cost(80),
    snapshot: cost(85),
    scan: cost(2_000, 0.05, 3.5),
    upsert: cost(19_000, 2.2),
    remove: cost(19_000, 2.2),
    fold: cost(19_000, 2.2),
    compact: cost(5_000, 2),
    tier: cost(5_000, 4),
    derive: cost(25_000, 0.1),
    query: cost(12_000, 0.05),
    pin: cost(2_000),
    unpin: cost(2_000),
    pins: cost(80),
    restore: cost(2_000),
    vacuum: cost(250),
    readParquet: cost(2_000, 0.05, 3.5),
    tables: cost(4_500),
  },
  // bench:micro and single calls. Stage: 4.1 ms for 1 row, 6.1 for 2000. Merge: 6.7 ms for 1 row, 42 for 40,000.
  // Refresh: 65 ms if nothing changed, 153 after 40,000 changes. Read: 0.6 ms for 1 key, 2.1 for 200. Copy and scan are
  // taken to be as fast as the table store's reads, insert and query as its derivations: the engine is the same.
  warehouse: {
    createTable: cost(2_000),
    stage: cost(4_100, 1),
    position: cost(830),
    merge: cost(6_700, 1),
    copy: cost(4_000, 0.05, 3.5),
    refresh: cost(65_000, 3),
    read: cost(650, 8),
    insert: cost(25_000, 0.1),
    query: cost(12_000, 0.05),
    scan: cost(2_000, 0.05, 3.5),
    tables: cost(830),
    inventory: cost(22_000),
  },
  // bench:micro: 63,000 gets of one key a second with 16 in flight, 16 us for both ends of a call.
  role: { call: cost(10, 0, 0.5) },
  // Calls of processes/endpoint.ts within one process: 50 us, 200 us when the answer has 22 kB. Twice the fixed part, as
  // the ends are two processes.
  door: {
    lookup: cost(100, 0, 7),
    predict: cost(100, 0, 7),
    backfill: cost(100, 0, 7),
    exportChanges: cost(100, 0, 7),
    quarantine: cost(100, 0, 7),
    inventory: cost(100, 0, 7),
    snapshot: cost(100, 0, 7),
    score: cost(100, 0, 7),
    trainingSet: cost(100, 0, 7),
    rollback: cost(100, 0, 7),
    rollForward: cost(100, 0, 7),
    publishModel: cost(100, 0, 7),
    scoredRows: cost(100, 0, 7),
    trainingRows: cost(100, 0, 7),
    reprocess: cost(100, 0, 7),
    lineage: cost(100, 0, 7),
  },
};

function cost(fixedUs: number, perRowUs = 0, perByteNs = 0): ServiceCost {
  return { fixedUs, perRowUs, perByteNs };
}

/** Whole microseconds. Summed in whole picoseconds, where decimals cannot round up by accident. */
export function serviceUs({ fixedUs, perRowUs, perByteNs }: ServiceCost, rows: number, bytes: number): number {
  const ps = Math.round(fixedUs * 1e6) + Math.round(perRowUs * 1e6) * rows + Math.round(perByteNs * 1e3) * bytes;
  return Math.ceil(ps / 1e6);
}

/** An hour in microseconds: more is a slip of the unit. */
const largest = 3_600_000_000;
const serviceCost = z.strictObject({
  fixedUs: z.number().min(0).max(largest),
  perRowUs: z.number().min(0).max(largest),
  perByteNs: z.number().min(0).max(largest),
});

/** Exactly the costs that `defaultCosts` has. */
export const costsSchema = z.strictObject(
  mapValues(defaultCosts, (group) => z.strictObject(mapValues(group, () => serviceCost))),
) as z.ZodType as z.ZodType<Costs>;

/**
 * Which machine a simulation is of, for the manifest: `standard`, as of this version of planebench, or the SHA-256 of others.
 */
export function identifyCosts(costs: Costs): string {
  const hash = (one: Costs) =>
    createHash('sha256')
      .update(JSON.stringify(costsSchema.parse(one)))
      .digest('hex');
  const own = hash(costs);
  return own === hash(defaultCosts) ? 'standard' : own;
}

/** The costs in a JSON file, which has every one of them: none is filled in, so that a file says all that it means. */
export function readCosts(path: string): Costs {
  const parsed = costsSchema.safeParse(readJson(path), { reportInput: true });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `\n  ${describeProblem(issue)}`);
  throw new UsageError(`${path} is no table of costs:${problems.join('')}`);
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`the costs in ${path} cannot be read: ${messageOf(cause)}. Name a JSON file of costs.`, {
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`the costs in ${path} are no JSON: ${messageOf(cause)}. Expected a table of costs.`, {
      cause,
    });
  }
}

function describeProblem(issue: z.core.$ZodIssue): string {
  const place = issue.path.join('.');
  const beneath = namesBeneath(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const unknown = issue.keys.map((key) => [...issue.path, key].join('.')).join(', ');
    return `${unknown}: unknown; ${place === '' ? 'a table of costs' : place} has exactly ${beneath.join(', ')}`;
  }
  const given = issue.input === undefined ? 'nothing' : JSON.stringify(issue.input);
  const allowed = beneath.length > 0 ? `an object of ${beneath.join(', ')}` : `a number from 0 to ${largest}`;
  return `${place === '' ? 'the whole' : place}: given ${given}, expected ${allowed}`;
}

/** What the table has at a place; nothing beneath a number. */
function namesBeneath(path: readonly PropertyKey[]): string[] {
  let at: unknown = defaultCosts;
  for (const name of path) at = (at as Record<PropertyKey, unknown>)[name];
  return typeof at === 'object' && at !== null ? Object.keys(at) : [];
}

function mapValues<From, To>(object: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]));
}
