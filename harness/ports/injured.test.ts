/** Over the simulated ports, in virtual time: what an injury does to a call, and that there is nothing of it without one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockOf } from '../clock.js';
import { CallError } from '../errors.js';
import { seededRandom } from '../random.js';
import { createVirtualTime } from '../simulation/virtual-time.js';
import { simulateChangeLog } from './change-log/simulated.js';
import { type InjuredPort, injurePorts, type PortInjury } from './injured.js';
import { simulateOnlineStore } from './online-store/simulated.js';
import { type PortName, type Ports, portNames } from './ports.js';
import { simulateTableStore } from './table-store/simulated.js';
import { simulateWarehouse } from './warehouse/simulated.js';

interface Struck {
  readonly id: number;
  readonly operation: string;
}

/** `calls`: every call that has reached the ports behind the injuries, with its `this`. */
async function withPorts(
  test: (under: {
    readonly ports: Ports;
    readonly real: Ports;
    readonly calls: { readonly what: string; readonly self: unknown; readonly args: unknown[] }[];
    readonly struck: Struck[];
    suffer(...injuries: readonly (readonly [PortName, PortInjury])[]): void;
    nowUs(): number;
    /** From now on servers take so long for each call. */
    serveIn(us: number): void;
  }) => Promise<void>,
): Promise<void> {
  const time = createVirtualTime();
  const clock = clockOf(time.nowUs, time.after);
  let serviceUs = 0;
  const use = async () => {
    if (serviceUs > 0) await clock.sleep(serviceUs);
  };
  const resource = { use, busyUs: () => 0 };
  const parquet = () => [];
  const real: Ports = {
    changeLog: simulateChangeLog({ clock, resource }),
    onlineStore: simulateOnlineStore({ clock, resource }),
    tables: simulateTableStore({ clock, resource, parquet, host: time.host }),
    warehouse: simulateWarehouse({ resource, parquet, host: time.host }),
  };
  const calls: { what: string; self: unknown; args: unknown[] }[] = [];
  const watched = Object.fromEntries(portNames.map((name) => [name, watch(name, real[name])])) as unknown as Ports;
  const struck: Struck[] = [];
  const injured = injurePorts(watched, {
    clock,
    random: seededRandom(5),
    onStruck: ({ id }, operation) => struck.push({ id, operation }),
  });
  await time.run(() =>
    test({
      ports: injured.ports,
      real: watched,
      calls,
      struck,
      suffer: (...injuries) =>
        injured.suffer(injuries.map(([port, injury], id): InjuredPort => ({ id, port, injury }))),
      nowUs: clock.nowUs,
      serveIn: (us) => {
        serviceUs = us;
      },
    }),
  );

  function watch<Port extends object>(name: string, port: Port): Port {
    const wrapped = Object.entries(port).map(([operation, call]) => [
      operation,
      function (this: unknown, ...args: unknown[]) {
        calls.push({ what: `${name}.${operation}`, self: this, args });
        return (call as (...args: unknown[]) => unknown).apply(port, args);
      },
    ]);
    return Object.fromEntries(wrapped) as Port;
  }
}

const outcomeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: unknown) => (error instanceof CallError ? error.outcome : `threw ${error}`),
  );
const row = (key: string, seq: number) => ({ keys: [key], seqs: [seq], asOfUs: [0], values: [Uint8Array.of(seq)] });
const down: PortInjury = { kind: 'down' };

describe('a port that is not hurt', () => {
  it('passes every call on at once: the same arguments, this and promise', async () => {
    const answer = Promise.resolve([]);
    const told: unknown[][] = [];
    const pages = { [Symbol.asyncIterator]: () => [][Symbol.iterator]() as never };
    const fake = new Map<PortName, Record<string, unknown>>();
    for (const name of portNames) {
      const port: Record<string, unknown> = {};
      for (const operation of ['append', 'read', 'get', 'close', 'inventory', 'scan', 'readParquet']) {
        port[operation] = function (this: unknown, ...args: unknown[]) {
          told.push([name, operation, this, ...args]);
          return operation === 'scan' || operation === 'readParquet' ? pages : answer;
        };
      }
      fake.set(name, port);
    }
    const { ports, suffer } = injurePorts(Object.fromEntries(fake) as unknown as Ports, {
      clock: clockOf(
        () => 0,
        () => () => {},
      ),
      random: seededRandom(1),
      onStruck: () => expect.unreachable(),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...portNames),
        fc.constantFrom('append', 'read', 'get', 'close', 'inventory', 'scan', 'readParquet'),
        fc.array(fc.anything(), { maxLength: 4 }),
        fc.boolean(),
        (name, operation, args, other) => {
          // Neither does what befalls another port concern this one.
          suffer(
            other ? portNames.filter((port) => port !== name).map((port, id) => ({ id, port, injury: down })) : [],
          );
          const before = told.length;
          const call = (ports[name] as unknown as Record<string, (...args: unknown[]) => unknown>)[operation];
          const answered = call?.(...args);
          expect(answered).toBe(operation === 'scan' || operation === 'readParquet' ? pages : answer);
          expect(told.length).toBe(before + 1);
          const [toName, toOperation, self, ...heard] = told.at(-1) as unknown[];
          expect([toName, toOperation]).toEqual([name, operation]);
          expect(self).toBe(fake.get(name));
          expect(heard.length).toBe(args.length);
          for (const [i, argument] of heard.entries()) expect(argument).toBe(args[i]);
        },
      ),
    );
  });

  it('is opened at its first use, once', () => {
    let opened = 0;
    const log = { append: async () => 7 };
    const { ports } = injurePorts(
      {
        get changeLog() {
          opened++;
          return log;
        },
        get warehouse(): never {
          throw new Error('not in `uses`');
        },
      } as unknown as Ports,
      {
        clock: clockOf(
          () => 0,
          () => () => {},
        ),
        random: seededRandom(1),
        onStruck: () => {},
      },
    );
    expect(opened).toBe(0);
    expect(ports.changeLog).toBe(ports.changeLog);
    expect(opened).toBe(1);
    expect(() => ports.warehouse).toThrow('not in `uses`');
  });

  it('is as before once it has healed', () =>
    withPorts(async ({ ports, real, calls, suffer, nowUs, struck }) => {
      suffer(['onlineStore', { kind: 'slow', latencyUs: 1_000, jitterUs: 0 }], ['onlineStore', down]);
      expect(await outcomeOf(ports.onlineStore.put('t', row('k', 1)))).toBe('failed');
      suffer();
      const untilUs = nowUs();
      const hurt = struck.length;
      const put = row('k', 2);
      expect(await ports.onlineStore.put('t', put)).toEqual({ written: 1, stale: 0 });
      expect((await ports.onlineStore.get('t', ['k']))[0]?.seq).toBe(2);
      expect(calls[0]?.self).toBe(real.onlineStore);
      expect(calls[0]?.args[1]).toBe(put);
      expect([nowUs(), struck.length]).toEqual([untilUs, hurt]);
    }));
});

describe('a slow port', () => {
  it('takes so much longer, within the jitter, and does the same', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(50_000), fc.nat(50_000), async (latencyUs, jitterUs) => {
        await withPorts(async ({ ports, suffer, nowUs, struck }) => {
          suffer(['onlineStore', { kind: 'slow', latencyUs, jitterUs }]);
          for (let seq = 1; seq <= 3; seq++) {
            const fromUs = nowUs();
            expect(await ports.onlineStore.put('t', row('k', seq))).toEqual({ written: 1, stale: 0 });
            expect(nowUs() - fromUs).toBeGreaterThanOrEqual(latencyUs);
            expect(nowUs() - fromUs).toBeLessThanOrEqual(latencyUs + Math.max(0, jitterUs - 1));
          }
          expect(struck).toEqual(Array(3).fill({ id: 0, operation: 'put' }));
        });
      }),
      { numRuns: 40 },
    ));

  it('does not hold back calls that were made before', () =>
    withPorts(async ({ ports, suffer, nowUs }) => {
      await ports.changeLog.createTopic('t', 1);
      const reading = ports.changeLog.read('t', 0, 0, { maxBytes: 100, maxWaitUs: 5_000 });
      suffer(['changeLog', { kind: 'slow', latencyUs: 1_000_000, jitterUs: 0 }]);
      expect((await reading).entries).toEqual([]);
      expect(nowUs()).toBe(5_000);
    }));

  it('delays a stream once, before its first page', () =>
    withPorts(async ({ ports, suffer, nowUs }) => {
      await ports.warehouse.createTable('t', [{ name: 'id', type: 'int', nullable: false }]);
      suffer(['warehouse', { kind: 'slow', latencyUs: 7_000, jitterUs: 0 }]);
      for await (const _ of ports.warehouse.scan('t', ['id']));
      expect(nowUs()).toBe(7_000);
    }));
});

describe('a failing port', () => {
  it('fails so many calls in a million: half without effect and `failed`, half with it and `indeterminate`', () =>
    withPorts(async ({ ports, calls, suffer, struck }) => {
      await ports.changeLog.createTopic('t', 1);
      calls.length = 0;
      suffer(['changeLog', { kind: 'failing', errorPpm: 300_000 }]);
      const counts = { ok: 0, failed: 0, indeterminate: 0 };
      const total = 4_000;
      for (let i = 0; i < total; i++) {
        const [before] = (await real(ports)).slice();
        const outcome = (await outcomeOf(ports.changeLog.append('t', 0, [Uint8Array.of(1)]))) as keyof typeof counts;
        counts[outcome]++;
        const [after] = await real(ports);
        // It took effect unless it says that it certainly did not.
        expect((after as number) - (before as number), outcome).toBe(outcome === 'failed' ? 0 : 1);
      }
      // Three standard deviations of a binomial count are 87 and 67.
      expect(Math.abs(counts.failed + counts.indeterminate - 0.3 * total)).toBeLessThan(87);
      expect(Math.abs(counts.failed - 0.15 * total)).toBeLessThan(67 + 1);
      expect(struck.length).toBe(counts.failed + counts.indeterminate);
      expect(calls.filter(({ what }) => what === 'changeLog.append')).toHaveLength(total - counts.failed);

      /** Read past the injury. */
      async function real({ changeLog }: Ports): Promise<number[]> {
        suffer();
        const offsets = await changeLog.endOffsets('t');
        suffer(['changeLog', { kind: 'failing', errorPpm: 300_000 }]);
        return offsets;
      }
    }));

  it('fails every call at a million in a million, and none at zero', () =>
    withPorts(async ({ ports, suffer, struck }) => {
      suffer(['onlineStore', { kind: 'failing', errorPpm: 1_000_000 }]);
      const seen = new Set<string>();
      for (let i = 0; i < 50; i++) seen.add(await outcomeOf(ports.onlineStore.get('t', ['k'])));
      expect([...seen].sort()).toEqual(['failed', 'indeterminate']);
      suffer(['onlineStore', { kind: 'failing', errorPpm: 0 }]);
      struck.length = 0;
      for (let i = 0; i < 50; i++) expect(await outcomeOf(ports.onlineStore.get('t', ['k']))).toBe('ok');
      expect(struck).toEqual([]);
    }));

  it('breaks a stream off before its first page: a read has no effect to be in doubt of', () =>
    withPorts(async ({ ports, suffer }) => {
      await ports.warehouse.createTable('t', [{ name: 'id', type: 'int', nullable: false }]);
      suffer(['warehouse', { kind: 'failing', errorPpm: 1_000_000 }]);
      for (let i = 0; i < 20; i++) {
        const outcome = await outcomeOf(
          (async () => {
            for await (const _ of ports.warehouse.scan('t', ['id'])) expect.unreachable();
          })(),
        );
        expect(outcome).toBe('failed');
      }
    }));

  it("leaves a call's own error as it is", () =>
    withPorts(async ({ ports, suffer }) => {
      suffer(['changeLog', { kind: 'slow', latencyUs: 10, jitterUs: 0 }]);
      const own = await outcomeOf(ports.changeLog.endOffsets('no such topic'));
      suffer();
      expect(await outcomeOf(ports.changeLog.endOffsets('no such topic'))).toBe(own);
      expect(own).not.toBe('ok');
    }));
});

describe('a port whose wire is hurt', () => {
  it('does nothing to a call, and tells of one that fails or has no answer in time', () =>
    withPorts(async ({ ports, suffer, struck, nowUs, serveIn }) => {
      await ports.changeLog.createTopic('t', 1);
      suffer(['changeLog', { kind: 'outside', fromUs: 0, slowUs: 10_000 }]);
      const read = (maxWaitUs: number) => ports.changeLog.read('t', 0, 0, { maxBytes: 100, maxWaitUs });
      // A read that waits for changes as long as it was asked to has met nothing.
      await read(29_999);
      expect([struck, nowUs()]).toEqual([[], 29_999]);
      serveIn(9_999);
      await read(20_000);
      expect([struck, nowUs()]).toEqual([[], 59_998]);
      serveIn(10_001);
      await read(20_000);
      expect([struck, nowUs()]).toEqual([[{ id: 0, operation: 'read' }], 89_999]);
      await expect(ports.changeLog.endOffsets('no such topic')).rejects.toThrow('no such topic');
      expect(struck[1]).toEqual({ id: 0, operation: 'endOffsets' });
    }));

  it('tells of a call that was under way when the wire was hurt, and of none that was over before', () =>
    withPorts(async ({ ports, suffer, struck, nowUs, serveIn }) => {
      await ports.changeLog.createTopic('t', 1);
      suffer(['changeLog', { kind: 'outside', fromUs: 100_000, slowUs: 10_000 }]);
      const read = (maxWaitUs: number) => ports.changeLog.read('t', 0, 0, { maxBytes: 100, maxWaitUs });
      await expect(ports.changeLog.endOffsets('no such topic')).rejects.toThrow('no such topic');
      await read(80_000);
      expect(struck).toEqual([]);
      serveIn(50_000);
      await read(0);
      expect([struck, nowUs()]).toEqual([[{ id: 0, operation: 'read' }], 130_000]);
    }));

  it('passes a stream on page by page, and ends it where its reader does', () =>
    withPorts(async ({ ports, suffer, struck }) => {
      await ports.warehouse.createTable('t', [{ name: 'id', type: 'int', nullable: false }]);
      const rows = { rows: 3, columns: { id: [1, 2, 3] } };
      await ports.warehouse.stage('t', rows, { source: 's', from: null, to: [1] });
      suffer(['warehouse', { kind: 'outside', fromUs: 0, slowUs: 10_000_000 }]);
      let seen = 0;
      for await (const batch of ports.warehouse.scan('t', ['id'])) {
        seen += batch.rows;
        break;
      }
      expect([seen, struck]).toEqual([3, []]);
    }));
});

describe('a port that computes and whose wire is hurt', () => {
  const fromUs = 1_000_000;
  const refused = new CallError('failed', 'a data file was not put', {
    cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
  });

  /** The operations that were told of, of those that were called one after the other. */
  async function toldOf(
    ...calls: readonly (readonly [operation: string, atUs: number, tookUs: number, error?: Error])[]
  ) {
    const time = createVirtualTime();
    const clock = clockOf(time.nowUs, time.after);
    const told: string[] = [];
    const work = async (tookUs: number, error?: Error) => {
      await clock.sleep(tookUs);
      if (error) throw error;
    };
    const { ports, suffer } = injurePorts({ tables: { compact: work, append: work } } as unknown as Ports, {
      clock,
      random: seededRandom(1),
      onStruck: (_, operation) => void told.push(`${operation} at ${time.nowUs()}`),
    });
    suffer([{ id: 0, port: 'tables', injury: { kind: 'outside', fromUs, slowUs: 10_000 } }]);
    const tables = ports.tables as unknown as Record<string, typeof work>;
    await time.run(async () => {
      for (const [operation, atUs, tookUs, error] of calls) {
        await clock.sleepUntil(atUs);
        await outcomeOf(tables[operation]!(tookUs, error));
      }
    });
    return told;
  }

  it('is met by a call that takes twice as long as any of its operation did before', async () => {
    const usual = [
      ['compact', 0, 100_000],
      ['append', 200_000, 1_000],
    ] as const;
    expect(await toldOf(...usual, ['compact', fromUs, 199_000], ['append', 2 * fromUs, 9_000])).toEqual([]);
    expect(await toldOf(...usual, ['compact', fromUs, 201_000])).toEqual(['compact at 1200000']);
    expect(await toldOf(...usual, ['append', fromUs, 11_000])).toEqual(['append at 1010000']);
    // What took long when the wire was hurt already is no measure.
    expect(await toldOf(...usual, ['append', fromUs, 11_000], ['append', 2 * fromUs, 11_000])).toHaveLength(2);
  });

  it('is not met by a slow call of which nobody knows how long it takes', async () => {
    expect(await toldOf(['compact', fromUs, 5_000_000])).toEqual([]);
  });

  it('is met by a failure of the connection, or one that leaves a doubt, and by no other', async () => {
    const lost = new CallError('failed', '50 commits in a row were overtaken by others');
    expect(await toldOf(['append', fromUs, 5, lost])).toEqual([]);
    expect(await toldOf(['append', fromUs, 5, new CallError('indeterminate', 'no answer')])).toHaveLength(1);
    expect(await toldOf(['append', fromUs, 5, refused])).toHaveLength(1);
    expect(await toldOf(['append', fromUs - 100, 5, refused])).toEqual([]);
  });
});

describe('a full port', () => {
  const takesRoom: Readonly<Record<PortName, readonly string[]>> = {
    changeLog: ['append', 'commit', 'createTopic'],
    onlineStore: ['put'],
    tables: [
      'append',
      'compact',
      'create',
      'derive',
      'evolve',
      'fold',
      'pin',
      'remove',
      'restore',
      'tier',
      'unpin',
      'upsert',
    ],
    warehouse: ['copy', 'createTable', 'insert', 'merge', 'refresh', 'stage'],
  };

  it.each(portNames)('%s: refuses what takes room and nothing else', async (name) => {
    const struck: string[] = [];
    const reached: string[] = [];
    let real: Record<string, unknown> = {};
    await withPorts(async ({ real: ports }) => {
      real = ports[name] as never;
    });
    const operations = Object.keys(real).filter((operation) => !['close', 'stored'].includes(operation));
    expect(operations).toEqual(expect.arrayContaining([...takesRoom[name]]));
    const port = Object.fromEntries(
      operations.map((operation) => [
        operation,
        () => {
          reached.push(operation);
          return Object.assign(Promise.resolve(), { async *[Symbol.asyncIterator]() {} });
        },
      ]),
    );
    const { ports, suffer } = injurePorts({ [name]: port } as unknown as Ports, {
      clock: clockOf(
        () => 0,
        (_, callback) => {
          queueMicrotask(callback);
          return () => {};
        },
      ),
      random: seededRandom(1),
      onStruck: (_, operation) => struck.push(operation),
    });
    suffer([{ id: 0, port: name, injury: { kind: 'full' } }]);
    for (const operation of operations) {
      const call = (ports[name] as unknown as Record<string, () => Promise<unknown>>)[operation];
      const answer = call?.() as Promise<unknown> & AsyncIterable<unknown>;
      if (Symbol.asyncIterator in answer) for await (const _ of answer);
      else await outcomeOf(answer);
    }
    expect(struck.toSorted()).toEqual(takesRoom[name]);
    expect(reached.toSorted()).toEqual(operations.filter((name_) => !struck.includes(name_)).toSorted());
  });

  it('says why, as a disk does, and that nothing was done', () =>
    withPorts(async ({ ports, suffer, calls }) => {
      suffer(['onlineStore', { kind: 'full' }]);
      const refused = ports.onlineStore.put('t', row('k', 1));
      await expect(refused).rejects.toThrow('onlineStore.put: no space left on device');
      expect(await outcomeOf(refused)).toBe('failed');
      expect(calls).toEqual([]);
      expect(await ports.onlineStore.get('t', ['k'])).toEqual([null]);
    }));
});

describe('a port that is down', () => {
  it('answers no call, takes a moment to say so, and can still be closed', () =>
    withPorts(async ({ ports, suffer, calls, nowUs }) => {
      suffer(['changeLog', down], ['warehouse', down]);
      const fromUs = nowUs();
      await expect(ports.changeLog.endOffsets('t')).rejects.toThrow('changeLog.endOffsets: nobody answers');
      expect(nowUs()).toBeGreaterThan(fromUs);
      const scanned = (async () => {
        for await (const _ of ports.warehouse.scan('t', [])) expect.unreachable();
      })();
      expect(await outcomeOf(scanned)).toBe('failed');
      expect(await outcomeOf(ports.onlineStore.get('t', ['k'])), 'another port is as ever').toBe('ok');
      await ports.changeLog.close();
      expect(calls.map(({ what }) => what).filter((what) => !what.startsWith('onlineStore'))).toEqual([
        'changeLog.close',
      ]);
    }));
});

describe('several injuries of a port', () => {
  it('all befall a call, in turn: it is late first and refused then, and both are told', () =>
    withPorts(async ({ ports, suffer, nowUs, struck, calls }) => {
      suffer(['onlineStore', { kind: 'slow', latencyUs: 5_000, jitterUs: 0 }], ['onlineStore', { kind: 'full' }]);
      expect(await outcomeOf(ports.onlineStore.put('t', row('k', 1)))).toBe('failed');
      expect(nowUs()).toBeGreaterThan(5_000);
      expect(struck).toEqual([
        { id: 0, operation: 'put' },
        { id: 1, operation: 'put' },
      ]);
      expect(await outcomeOf(ports.onlineStore.get('t', ['k']))).toBe('ok');
      expect(calls.map(({ what }) => what)).toEqual(['onlineStore.get']);
    }));

  it('one that is refused is never in doubt, whichever comes first', () =>
    withPorts(async ({ ports, suffer, calls }) => {
      const failing: PortInjury = { kind: 'failing', errorPpm: 1_000_000 };
      for (const both of [
        [failing, down],
        [down, failing],
      ]) {
        suffer(...both.map((injury) => ['onlineStore', injury] as const));
        for (let i = 0; i < 20; i++) expect(await outcomeOf(ports.onlineStore.put('t', row('k', i)))).toBe('failed');
      }
      expect(calls).toEqual([]);
    }));

  it('one heals and the other stays', () =>
    withPorts(async ({ ports, suffer }) => {
      suffer(['onlineStore', down], ['onlineStore', { kind: 'full' }]);
      expect(await outcomeOf(ports.onlineStore.get('t', ['k']))).toBe('failed');
      suffer(['onlineStore', { kind: 'full' }]);
      expect(await outcomeOf(ports.onlineStore.get('t', ['k']))).toBe('ok');
      expect(await outcomeOf(ports.onlineStore.put('t', row('k', 1)))).toBe('failed');
    }));
});
