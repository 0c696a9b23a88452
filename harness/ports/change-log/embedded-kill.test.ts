import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startChild } from '../../processes/child-process.js';
import { encodeFrame } from '../../rpc/frames.js';
import { packBlobs } from '../../rpc/packed.js';
import { connectChangeLog } from './embedded.js';
import { startChangeLogServer } from './embedded-process.js';
import { changeLogKillContract, entryOf, readAll } from './kill-contract.js';

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

changeLogKillContract('the embedded change log', async () => {
  const own = await mkdtemp(join(tmpdir(), 'change-log-'));
  let started = await startChangeLogServer({ directory: own, port: 0 });
  return {
    rounds: 12,
    connect: () => connectChangeLog({ port: started.port }),
    kill: () => started.child.signal('SIGKILL'),
    async revive() {
      await started.child.exited;
      started = await startChangeLogServer({ directory: own, port: started.port });
    },
    async close() {
      await started.child.stop();
      await rm(own, { recursive: true });
    },
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
