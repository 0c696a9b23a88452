/** A table without rows, for tests of its log. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, hostClock } from '../../../clock.js';
import { seededRandom } from '../../../random.js';
import { type Engine, openEngine } from '../engine.js';
import { type Action, type AddFile, commitInfo } from './actions.js';
import { localObjects } from './local-objects.js';
import { type DeltaLog, openDeltaLog } from './log.js';
import type { ObjectStore } from './object-store.js';
import { encodeSchema } from './schema-string.js';

export interface LogUnderTest {
  readonly directory: string;
  readonly objects: ObjectStore;
  readonly engine: Engine;
  /** Event time of all logs. */
  nowUs: number;
  /** As another process would open it. */
  open(over?: Partial<ObjectStore>): DeltaLog;
  close(): Promise<void>;
}

export function logUnderTest(): LogUnderTest {
  const directory = mkdtempSync(join(tmpdir(), 'planebench-log-'));
  const objects = localObjects(directory);
  const engine = openEngine({ threads: 1, spill: objects.stage });
  const clock: Clock = { ...hostClock, nowUs: () => test.nowUs };
  const test: LogUnderTest = {
    directory,
    objects,
    engine,
    nowUs: 0,
    open: (over = {}) =>
      openDeltaLog({ table: 't', objects: { ...objects, ...over }, engine, clock, random: seededRandom(1) }),
    async close() {
      await engine.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return test;
}

export function creation(configuration: Readonly<Record<string, string>> = {}): readonly Action[] {
  return [
    commitInfo(0, 'CREATE TABLE', {}),
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: 'id',
        format: { provider: 'parquet', options: {} },
        schemaString: encodeSchema([{ name: 'a "quoted" column', type: 'int', nullable: true }]),
        partitionColumns: [],
        configuration,
        createdTime: 1,
      },
    },
  ];
}

export function file(path: string, more: Partial<AddFile> = {}): AddFile {
  return { path, partitionValues: {}, size: 1, modificationTime: 2, dataChange: true, ...more };
}

export function removal(path: string, { dataChange = true } = {}): Action {
  return { remove: { path, dataChange, deletionTimestamp: 5 } };
}
