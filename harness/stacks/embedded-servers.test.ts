/** Servers of the embedded stack that are killed and brought up again, as an outage does it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CallError } from '../errors.js';
import type { PortName, Ports } from '../ports/ports.js';
import { openScratch, type Scratch } from '../processes/scratch.js';
import { type Supervisor, supervise } from '../processes/supervisor.js';
import { startEmbedded } from './embedded.js';
import { openPorts, type Stack, type StackServer } from './stack.js';

let scratch: Scratch;
let supervisor: Supervisor;
let stack: Stack;
let opened: ReturnType<typeof openPorts>;
let ports: Ports;
beforeAll(async () => {
  scratch = await openScratch();
  supervisor = supervise({ lullStartUs: 1_000, restartDelayUs: 0, scratch });
  stack = await startEmbedded({
    supervisor,
    directory: scratch.directory,
    uses: ['changeLog', 'onlineStore', 'tables', 'warehouse'],
  });
  opened = openPorts(stack.connection, supervisor.clock);
  ({ ports } = opened);
});
afterAll(async () => {
  await opened.close();
  await supervisor.stopAll();
  await scratch.close();
});

const serverOf = (port: PortName) => stack.servers[port] as StackServer;
const outcomeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: unknown) => (error instanceof CallError ? error.outcome : `threw ${error}`),
  );

interface Kept {
  readonly port: 'changeLog' | 'onlineStore' | 'warehouse';
  readonly process: string;
  /** Acknowledged when it resolves; `number` from 1 on. */
  write(number: number): Promise<unknown>;
  /** How many of the writes are there. */
  count(): Promise<number>;
}

const row = (number: number) => ({
  keys: [`k${number}`],
  seqs: [number],
  asOfUs: [number],
  values: [Uint8Array.of(number)],
});
const kept: readonly Kept[] = [
  {
    port: 'changeLog',
    process: 'change-log',
    async write(number) {
      await ports.changeLog.createTopic('t', 1);
      await ports.changeLog.append('t', 0, [Uint8Array.of(number)]);
    },
    count: async () => (await ports.changeLog.endOffsets('t'))[0] ?? 0,
  },
  {
    port: 'onlineStore',
    process: 'online-store',
    write: (number) => ports.onlineStore.put('t', row(number)),
    count: async () => (await ports.onlineStore.scan('t', null, 100)).length,
  },
  {
    port: 'warehouse',
    process: 'warehouse',
    async write(number) {
      await ports.warehouse.createTable('t', [{ name: 'number', type: 'int', nullable: false }]);
      await ports.warehouse.stage(
        't',
        { rows: 1, columns: { number: [number] } },
        { source: 's', from: number === 1 ? null : [number - 1], to: [number] },
      );
    },
    async count() {
      let rows = 0;
      for await (const batch of ports.warehouse.scan('t', ['number'])) rows += batch.rows;
      return rows;
    },
  },
];

describe.each(kept)('the server of $port', ({ port, process, write, count }) => {
  const pidOf = () => supervisor.processes().find(({ name }) => name === process)?.pid;

  it('is gone when it was taken down, and comes back to its clients with all that it had acknowledged', async () => {
    let written = 0;
    for (const round of [1, 2]) {
      for (let i = 0; i < 3; i++) await write(++written);
      const before = pidOf();
      const down = await serverOf(port).takeDown();
      expect(down.saw).toBe(`the server ${process} was gone (SIGKILL)`);
      expect(supervisor.isRunning(process)).toBe(false);
      expect(await outcomeOf(count()), 'nobody is there').toMatch(/^(failed|indeterminate)$/);
      await serverOf(port).bringUp();
      expect(supervisor.lastEvent(process)?.kind).toBe('ready');
      expect(pidOf()).not.toBe(before);
      // The same client, and the same address.
      expect(await answered(count), `round ${round}`).toBe(written);
    }
  });

  it('that is taken down twice is gone once, and up after it was brought up, however often', async () => {
    const held = await answered(count);
    const server = serverOf(port);
    const since = supervisor.eventCount();
    const first = await server.takeDown();
    expect(await server.takeDown()).toEqual(first);
    await Promise.all([server.bringUp(), server.bringUp()]);
    const pid = pidOf();
    await server.bringUp();
    expect(pidOf()).toBe(pid);
    expect(await answered(count)).toBe(held);
    expect(supervisor.eventCount() - since, 'exited, started, ready').toBe(3);
  });
});

describe('tables on a local disk', () => {
  it('have no server that could be taken down', () => {
    expect(stack.servers.tables).toBeUndefined();
  });
});

describe('a stack whose run was stopped while a server was down', () => {
  it('starts none any more', async () => {
    const own = supervise({ lullStartUs: 1_000, restartDelayUs: 0, scratch });
    const { servers } = await startEmbedded({ supervisor: own, directory: `${scratch.directory}/stopped`, uses: [] });
    expect(Object.keys(servers)).toEqual(['changeLog']);
    await servers.changeLog?.takeDown();
    await own.stopAll();
    const events = own.eventCount();
    await servers.changeLog?.bringUp();
    expect(own.eventCount()).toBe(events);
    expect(own.isRunning('change-log')).toBe(false);
  });
});

/** A call that is in flight when its connection breaks is lost, once; the next one connects again. */
async function answered<T>(call: () => Promise<T>): Promise<T> {
  return call().catch((error: unknown) => {
    if (error instanceof CallError && error.outcome === 'indeterminate') return call();
    throw error;
  });
}
