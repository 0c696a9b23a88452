/** Servers that take a call and do not answer it: it is given up, and later ones do not wait behind it. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { leaderOf } from './change-log/kafka.js';
import { connectBroker, refusalOf } from './change-log/kafka-connection.js';
import { connectOnlineStore } from './online-store/redis.js';

let server: Server | undefined;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

/** Null: silence. `connection` counts from 0. */
async function serve(answer: (asked: Buffer, connection: number) => Buffer | string | null): Promise<number> {
  server = createServer((socket) => {
    const connection = sockets.push(socket) - 1;
    socket.on('error', () => {});
    socket.on('data', (asked) => {
      const answered = answer(asked, connection);
      if (answered !== null) socket.write(answered);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

test('a connection to a broker that did not answer is closed, and what else was asked over it is given up', async () => {
  const [produce, fetch, metadata, apiVersions] = [0, 1, 3, 18];
  const port = await serve((asked) => {
    if (asked.readInt16BE(4) !== apiVersions) return null;
    // Version 2: size, correlation id, no error, three requests of which it takes versions 0 to 11, no throttling.
    const body = Buffer.alloc(4 + 4 + 2 + 4 + 3 * 6 + 4);
    body.writeInt32BE(body.length - 4);
    asked.copy(body, 4, 8, 12);
    body.writeInt32BE(3, 10);
    [produce, fetch, metadata].forEach((key, i) => {
      body.writeInt16BE(key, 14 + 6 * i);
      body.writeInt16BE(11, 18 + 6 * i);
    });
    return body;
  });
  const broker = await connectBroker({ host: '127.0.0.1', port }, 300);
  const later = broker.send({
    ...{ name: 'Fetch', key: fetch, version: 11, body: Buffer.alloc(4) },
    timeoutMs: 60_000,
    answer: () => expect.fail('nobody answers'),
  });
  const told = expect(later).rejects.toThrow('it did not answer another request of its connection');
  const error = await broker.ask('Metadata', { topics: [] }).then(
    () => expect.fail(),
    (reason: unknown) => reason,
  );
  expect(refusalOf(error)).toBeNull();
  expect(broker.isOpen).toBe(false);
  await told;
});

test('who leads is asked of all brokers, and it is said why none of them tells', async () => {
  const brokers = ['127.0.0.1:9', 'localhost:9'];
  await expect(leaderOf({ brokers, replication: 3 }, 'changes', 0)).rejects.toThrow(
    /^no broker of 127\.0\.0\.1:9, localhost:9 says who leads partition 0 of 'changes': .*ECONNREFUSED.*; .*ECONNREFUSED/,
  );
});

test('a call that Redis did not answer in time was the last over its connection', { timeout: 60_000 }, async () => {
  const row = Buffer.alloc(24);
  row.writeDoubleLE(7, 0);
  row.writeDoubleLE(Number.POSITIVE_INFINITY, 16);
  const header = Buffer.from(`*1\r\n$${row.length}\r\n`);
  const port = await serve((asked, connection) => {
    const command = /\*\d+\r\n\$\d+\r\n(\w+)/.exec(asked.toString('latin1'))?.[1]?.toLowerCase();
    if (command === 'info') return '$33\r\nredis_version:7.2.11\r\nloading:0\r\n\r\n';
    if (command !== 'hmget') return '+OK\r\n';
    return connection === 0 ? null : Buffer.concat([header, row, Buffer.from('\r\n')]);
  });
  const store = connectOnlineStore({ port });
  await expect(store.get('rows', ['k'])).rejects.toMatchObject({ outcome: 'indeterminate' });
  expect(await store.get('rows', ['k'])).toMatchObject([{ seq: 7 }]);
  expect(sockets.length).toBe(2);
  await store.close();
});
