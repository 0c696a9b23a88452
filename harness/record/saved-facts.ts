/**
 * A run on disk: `run.json` and one Parquet file a column set. Everything is written under temporary names and renamed,
 * run.json last, so a folder with a run.json is complete whatever happened to the process that wrote it.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HarnessError, messageOf } from '../errors.js';
import { withDuckDb } from '../ports/duckdb.js';
import type { FaultKind, RunPlan } from '../scenario.js';
import { type Columns, readColumnFile, writeColumnFile } from './column-files.js';
import { columnSets } from './column-sets.js';
import { type RowVerdicts, type RunFacts, rowMistakes } from './facts.js';
import { saveIntervals } from './intervals.js';

/** The file of a column set is named as its key. */
type SetName = keyof typeof columnSets;
type Sets = { readonly [Name in SetName]: Columns<(typeof columnSets)[Name]> };
const setNames = Object.keys(columnSets) as SetName[];

const schemaName = 'planebench.run-facts/7';

export async function saveFacts(directory: string, facts: RunFacts): Promise<void> {
  await mkdir(directory, { recursive: true });
  const manifest = join(directory, 'run.json');
  // A folder that is written anew is incomplete until it is whole again.
  await rm(manifest, { force: true });
  const sets = setsOf(facts);
  const files: Record<string, { rows: number; sha256: string }> = {};
  await withDuckDb(async (connection) => {
    for (const name of setNames) {
      const path = join(directory, `${name}.parquet`);
      await writeColumnFile(connection, path, columnSets[name], sets[name]);
      files[name] = { rows: sets[name].rows, sha256: await digestOf(path) };
    }
    await saveIntervals(connection, join(directory, 'intervals.parquet'), facts);
  });
  await writeDurably(manifest, toJson(manifest, { schema: schemaName, files, ...withoutSets(facts) }));
}

/** Whether a folder has all of a run: of one that was being saved when its process ended it has a part. */
export function isSaved(directory: string): boolean {
  return existsSync(join(directory, 'run.json'));
}

/** Facts as they were saved. A folder that is incomplete, damaged or of another version is refused, saying which. */
export async function loadFacts(directory: string): Promise<RunFacts> {
  const manifest = join(directory, 'run.json');
  const { files, schema: _, panel, ...rest } = await readManifest(manifest);
  const sets: Partial<Record<SetName, unknown>> = {};
  await withDuckDb(async (connection) => {
    for (const name of setNames) {
      const path = join(directory, `${name}.parquet`);
      const found = await digestOf(path);
      if (found !== files[name].sha256)
        throw new HarnessError(
          `${path} is not the file that the run wrote: SHA-256 is ${found}, run.json says ${files[name].sha256}. Restore the file or run the scenario again.`,
        );
      const columns = await readColumnFile(connection, path, columnSets[name]);
      if (columns.rows !== files[name].rows)
        throw new HarnessError(`${path} has ${columns.rows} rows, run.json says ${files[name].rows}.`);
      sets[name] = columns;
    }
  });
  const { 'panel.changes': changes, ...columns } = sets as Sets;
  return { ...rest, ...columns, panel: { ...panel, changes } };
}

function setsOf(facts: RunFacts): Sets {
  const { operations, reads, probes, panel, appends, commits, usage } = facts;
  return { operations, reads, probes, 'panel.changes': panel.changes, appends, commits, usage };
}

function withoutSets(facts: RunFacts): Omit<SavedRun, 'schema' | 'files'> {
  const { operations, reads, probes, panel, appends, commits, usage, ...rest } = facts;
  return { ...rest, panel: { customers: panel.customers, share: panel.share } };
}

async function readManifest(path: string): Promise<SavedRun> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new HarnessError(
      `${path} cannot be read: ${messageOf(cause)}. A run without it was not finished; run the scenario again.`,
      { cause },
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new HarnessError(`${path} is no JSON: ${messageOf(cause)}. Restore it or run the scenario again.`, { cause });
  }
  const found = (json as { schema?: unknown } | null)?.schema;
  if (found !== schemaName)
    throw new HarnessError(
      `${path} has schema ${JSON.stringify(found)}, expected "${schemaName}". Read it with the version of planebench that wrote it.`,
    );
  const parsed = savedRun.safeParse(json);
  if (!parsed.success)
    throw new HarnessError(`${path} does not hold the facts of a run:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** JSON has no infinities: JSON.stringify would write them as null, and a figure would silently turn into "none". */
function toJson(path: string, value: unknown): string {
  return JSON.stringify(
    value,
    (key, entry) => {
      if (typeof entry === 'number' && !Number.isFinite(entry))
        throw new HarnessError(`${path}: ${key} is ${entry}, which JSON cannot hold. Leave it out or make it null.`);
      return entry;
    },
    2,
  );
}

async function writeDurably(path: string, text: string): Promise<void> {
  const partial = `${path}.partial`;
  const file = await open(partial, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
}

async function digestOf(path: string): Promise<string> {
  const digest = createHash('sha256');
  try {
    for await (const bytes of createReadStream(path)) digest.update(bytes);
  } catch (cause) {
    throw new HarnessError(
      `${path} cannot be read: ${messageOf(cause)}. It belongs to the run; restore it or run the scenario again.`,
      { cause },
    );
  }
  return digest.digest('hex');
}

const whole = z.number().int().nonnegative();
const bytesByTier = z.object({ hot: whole, warm: whole, cold: whole });
const tierInventory = z.object({ files: whole, bytes: whole, hotBytes: whole });
const inventory = z.object({
  files: whole,
  bytes: whole,
  rows: whole,
  smallFiles: whole,
  smallFileBytes: whole,
  tiers: z.object({ hot: tierInventory, warm: tierInventory, cold: tierInventory }).exactOptional(),
});
const rowVerdicts = z.object({
  checked: whole,
  right: whole,
  mistakes: z.partialRecord(z.enum(rowMistakes), whole) as z.ZodType<RowVerdicts['mistakes']>,
});
const batchStepKind = z.enum(['snapshot', 'score', 'training-set', 'publish-model', 'rollback', 'reprocess']);
const batchVerdicts = z.object({ checked: whole, wrong: whole });
const rebuilt = z.object({ times: whole, same: whole });
const switched = z.object({
  requestedUs: z.number(),
  seenUs: z.number().nullable(),
  notBeforeUs: z.number(),
  watchedUntilUs: z.number(),
});
const savedFile = z.object({ rows: whole, sha256: z.string() });

/** The plan was validated where it was made; here it is only told apart from something else. */
const planCore = z.looseObject({
  id: z.string(),
  scenario: z.looseObject({ name: z.string(), timeScale: z.number().positive(), epochUs: whole }),
  arm: z.looseObject({ architecture: z.string(), specifier: z.string() }),
  repetition: whole,
  seed: z.number().int(),
});

/** run.json: RunFacts but for its columns. */
type SavedRun = Omit<RunFacts, Exclude<SetName, 'panel.changes'> | 'panel'> & {
  readonly schema: typeof schemaName;
  readonly files: Readonly<Record<SetName, { readonly rows: number; readonly sha256: string }>>;
  readonly panel: Omit<RunFacts['panel'], 'changes'>;
};

const savedRun: z.ZodType<SavedRun> = z.object({
  schema: z.literal(schemaName),
  files: z.object({
    operations: savedFile,
    reads: savedFile,
    probes: savedFile,
    'panel.changes': savedFile,
    appends: savedFile,
    commits: savedFile,
    usage: savedFile,
  } satisfies Record<SetName, typeof savedFile>),
  plan: z.custom<RunPlan>((value) => planCore.safeParse(value).success, 'is no plan of a run'),
  params: z.unknown(),
  ingests: z.boolean(),
  // Runs that were saved before this was asked do not say.
  outside: z.boolean().default(false),
  timeline: z.object({
    loadStartUs: z.number(),
    measureStartUs: z.number(),
    measureEndUs: z.number(),
    loadEndUs: z.number(),
    drainEndUs: z.number(),
  }),
  invalid: z.array(z.object({ code: z.string(), message: z.string() })),
  panel: z.object({ customers: z.array(whole), share: z.number() }),
  faults: z.array(
    z.object({
      fault: whole,
      kind: z.custom<FaultKind>((value) => typeof value === 'string', 'is no kind of fault'),
      target: z.string(),
      scheduledUs: z.number(),
      armedUs: z.number().nullable(),
      injectedUs: z.number().nullable(),
      witnessedUs: z.number().nullable(),
      saw: z.string().nullable(),
      healedUs: z.number().nullable(),
      readyUs: z.number().nullable(),
      notApplicable: z.string().nullable(),
    }),
  ),
  processes: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['server', 'role', 'load']),
      pid: whole,
      startedHostUs: z.number(),
      readyAfterUs: z.number().nullable(),
      exit: z.string(),
      restarts: whole,
    }),
  ),
  ports: z.array(
    z.object({
      role: z.string(),
      port: z.string(),
      operation: z.string(),
      probe: z.boolean(),
      calls: whole,
      windowCalls: whole,
      rows: whole,
      bytes: whole,
    }),
  ),
  backfill: z
    .object({
      hostUs: z.number(),
      rows: whole,
      toldRows: whole,
      parquetBytes: whole,
      columnBytes: whole,
      filesByReference: whole,
      checkedRows: whole,
      wrongRows: whole,
    })
    .nullable(),
  inventories: z.object({ afterLoad: inventory.nullable() }),
  // Nor did these look into storage.
  stored: z
    .object({
      onlineStore: bytesByTier.exactOptional(),
      tables: bytesByTier.exactOptional(),
      warehouse: bytesByTier.exactOptional(),
    })
    .nullable()
    .default(null),
  batch: z
    .object({
      steps: z.array(
        z.object({
          kind: batchStepKind,
          besideLoad: z.boolean(),
          part: z.enum(['whole', 'slice']).nullable(),
          startedUs: z.number(),
          hostUs: z.number(),
          rows: whole,
          isRepeat: z.boolean(),
          scanned: z.object({ liveBytes: whole, requestedBytes: whole, readBytes: whole.nullable() }).nullable(),
          failure: z.string().nullable(),
        }),
      ),
      notOffered: z.array(batchStepKind),
      caughtUp: z.boolean(),
      scored: batchVerdicts,
      training: batchVerdicts.extend({ leaked: whole, labels: whole, positives: whole }),
      rebuilt: z.object({ scored: rebuilt, training: rebuilt }),
      rollbacks: z.array(
        z.object({
          snapshot: z.string(),
          besideLoad: z.boolean(),
          back: switched,
          forward: switched.nullable(),
          probes: whole,
          unanswered: whole,
          checked: whole,
          mixed: whole,
          wrong: whole,
        }),
      ),
      reprocessings: z.array(
        z.object({
          customers: whole,
          changes: whole,
          assets: z.array(
            z.object({
              table: z.string(),
              recomputedRows: whole,
              rows: whole,
              rewrittenFiles: whole,
              files: whole,
            }),
          ),
          untouched: z.array(z.string()),
          checked: whole,
          left: whole,
          disturbed: whole,
          mistold: z.array(z.string()),
          unjudged: z.string().nullable(),
        }),
      ),
      inventories: z.object({ mostSmallFiles: inventory.nullable(), atRest: inventory.nullable() }),
      examples: z.array(z.string()),
    })
    .nullable(),
  lineage: z
    .object({ assets: whole, covered: whole, files: whole, events: whole, runs: whole, gaps: z.array(z.string()) })
    .nullable(),
  ledger: z
    .object({
      attempted: whole,
      acknowledged: whole,
      failed: whole,
      indeterminate: whole,
      unacknowledged: whole,
      tables: z
        .object({
          lost: whole,
          duplicated: whole,
          unexpected: whole,
          quarantineMissing: whole,
          quarantineUnexpected: whole,
          skewed: whole,
          rpoUs: z.number(),
          lostEmitUs: z.array(z.number()),
          duplicatedEmitUs: z.array(z.number()),
        })
        .nullable(),
      final: rowVerdicts,
      live: rowVerdicts,
      settled: rowVerdicts.nullable(),
      visible: whole,
      behind: whole,
      reordered: whole,
      monotonicViolations: whole,
      personalDataLeaks: whole.nullable(),
      examples: z.array(z.string()),
    })
    .nullable(),
  errors: z.array(z.object({ operation: z.string(), message: z.string(), count: whole })),
});
