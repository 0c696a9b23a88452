import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CallError } from '../../errors.js';
import { startChild } from '../../processes/child-process.js';
import { seededRandom } from '../../random.js';
import { encodeFrame } from '../../rpc/frames.js';
import { packBlobs } from '../../rpc/packed.js';
import { connectChangeLog } from './embedded.js';
import { startChangeLogServer } from './embedded-process.js';
import type { ChangeLog } from './port.js';

const topic = 'changes';
const partitions = 3;
const clients = 4;
const rounds = 12;

/** One append of a client: `entries` entries that all name it. */
interface Attempt {
  readonly client: number;
  readonly number: number;
  readonly partition: number;
  readonly entries: Uint8Array[];
  /** The end offset that was acknowledged; null while it is not; 'failed' or 'indeterminate' if it was refused. */
  outcome: number | null | CallError['outcome'];
}

let directory: string;
let server: Awaited<ReturnType<typeof startChangeLogServer>>;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'change-log-'));
  server = await startChangeLogServer({ directory, port: 0 });
});
afterAll(async () => {
  await server.child.stop();
  await rm(directory, { recursive: true });
});

describe('a server that is killed while clients append', () => {
  test('has every acknowledged entry afterwards, whole, in its place, and nothing half', async () => {
    const random = seededRandom(7);
    const logs = Array.from({ length: clients }, () => connectChangeLog({ port: server.port }));
    await logs[0]!.createTopic(topic, partitions);
    const attempts: Attempt[] = [];
    for (let round = 0; round < rounds; round++) {
      const acknowledgements = 5 + random.below(60);
      let acknowledged = 0;
      const down = new AbortController();
      const clientLoops = logs.map(async (log, client) => {
        while (!down.signal.aborted) {
          // Several appends in flight, so that a kill meets groups of them.
          const burst = Array.from({ length: 1 + random.below(4) }, () => attemptOf(client, attempts));
          await Promise.all(
            burst.map(async (attempt) => {
              await attemptAppend(log, attempt);
              if (typeof attempt.outcome === 'number' && ++acknowledged === acknowledgements) {
                server.child.signal('SIGKILL');
                down.abort();
              }
            }),
          );
        }
      });
      await Promise.all(clientLoops);
      await server.child.exited;
      server = await startChangeLogServer({ directory, port: server.port });
      await compareLogWith(attempts, logs[0]!);
    }
    expect(attempts.filter(({ outcome }) => outcome === 'indeterminate').length).toBeGreaterThan(0);
    for (const log of logs) await log.close();
  });

  const attemptOf = (client: number, attempts: Attempt[]): Attempt => {
    const number = attempts.length;
    const content = seededRandom(number);
    const entries = Array.from({ length: 1 + content.below(4) }, (_, part) =>
      entryOf(number, part, [64, 3000, 70_000][content.below(3)]!),
    );
    const attempt: Attempt = { client, number, partition: content.below(partitions), entries, outcome: null };
    attempts.push(attempt);
    return attempt;
  };

  const attemptAppend = async (log: ChangeLog, attempt: Attempt) => {
    try {
      attempt.outcome = await log.append(topic, attempt.partition, attempt.entries);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      attempt.outcome = error.outcome;
    }
  };
});

describe('a client that dies in the middle of an append', () => {
  test('by SIGKILL, between and during its calls: every append is there whole or not at all', async () => {
    const log = connectChangeLog({ port: server.port });
    for (let round = 0; round < 5; round++) {
      const name = `killed-${round}`;
      await log.createTopic(name, 1);
      const appender = startChild({
        name: 'appender',
        module: new URL('./endless-appender.js', import.meta.url),
        init: { port: server.port, topic: name, entryBytes: 500_000 },
        origin: { epochUs: 0, zeroNs: null },
      });
      await appender.ready;
      await log.read(name, 0, 0, { maxBytes: 1, maxWaitUs: 30_000_000 });
      appender.signal('SIGKILL');
      await appender.exited;
      await log.append(name, 0, [new Uint8Array(1)]); // comes after whatever of the appender was still under way
      const entries = await readAll(log, name, 0);
      expect(entries.pop()!.length).toBe(1);
      expect(entries.length % 3).toBe(0);
      entries.forEach((entry, i) => {
        expect(entry.length).toBe(500_000);
        expect(new DataView(entry.buffer, entry.byteOffset).getUint32(0)).toBe(Math.floor(i / 3));
        expect(entry.subarray(4).every((byte) => byte === 1 + (i % 3))).toBe(true);
      });
    }
    await log.close();
  });

  test('after half a frame: nothing of it is there', async () => {
    const log = connectChangeLog({ port: server.port });
    await log.createTopic('half', 1);
    const call = ['append', { topic: 'half', partition: 0, count: 2 }];
    const frame = encodeFrame('call', 1, call, packBlobs([new Uint8Array(10_000), new Uint8Array(10_000)]));
    const bytes = Buffer.concat(frame.parts);
    const socket = connect({ host: '127.0.0.1', port: server.port });
    await new Promise<void>((resolve) => socket.write(bytes.subarray(0, bytes.length - 1), () => resolve()));
    socket.destroy();
    await log.append('half', 0, [new Uint8Array(1)]);
    expect((await readAll(log, 'half', 0)).map((entry) => entry.length)).toEqual([1]);
    await log.close();
  });
});

describe('a server that is asked to stop', () => {
  test('stops at once although readers wait, and has everything when it is started again', async () => {
    const log = connectChangeLog({ port: server.port });
    await log.createTopic('stopped', 1);
    await log.append('stopped', 0, [new Uint8Array(9)]);
    const waiting = log.read('stopped', 0, 1, { maxBytes: 1, maxWaitUs: 600_000_000 }).catch((error) => error);
    await log.endOffsets('stopped'); // answered after the read has begun to wait
    expect(await server.child.stop(30_000_000)).toMatchObject({ code: 0, signal: null });
    expect(await waiting).toMatchObject({ outcome: 'indeterminate' });
    server = await startChangeLogServer({ directory, port: server.port });
    expect(await log.endOffsets('stopped')).toEqual([1]);
    await log.close();
  });

  test('that stood still meanwhile answers what had been written once it goes on', async () => {
    const log = connectChangeLog({ port: server.port });
    await log.createTopic('stands still', 1);
    server.child.signal('SIGSTOP');
    const append = log.append('stands still', 0, [new Uint8Array(1)]);
    server.child.signal('SIGCONT');
    expect(await append).toBe(1);
    await log.close();
  });
});

// `prlimit` (util-linux) makes the kernel refuse to let the file grow, as a full disk does; other systems have none.
describe.skipIf(!existsSync('/usr/bin/prlimit'))('a disk that refuses a commit', () => {
  test('ends the server, leaves the append in doubt, and damages nothing', async () => {
    const log = connectChangeLog({ port: server.port });
    await log.createTopic('refused', 1);
    await log.append('refused', 0, [entryOf(1, 0, 50_000)]);
    const { size } = await stat(join(directory, 'data.mdb'));
    execFileSync('/usr/bin/prlimit', ['--pid', String(server.child.pid), `--fsize=${size + 100_000}`]);
    const appends = Array.from({ length: 5 }, (_, i) =>
      log.append('refused', 0, [entryOf(2 + i, 0, 8_000_000)]).catch((error) => error),
    );
    expect((await Promise.all(appends)).map(({ outcome }) => outcome)).toContain('indeterminate');
    expect(await server.child.exited).toMatchObject({ code: 1, failure: expect.stringContaining('the commit failed') });
    server = await startChangeLogServer({ directory, port: server.port });
    const held = await readAll(log, 'refused', 0);
    expect(Buffer.compare(held[0]!, entryOf(1, 0, 50_000))).toBe(0);
    expect(await log.append('refused', 0, [entryOf(9, 0, 8_000_000)])).toBe(held.length + 1);
    await log.close();
  });
});

/** An entry names its append and its part, and is filled with what follows from them. */
function entryOf(number: number, part: number, size: number): Uint8Array {
  const entry = new Uint8Array(size);
  const random = seededRandom(number * 8 + part);
  for (let i = 8; i < size; i++) entry[i] = random.bits();
  new DataView(entry.buffer).setUint32(0, number);
  new DataView(entry.buffer).setUint32(4, part);
  return entry;
}

async function readAll(log: ChangeLog, name: string, partition: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for (;;) {
    const slice = await log.read(name, partition, entries.length, { maxBytes: 1 << 22, maxWaitUs: 0 });
    if (slice.entries.length === 0) return entries;
    entries.push(...slice.entries);
  }
}

async function compareLogWith(attempts: readonly Attempt[], log: ChangeLog): Promise<void> {
  const ends = await log.endOffsets(topic);
  const found = new Map<number, { partition: number; base: number }>();
  for (let partition = 0; partition < partitions; partition++) {
    const entries = await readAll(log, topic, partition);
    expect(entries.length).toBe(ends[partition]);
    const lastOfClient = new Array<number>(clients).fill(-1);
    for (let at = 0; at < entries.length; ) {
      const number = new DataView(entries[at]!.buffer, entries[at]!.byteOffset).getUint32(0);
      const attempt = attempts[number]!;
      expect(found.has(number), `append ${number} is there once`).toBe(false);
      expect(attempt.partition).toBe(partition);
      expect(number, 'appends of a client keep their order').toBeGreaterThan(lastOfClient[attempt.client]!);
      lastOfClient[attempt.client] = number;
      found.set(number, { partition, base: at });
      for (const entry of attempt.entries)
        expect(Buffer.compare(entries[at++] ?? new Uint8Array(), entry), `append ${number} is whole`).toBe(0);
    }
  }
  for (const { number, outcome, entries } of attempts) {
    const place = found.get(number);
    if (outcome === 'failed') expect(place, `append ${number} failed, so it is not there`).toBeUndefined();
    if (typeof outcome === 'number')
      expect(place?.base, `append ${number} was acknowledged`).toBe(outcome - entries.length);
  }
}
