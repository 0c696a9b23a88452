import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withDuckDb } from '../ports/duckdb.js';
import { type Layout, readColumnFile, writeColumnFile } from './column-files.js';
import type { RunFacts } from './facts.js';
import { loadFacts, saveFacts } from './saved-facts.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'planebench-facts-'));
});
afterEach(() => rm(directory, { recursive: true }));

const number = fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(Infinity, -1, -0, 0, Number.MAX_SAFE_INTEGER, 1.5));

describe('column files', () => {
  const layout = { small: 'u8', medium: 'u32', large: 'f64' } as const satisfies Layout;

  it('give back what was written, bit for bit', async () => {
    await withDuckDb((connection) =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(255), fc.nat(2 ** 32 - 1), number), { maxLength: 40 }),
          async (values) => {
            const columns = {
              rows: values.length,
              small: Uint8Array.from(values, ([value]) => value),
              medium: Uint32Array.from(values, ([, value]) => value),
              large: Float64Array.from(values, ([, , value]) => value),
            };
            const path = join(directory, 'set.parquet');
            await writeColumnFile(connection, path, layout, columns);
            expect(await readColumnFile(connection, path, layout)).toEqual(columns);
          },
        ),
        { numRuns: 25 },
      ),
    );
  });

  it('hold more rows than one DuckDB vector', async () => {
    const large = Float64Array.from({ length: 5000 }, (_, row) => row * 3);
    const columns = { rows: 5000, small: new Uint8Array(5000), medium: new Uint32Array(5000), large };
    const path = join(directory, "it's.parquet");
    await withDuckDb(async (connection) => {
      await writeColumnFile(connection, path, layout, columns);
      expect((await readColumnFile(connection, path, layout)).large).toEqual(large);
    });
  });

  it('refuse a set of other columns, and a column of another length', async () => {
    const path = join(directory, 'set.parquet');
    const columns = { rows: 1, small: Uint8Array.of(1), medium: Uint32Array.of(2), large: Float64Array.of(3) };
    await withDuckDb(async (connection) => {
      await writeColumnFile(connection, path, layout, columns);
      await expect(readColumnFile(connection, path, { small: 'u8' })).rejects.toThrow(
        /its columns are \(small UTINYINT, .*expected \(small UTINYINT\)/,
      );
      await expect(
        writeColumnFile(connection, path, layout, { ...columns, medium: new Uint32Array(2) }),
      ).rejects.toThrow(/column medium has 2 values, expected 1/);
    });
  });
});

describe('a run folder', () => {
  it('gives back the facts that were saved', async () => {
    const facts = exampleFacts();
    await saveFacts(directory, facts);
    expect(await loadFacts(directory)).toEqual(facts);
  });

  it('can be saved again, with a ledger', async () => {
    await saveFacts(directory, exampleFacts());
    const facts = { ...exampleFacts(), invalid: [{ code: 'lag', message: 'the generator fell behind' }] };
    await saveFacts(directory, facts);
    expect((await loadFacts(directory)).invalid).toEqual(facts.invalid);
  });

  it('is incomplete without run.json, and says so', async () => {
    await saveFacts(directory, exampleFacts());
    await rename(join(directory, 'run.json'), join(directory, 'run.json.partial'));
    await expect(loadFacts(directory)).rejects.toThrow(/run\.json cannot be read.*was not finished/);
  });

  it('leaves no run.json behind when saving fails', async () => {
    await saveFacts(directory, exampleFacts());
    const broken = { ...exampleFacts(), invalid: [{ code: 'x', message: 'y', share: Infinity }] };
    await expect(saveFacts(directory, broken)).rejects.toThrow(/share is Infinity, which JSON cannot hold/);
    expect(existsSync(join(directory, 'run.json'))).toBe(false);
  });

  it('refuses a file that is not the one that the run wrote', async () => {
    await saveFacts(directory, exampleFacts());
    await rename(join(directory, 'reads.parquet'), join(directory, 'usage.parquet'));
    await expect(loadFacts(directory)).rejects.toThrow(/reads\.parquet cannot be read/);
    await saveFacts(directory, exampleFacts());
    await writeFile(join(directory, 'usage.parquet'), 'PAR1');
    await expect(loadFacts(directory)).rejects.toThrow(/usage\.parquet is not the file that the run wrote/);
  });

  it('refuses another schema, broken JSON and missing facts, each with its reason', async () => {
    const path = join(directory, 'run.json');
    await saveFacts(directory, exampleFacts());
    const saved = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...saved, schema: 'planebench.run-facts/9' }));
    await expect(loadFacts(directory)).rejects.toThrow(/has schema "planebench.run-facts\/9", expected/);
    await writeFile(path, '{ "schema"');
    await expect(loadFacts(directory)).rejects.toThrow(/is no JSON/);
    await writeFile(path, JSON.stringify({ ...saved, timeline: { loadStartUs: 'soon' } }));
    await expect(loadFacts(directory)).rejects.toThrow(/timeline\.loadStartUs/);
  });

  it('carries interval histograms for readers in other tools', async () => {
    await saveFacts(directory, exampleFacts());
    const rows = await withDuckDb(async (connection) => {
      const path = join(directory, 'intervals.parquet');
      const result = await connection.runAndReadAll(
        `SELECT kind, start_us::DOUBLE, count::INT, errors::INT, timeouts::INT, p99_us::INT FROM '${path}'`,
      );
      return result.getRows();
    });
    expect(rows).toEqual([
      ['predict', 1_000_000, 1, 0, 0, 40],
      ['lookup', 1_000_000, 1, 0, 1, 500_223],
    ]);
  });
});

function exampleFacts(): RunFacts {
  return {
    plan: {
      id: 'smoke-lakehouse-1',
      scenario: {
        name: 'smoke',
        stack: 'embedded',
        timeScale: 60,
        epochUs: 1_000_000,
        workload: {
          contract: { topic: 'changes', partitions: 2, customers: 10, allowedLatenessUs: 1000, tokenKey: '00' },
          history: { facts: 0, days: 7, lullUs: 0 },
          changes: {
            perSecond: 100,
            slotUs: 10_000,
            zipfMilli: 800,
            dirt: { duplicatePpm: 0, outOfOrderPpm: 0, latePpm: 0, violationPpm: 0 },
            evolveAfterUs: 0,
            breakAfterUs: 0,
            bursts: [],
            disturbances: [],
          },
          reads: {
            predict: { perSecond: 1, keysPerCall: 1, arrivals: { kind: 'poisson' } },
            lookup: { perSecond: 1, keysPerCall: 1, arrivals: { kind: 'constant' } },
            timeoutUs: 500_000,
            zipfMilli: 800,
          },
          panel: { customers: 2, everyUs: 50_000 },
        },
        phases: { warmUpUs: 0, measureUs: 1_000_000, faultUs: 0, drainUs: 0 },
        slo: { freshnessUs: 5_000_000, availability: 0.99, latencyUs: 50_000, holdUs: 0 },
        faults: [],
        restartDelayUs: 0,
      },
      arm: { architecture: 'lakehouse', specifier: 'lakehouse', params: { everyUs: 5 } },
      repetition: 0,
      seed: 7,
    },
    params: { everyUs: 5 },
    ingests: true,
    outside: true,
    timeline: {
      loadStartUs: 1_000_000,
      measureStartUs: 1_000_000,
      measureEndUs: 2_000_000,
      loadEndUs: 2_000_000,
      drainEndUs: 2_500_000,
    },
    invalid: [],
    operations: {
      rows: 2,
      kind: Uint8Array.of(0, 1),
      intendedUs: Float64Array.of(1_000_010, 1_000_020),
      sentUs: Float64Array.of(1_000_010, 1_000_021),
      doneUs: Float64Array.of(1_000_050, 1_000_090),
      outcome: Uint8Array.of(0, 2),
      keys: Uint32Array.of(1, 2),
    },
    reads: {
      rows: 1,
      operation: Uint32Array.of(0),
      customer: Uint32Array.of(3),
      lastSeq: Float64Array.of(4),
      asOfUs: Float64Array.of(1_000_030),
      nextEmitUs: Float64Array.of(Infinity),
    },
    probes: {
      rows: 1,
      probe: Uint32Array.of(0),
      sentUs: Float64Array.of(1_000_000),
      doneUs: Float64Array.of(1_000_100),
      member: Uint32Array.of(1),
      lastSeq: Float64Array.of(-1),
      asOfUs: Float64Array.of(-1),
    },
    panel: {
      customers: [3, 5],
      share: 0.25,
      changes: {
        rows: 1,
        member: Uint32Array.of(0),
        seq: Uint32Array.of(1),
        emitUs: Float64Array.of(1_000_001),
        refused: Uint8Array.of(0),
        acknowledged: Uint8Array.of(1),
      },
    },
    appends: {
      rows: 1,
      slotUs: Float64Array.of(1_000_000),
      partition: Uint8Array.of(1),
      changes: Uint32Array.of(1),
      bytes: Uint32Array.of(100),
      sentUs: Float64Array.of(1_000_001),
      doneUs: Float64Array.of(1_000_002),
      outcome: Uint8Array.of(0),
    },
    commits: {
      rows: 1,
      slotUs: Float64Array.of(1_000_000),
      changed: Uint32Array.of(1),
      askedUs: Float64Array.of(1_000_000),
      doneUs: Float64Array.of(1_000_001),
    },
    faults: [
      {
        kind: 'role-crash',
        fault: 0,
        target: 'stream',
        scheduledUs: 1,
        armedUs: 1,
        injectedUs: 2,
        witnessedUs: 3,
        saw: 'it was gone',
        healedUs: null,
        readyUs: null,
        notApplicable: null,
      },
    ],
    processes: [
      { name: 'stream', kind: 'role', pid: 1, startedHostUs: 5, readyAfterUs: null, exit: 'SIGKILL', restarts: 1 },
    ],
    usage: {
      rows: 1,
      atUs: Float64Array.of(1_000_000),
      process: Uint32Array.of(0),
      cpuUs: Float64Array.of(10),
      rssBytes: Float64Array.of(20),
      readBytes: Float64Array.of(30),
      writeBytes: Float64Array.of(40),
    },
    ports: [
      {
        role: 'stream',
        port: 'onlineStore',
        operation: 'put',
        probe: false,
        calls: 1,
        windowCalls: 1,
        rows: 2,
        bytes: 3,
      },
    ],
    backfill: null,
    inventories: { afterLoad: { files: 1, bytes: 2, rows: 3, smallFiles: 1, smallFileBytes: 1 << 20 } },
    stored: { tables: { hot: 1, warm: 2, cold: 3 } },
    batch: {
      steps: [
        {
          kind: 'score',
          besideLoad: true,
          part: 'whole',
          startedUs: 5,
          hostUs: 6,
          rows: 7,
          isRepeat: true,
          scanned: { liveBytes: 8, requestedBytes: 9, readBytes: null },
          failure: null,
        },
      ],
      notOffered: ['reprocess'],
      caughtUp: false,
      scored: { checked: 3, wrong: 1 },
      training: { checked: 4, wrong: 2, leaked: 1, labels: 4, positives: 1 },
      rebuilt: { scored: { times: 2, same: 1 }, training: { times: 1, same: 1 } },
      reprocessings: [
        {
          customers: 3,
          changes: 9,
          assets: [{ table: 'scored', recomputedRows: 3, rows: 40, rewrittenFiles: 1, files: 4 }],
          untouched: ['current'],
          checked: 43,
          left: 1,
          disturbed: 0,
          mistold: [],
          unjudged: 'no disk',
        },
      ],
      rollbacks: [
        {
          snapshot: 's',
          besideLoad: true,
          back: { requestedUs: 1, seenUs: null, notBeforeUs: 2, watchedUntilUs: 3 },
          forward: null,
          probes: 4,
          unanswered: 1,
          checked: 40,
          mixed: 2,
          wrong: 1,
        },
      ],
      inventories: {
        mostSmallFiles: { files: 2, bytes: 2, rows: 3, smallFiles: 2, smallFileBytes: 1 << 20 },
        atRest: null,
      },
      examples: ['leak: label 1'],
    },
    lineage: { assets: 8, covered: 7, files: 40, events: 12, runs: 3, gaps: ['tables/current: no event names it'] },
    ledger: null,
    errors: [{ operation: 'lookup', message: 'timed out', count: 1 }],
  };
}
