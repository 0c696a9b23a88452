/** Servers of a stack that are killed and brought up again, as an outage does it: tests for every stack of processes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CallError } from '../errors.js';
import type { PortName, Ports } from '../ports/ports.js';
import { openScratch, type Scratch } from '../processes/scratch.js';
import { type MachineSupervisor, supervise } from '../processes/supervisor.js';
import type { StoredBytes } from '../record/facts.js';
import { serverNames } from './own-servers.js';
import { openPorts, type Stack, type StackServer, serverForms } from './stack.js';
import { startServers } from './start.js';

/** `rounds`: how often each server is taken down; 0: there is none, or it is that of another stack and tried there. */
export function stackServersContract(
  name: 'embedded' | 'native' | 'docker',
  rounds: Readonly<Record<PortName, number>>,
): void {
  describe(`servers of the stack ${name}`, () => {
    let scratch: Scratch;
    let supervisor: MachineSupervisor;
    let stack: Stack;
    let opened: Awaited<ReturnType<typeof openPorts>>;
    let ports: Ports;
    beforeAll(async () => {
      scratch = await openScratch();
      supervisor = supervise({ lullStartUs: 1_000, restartDelayUs: 0, scratch });
      const uses = ['changeLog', 'onlineStore', 'tables', 'warehouse'] as const;
      stack = await startServers(name, { supervisor, directory: scratch.directory, uses, wired: [] });
      opened = await openPorts(stack.connection, supervisor.clock);
      ({ ports } = opened);
    });
    afterAll(async () => {
      await opened?.close();
      await supervisor?.stopAll();
      await scratch?.close();
    });
    const serverOf = (port: PortName) => stack.servers[port] as StackServer;

    it('keep what was written where the harness counts its bytes, those of the log of a table among them', async () => {
      const before = (await stack.storedBytes!()) as Required<StoredBytes>;
      await ports.onlineStore.put('counted', row(1));
      await ports.tables.create('counted', [{ name: 'number', type: 'int', nullable: false }]);
      await ports.tables.append('counted', { rows: 1, columns: { number: [1] } }, []);
      const [file] = (await ports.tables.snapshot('counted')).files;
      const { onlineStore, tables, warehouse, ...others } = (await stack.storedBytes!()) as Required<StoredBytes>;
      expect(others).toEqual({});
      expect(tables.hot).toBeGreaterThan(before.tables.hot + file!.bytes);
      expect(onlineStore.hot).toBeGreaterThan(0);
      expect(warehouse.hot).toBeGreaterThan(0);
    });

    describe.each(kept.filter(({ port }) => rounds[port] > 0))('the server of $port', ({ port, write, count }) => {
      const process = serverNames[port];
      const pidOf = () => supervisor.processes().find(({ name }) => name === process)?.pid;

      it('is gone when it was taken down, and comes back to its clients with all that it had acknowledged', async () => {
        let written = 0;
        for (let round = 1; round <= rounds[port]; round++) {
          for (let i = 0; i < 3; i++) await write(ports, ++written);
          const before = pidOf();
          const down = await serverOf(port).takeDown();
          expect(down.saw).toBe(`the server ${process} was gone (SIGKILL)`);
          expect(supervisor.isRunning(process)).toBe(false);
          expect(await outcomeOf(count(ports)), 'nobody is there').toMatch(/^(failed|indeterminate)$/);
          await serverOf(port).bringUp();
          expect(supervisor.lastEvent(process)?.kind).toBe('ready');
          expect(pidOf()).not.toBe(before);
          // The same client, and the same address.
          expect(await answered(() => count(ports)), `round ${round}`).toBe(written);
        }
      });

      it.runIf(rounds[port] > 1)(
        'that is taken down twice is gone once, and up after it was brought up, however often',
        async () => {
          const held = await answered(() => count(ports));
          const server = serverOf(port);
          const since = supervisor.eventCount();
          const first = await server.takeDown();
          // Whoever asks later sees later that it is gone.
          const second = await server.takeDown();
          expect(second.saw).toBe(first.saw);
          expect(second.atUs).toBeGreaterThanOrEqual(first.atUs);
          await Promise.all([server.bringUp(), server.bringUp()]);
          const pid = pidOf();
          await server.bringUp();
          expect(pidOf()).toBe(pid);
          expect(await answered(() => count(ports))).toBe(held);
          expect(supervisor.eventCount() - since, 'exited, started, ready').toBe(3);
        },
      );

      it('answers nobody while it stands still, and goes on with what it held', async () => {
        const held = await answered(() => count(ports));
        const server = serverOf(port);
        const since = supervisor.eventCount();
        expect(await server.pause?.()).toMatchObject({ saw: `the server ${process} stood still` });
        const asked = answered(() => count(ports));
        const silence = supervisor.clock.sleep(silentUs).then(() => 'no answer');
        expect(await Promise.race([asked, silence])).toBe('no answer');
        await server.resume?.();
        await server.resume?.();
        expect(await asked).toBe(held);
        expect(supervisor.hasExited(process, since)).toBe(false);
      });

      it.runIf(serverForms(name)[port] === 'container')(
        'is reached by nobody while it is off the network, and where it was afterwards, with what it held',
        async () => {
          const held = await answered(() => count(ports));
          const server = serverOf(port);
          const since = supervisor.eventCount();
          expect(await server.cutOff?.()).toMatchObject({ saw: `the server ${process} was on no network` });
          expect(await outcomeOf(count(ports)), 'nobody is there').toMatch(/^(failed|indeterminate)$/);
          await server.cutOff?.();
          await server.rejoin?.();
          await server.rejoin?.();
          // A bridge asks for about a second who has the address.
          await expect.poll(() => outcomeOf(count(ports)), { timeout: 10_000 }).toBe('ok');
          expect(await count(ports)).toBe(held);
          expect(supervisor.hasExited(process, since)).toBe(false);
        },
      );
    });
  });
}

/** Longer than any of these calls takes, and shorter than any client waits. */
const silentUs = 500_000;

const outcomeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: unknown) => (error instanceof CallError ? error.outcome : `threw ${error}`),
  );

interface Kept {
  readonly port: PortName;
  /** Acknowledged when it resolves; `number` from 1 on. */
  write(ports: Ports, number: number): Promise<unknown>;
  /** How many of the writes are there. */
  count(ports: Ports): Promise<number>;
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
    async write(ports, number) {
      await ports.changeLog.createTopic('t', 1);
      await ports.changeLog.append('t', 0, [Uint8Array.of(number)]);
    },
    count: async (ports) => (await ports.changeLog.endOffsets('t'))[0] ?? 0,
  },
  {
    port: 'onlineStore',
    write: (ports, number) => ports.onlineStore.put('t', row(number)),
    count: async (ports) => (await ports.onlineStore.scan('t', null, 100)).length,
  },
  {
    port: 'tables',
    async write(ports, number) {
      if (number === 1) await ports.tables.create('t', [{ name: 'number', type: 'int', nullable: false }]);
      await ports.tables.append('t', { rows: 1, columns: { number: [number] } }, []);
    },
    async count(ports) {
      let rows = 0;
      for await (const batch of ports.tables.scan(await ports.tables.snapshot('t'), { columns: ['number'] }))
        rows += batch.rows;
      return rows;
    },
  },
  {
    port: 'warehouse',
    async write(ports, number) {
      await ports.warehouse.createTable('t', [{ name: 'number', type: 'int', nullable: false }]);
      await ports.warehouse.stage(
        't',
        { rows: 1, columns: { number: [number] } },
        { source: 's', from: number === 1 ? null : [number - 1], to: [number] },
      );
    },
    async count(ports) {
      let rows = 0;
      for await (const batch of ports.warehouse.scan('t', ['number'])) rows += batch.rows;
      return rows;
    },
  },
];

/** A call that is in flight when its connection breaks is lost, once; the next one connects again. */
async function answered<T>(call: () => Promise<T>): Promise<T> {
  return call().catch((error: unknown) => {
    if (error instanceof CallError && error.outcome === 'indeterminate') return call();
    throw error;
  });
}
