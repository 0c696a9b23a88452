/** The source database: what goes in as rows comes out as the blocks of the trace, byte for byte, and a kill loses nothing. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { secondUs } from '../../../workloads/durations.js';
import { smallWorkload } from '../../../workloads/fixture-workload.js';
import { readEntries } from '../../../workloads/trace.js';
import { generateTrace } from '../../../workloads/trace-generation.js';
import { hostClock, monotonicNs } from '../../clock.js';
import { connectChangeLog } from '../../ports/change-log/embedded.js';
import { startChangeLogServer } from '../../ports/change-log/embedded-process.js';
import type { ChangeLog } from '../../ports/change-log/port.js';
import { type StartedChild, startChild } from '../../processes/child-process.js';
import { appendOutcomes } from '../../record/facts.js';
import { readRecording } from '../../record/recordings.js';
import { freePorts } from '../../servers/free-ports.js';
import { newPassword, postgres } from '../../servers/postgres.js';
import { foundOrSkipped, startFound } from '../../servers/program.fixture.js';
import { appendLayout, appendsOf, commitLayout } from '../recorded.js';
import { createCapture, formatLsn, parseLsn } from './capture.js';
import type { ConnectorInit } from './connector.js';
import { createDecoding } from './fixture-decoding.js';
import { entryName, readLogged, readPosition } from './position.js';
import { packMessage, readTransactions, type Survey, surveyTrace, unpackMessage } from './transactions.js';
import type { WriterInit } from './writer.js';

const workload = smallWorkload({ customers: 100, lullUs: 0 });
const { contract } = workload;
const { topic, partitions } = contract;
const epochUs = 1_768_478_400 * secondUs;
const loadUs = 2.5 * secondUs;

let folder: string;
let trace: string;
let survey: Survey;
/** By slot and partition. */
const blocks = new Map<string, Buffer>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-source-'));
  trace = join(folder, 'trace');
  await generateTrace({ workload, seed: 3, epochUs, durationUs: loadUs, directory: trace });
  for await (const { slotUs, partition, block } of readEntries(trace))
    blocks.set(entryName(slotUs, partition), Buffer.from(block));
  survey = await surveyTrace(trace, contract);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('a trace as transactions and back is the trace, byte for byte', async () => {
  const decode = createDecoding(survey.initialRows);
  const capture = createCapture(() => true);
  const found: string[] = [];
  let heldBack = 0;
  for await (const transaction of readTransactions(trace, survey)) {
    const { message } = transaction;
    expect(packMessage(unpackMessage(packMessage(message)))).toEqual(packMessage(message));
    for (const decoded of decode(transaction)) {
      for (const { slotUs, partition, block } of capture.take(decoded)?.entries ?? []) {
        const name = entryName(slotUs, partition);
        if (!blocks.get(name)?.equals(block)) expect.fail(`entry ${name} is not the trace's`);
        found.push(name);
      }
    }
    if (capture.oldestHeldLsn() !== null) heldBack++;
  }
  expect(found).toEqual([...blocks.keys()]);
  // Or nothing of it was tried.
  expect(heldBack).toBeGreaterThan(0);
  expect(survey.initialRows.filter((rows) => rows.length > 0).length).toBeGreaterThan(1);
  expect(capture.oldestHeldLsn()).toBeNull();
});

it('a block that the change log has is not made up again, even where its rows were not read again', async () => {
  const decode = createDecoding(survey.initialRows);
  const names = [...blocks.keys()];
  const logged = new Set(names.slice(0, names.length >> 1));
  const capture = createCapture((slotUs, partition) => !logged.has(entryName(slotUs, partition)));
  const found: string[] = [];
  let transactions = 0;
  for await (const transaction of readTransactions(trace, survey)) {
    const decoded = decode(transaction);
    // Long before the first block that is wanted, as a stored position is.
    if (transactions++ < 20) continue;
    for (const message of decoded) {
      for (const { slotUs, partition, block } of capture.take(message)?.entries ?? []) {
        const name = entryName(slotUs, partition);
        expect(blocks.get(name)?.equals(block)).toBe(true);
        found.push(name);
      }
    }
  }
  expect(found).toEqual(names.slice(names.length >> 1));
});

it('positions are numbers in order', () => {
  expect(parseLsn('16/B374D848')).toBe(0x16_b374d848);
  expect(formatLsn(0x16_b374d848)).toBe('16/B374D848');
});

it('a position that is stored before all of a predecessor was read again lies before the rest of it', async () => {
  const [slots, only] = [new Set<number>(), 0];
  const left: Uint8Array[] = [];
  for (const [name, block] of blocks) {
    const [slotUs, partition] = name.split(' ').map(Number) as [number, number];
    if (partition !== only || slots.size === 5) continue;
    slots.add(slotUs);
    left.push(block);
  }
  const log = {
    endOffsets: async () => [left.length],
    read: async (_: string, __: number, offset: number) => ({ entries: left.slice(offset) }),
  } as unknown as ChangeLog;
  const [, second, third, fourth, last] = [...slots] as [number, number, number, number, number];
  // The position is that of the second slot; its offsets are older.
  const logged = await readLogged(log, topic, [1]);
  expect(logged.offsets()).toEqual([1]);
  expect([logged.take(third, only), logged.take(fourth, only)]).toEqual([true, true]);
  expect(logged.offsets(), 'one lies before the end').toEqual([1]);
  expect(logged.take(last, only)).toBe(true);
  expect(logged.take(last + 1, only)).toBe(false);
  logged.appended(only, left.length + 1);
  expect(logged.offsets(), 'what is left was committed before the position').toEqual([left.length + 1]);
  expect(logged.take(second, only)).toBe(false);
});

const found = await foundOrSkipped(postgres);

it.skipIf(found === null)(
  'a real database, its connector killed twice: every entry is in the change log, as the trace has it',
  async () => {
    const [port] = (await freePorts(1)) as [number];
    // The database runs as a user of its own where we are root.
    await chmod(folder, 0o711);
    const passwordFile = join(folder, 'password');
    const password = newPassword();
    await writeFile(passwordFile, password, { mode: 0o600 });
    const server = await startFound(postgres, found!, { directory: join(folder, 'postgres'), port, password });
    const directory = await mkdtemp(join(folder, 'change-log-'));
    const logServer = await startChangeLogServer({ directory, port: 0 });
    const log = connectChangeLog({ port: logServer.port });
    const children: StartedChild[] = [];
    const start = (
      name: string,
      init: WriterInit | ConnectorInit,
      origin: { epochUs: number; zeroNs: bigint | null },
    ) => {
      const module = new URL(`./${name}-process.js`, import.meta.url);
      const child = startChild({ name, module, init, origin, readyWithinUs: 60 * secondUs });
      children.push(child);
      return child;
    };
    const recordings: string[] = [];
    const startConnector = async () => {
      const recording = appendsOf(join(folder, 'appends'), recordings.length);
      recordings.push(recording);
      const connection = { stack: 'embedded', changeLog: logServer.port } as const;
      const address = { port, passwordFile };
      const loadEndUs = epochUs + loadUs;
      const init = { contract, postgres: address, connection, seed: 1, loadEndUs, recording };
      const child = start('connector', init, { epochUs, zeroNs: monotonicNs() });
      const captured = new Promise<void>((resolve) => {
        child.onReport((kind) => kind === 'captured' && resolve());
      });
      await child.ready;
      return { child, captured };
    };
    let failure: string | null = null;
    const untilLogged = async (share: number) => {
      const logged = async () => (await log.endOffsets(topic)).reduce((sum, end) => sum + end, 0);
      while ((await logged()) < share * blocks.size) {
        if (failure !== null) expect.fail(failure);
        await hostClock.sleep(50_000);
      }
    };
    try {
      await log.createTopic(topic, partitions);
      const commits = join(folder, 'commits');
      const writer = start(
        'writer',
        { trace, contract, postgres: { port, passwordFile }, recording: commits },
        { epochUs: epochUs - secondUs, zeroNs: null },
      );
      await writer.ready;
      void writer.exited.then((exit) => {
        if (exit.code !== 0) failure = exit.failure ?? 'the writer died';
      });
      const first = await startConnector();
      writer.setClock({ epochUs, zeroNs: monotonicNs() });
      await untilLogged(1 / 3);
      first.child.signal('SIGKILL');
      await first.child.exited;
      const stored = async () => (await readPosition(log, contract)).lsn;
      const before = await stored();
      const second = await startConnector();
      // As soon as it has stored a position of its own, which lies before the last that its predecessor appended.
      while ((await stored()) === before) await hostClock.sleep(5_000);
      second.child.signal('SIGKILL');
      await second.child.exited;
      const third = await startConnector();
      expect(await writer.exited).toMatchObject({ code: 0 });
      await third.captured;

      const times = new Map<string, number>();
      for (let partition = 0; partition < partitions; partition++) {
        const { entries } = await log.read(topic, partition, 0, { maxBytes: 1 << 26, maxWaitUs: 0 });
        for (const entry of entries) {
          const name = [...blocks].find(([, block]) => block.equals(entry))?.[0];
          if (name === undefined) expect.fail('an entry of the change log is none of the trace');
          times.set(name!, (times.get(name!) ?? 0) + 1);
        }
      }
      expect([...times.keys()].sort()).toEqual([...blocks.keys()].sort());
      // At least once: what was under way at a kill may be there twice.
      expect([...times.values()].reduce((sum, each) => sum + each - 1, 0)).toBeLessThan(20);

      // Everything that was acknowledged is on record, whoever saw it.
      const acknowledged = new Set<string>();
      for (const recording of recordings) {
        const rows = await readRecording(recording, appendLayout);
        for (let i = 0; i < rows.rows; i++) {
          if (appendOutcomes[rows.outcome[i]!] === 'acknowledged')
            acknowledged.add(entryName(rows.slotUs[i]!, rows.partition[i]!));
        }
      }
      expect([...acknowledged].sort()).toEqual([...blocks.keys()].sort());
      const committed = await readRecording(commits, commitLayout);
      expect(committed.rows).toBe(new Set([...blocks.keys()].map((name) => name.split(' ')[0])).size);
      expect(committed.doneUs.every((doneUs, i) => doneUs >= committed.askedUs[i]!)).toBe(true);
    } finally {
      for (const child of children) await child.stop();
      await log.close();
      await logServer.child.stop();
      await server.stop();
    }
  },
  300_000,
);
