/** The source against a change log that fails, dies and does not answer: nothing is left out, nothing is offered for ever. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secondUs } from '../../workloads/durations.js';
import { smallWorkload } from '../../workloads/fixture-workload.js';
import { readEntries } from '../../workloads/trace.js';
import { generateTrace } from '../../workloads/trace-generation.js';
import { hostClock, monotonicNs, systemClock } from '../clock.js';
import { connectChangeLog } from '../ports/change-log/embedded.js';
import { startChangeLogServer } from '../ports/change-log/embedded-process.js';
import type { ChangeLog } from '../ports/change-log/port.js';
import type { AppendColumns, appendOutcomes } from '../record/facts.js';
import { readRecording } from '../record/recordings.js';
import { defaultCosts } from '../simulation/costs.js';
import { createVirtualTime } from '../simulation/virtual-time.js';
import { createWorld, type World } from '../simulation/world.js';
import { childOf } from './child.fixture.js';
import { emitChanges, patienceUs } from './emitter.js';
import { appendLayout, type LoadErrors } from './recorded.js';

const workload = smallWorkload({ customers: 100, lullUs: 0 });
const { topic, partitions } = workload.contract;
const epochUs = 1_768_478_400 * secondUs;
const loadUs = 2 * secondUs;
const [acknowledged, failed, indeterminate] = [0, 1, 2] as const satisfies readonly (keyof typeof appendOutcomes)[];

let folder: string;
let trace: string;
/** By slot and partition, in the order of the trace. */
const blocks = new Map<string, Buffer>();
let emitted = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-emitter-'));
  trace = join(folder, 'trace');
  await generateTrace({ workload, seed: 3, epochUs, durationUs: loadUs, directory: trace });
  for await (const { slotUs, partition, block } of readEntries(trace))
    blocks.set(`${slotUs} ${partition}`, Buffer.from(block));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Attempt {
  readonly entry: string;
  readonly slotUs: number;
  readonly partition: number;
  readonly sentUs: number;
  readonly doneUs: number;
  readonly outcome: number;
}

function attemptsOf(appends: AppendColumns): Attempt[] {
  return Array.from({ length: appends.rows }, (_, row) => ({
    entry: `${appends.slotUs[row]} ${appends.partition[row]}`,
    slotUs: appends.slotUs[row]!,
    partition: appends.partition[row]!,
    sentUs: appends.sentUs[row]!,
    doneUs: appends.doneUs[row]!,
    outcome: appends.outcome[row]!,
  }));
}

const countBy = (attempts: readonly Attempt[], outcome: number) => {
  const counts = new Map<string, number>();
  for (const { entry, outcome: own } of attempts) if (own === outcome) counts.set(entry, (counts.get(entry) ?? 0) + 1);
  return counts;
};

/** The log holds what the attempts say: what was acknowledged once, and once more at most for each that is in doubt. */
async function expectHeld(log: ChangeLog, attempts: readonly Attempt[]): Promise<void> {
  const certain = countBy(attempts, acknowledged);
  const possible = countBy(attempts, indeterminate);
  const names = new Map([...blocks].map(([entry, block]) => [block.toString('latin1'), entry]));
  for (let partition = 0; partition < partitions; partition++) {
    const held = new Map<string, number>();
    for (let offset = 0; ; ) {
      const { entries } = await log.read(topic, partition, offset, { maxBytes: 1 << 22, maxWaitUs: 0 });
      if (entries.length === 0) break;
      offset += entries.length;
      for (const block of entries) {
        const entry = names.get(Buffer.from(block).toString('latin1'));
        if (entry === undefined) throw new Error(`partition ${partition} holds an entry that is not in the trace`);
        held.set(entry, (held.get(entry) ?? 0) + 1);
      }
    }
    for (const entry of blocks.keys()) {
      if (!entry.endsWith(` ${partition}`)) continue;
      const least = certain.get(entry) ?? 0;
      expect(held.get(entry) ?? 0).toBeGreaterThanOrEqual(least);
      expect(held.get(entry) ?? 0).toBeLessThanOrEqual(least + (possible.get(entry) ?? 0));
    }
  }
}

/** While an entry is to be tried again, nothing that comes after it in its partition is sent. */
function expectOrder(attempts: readonly Attempt[]): void {
  for (const { entry, slotUs, partition, doneUs, outcome } of attempts) {
    if (outcome === acknowledged) continue;
    const taken = attempts.find((other) => other.entry === entry && other.outcome === acknowledged);
    const untilUs = taken?.sentUs ?? Number.POSITIVE_INFINITY;
    const overtook = attempts.filter(
      (other) =>
        other.partition === partition && other.slotUs > slotUs && other.sentUs > doneUs && other.sentUs < untilUs,
    );
    expect(overtook).toEqual([]);
  }
}

describe('against the simulated change log', () => {
  interface Emitted {
    readonly attempts: Attempt[];
    readonly errors: LoadErrors['errors'];
    readonly endUs: number;
    readonly world: World;
  }

  /** `outages`: from when to when nobody answers, since the start of the load. */
  async function emit(outages: readonly (readonly [number, number])[], seed = 1): Promise<Emitted> {
    const time = createVirtualTime();
    const nowUs = () => epochUs + time.nowUs();
    const world = createWorld({ time, nowUs, costs: defaultCosts, parquet: () => [] });
    const { task, clock } = world.begin('emitter', nowUs);
    const recording = join(folder, `${emitted++}.recording`);
    const told = childOf(clock, { host: (work) => time.host(work), wait: (work) => task.wait('the start', work) });
    await time.run(async () => {
      await world.openPorts(clock).changeLog.createTopic(topic, partitions);
      for (const [fromUs, untilUs] of outages) {
        time.after(fromUs - time.nowUs(), () => world.setDown('changeLog', true));
        time.after(untilUs - time.nowUs(), () => world.setDown('changeLog', false));
      }
      const connection = { stack: 'simulated', world } as const;
      const { contract } = workload;
      await emitChanges({ trace, contract, connection, seed, loadEndUs: epochUs + loadUs, recording }, told.child);
    });
    const appends = await readRecording(recording, appendLayout);
    return { attempts: attemptsOf(appends), errors: told.errors, endUs: nowUs() - epochUs, world };
  }

  async function expectHeldBy(world: World, attempts: readonly Attempt[]): Promise<void> {
    world.setDown('changeLog', false);
    const { clock } = world.begin('reader', world.nowUs);
    await world.time.run(() => expectHeld(world.openPorts(clock).changeLog, attempts));
  }

  it('that answers: every entry once, at its own time', async () => {
    const { attempts, errors, world } = await emit([]);
    expect(attempts.map(({ entry }) => entry)).toEqual([...blocks.keys()]);
    expect(attempts.filter(({ slotUs, sentUs }) => sentUs !== slotUs && slotUs !== epochUs)).toEqual([]);
    expect(attempts.filter(({ outcome }) => outcome !== acknowledged)).toEqual([]);
    expect(errors).toEqual([]);
    await expectHeldBy(world, attempts);
  });

  it('that is gone for a while: every entry is acknowledged in the end, in order', async () => {
    // 300 us after a slot its appends are under way: their answers are lost, and they are in the log none the less.
    const { attempts, errors, world } = await emit([
      [300_300, 800_000],
      [1_000_300, 1_020_000],
      [1_500_300, 2_500_000],
    ]);
    expect([...countBy(attempts, acknowledged).keys()].sort()).toEqual([...blocks.keys()].sort());
    expect(countBy(attempts, indeterminate).size).toBeGreaterThan(0);
    expect(countBy(attempts, failed).size).toBeGreaterThan(0);
    expect(errors).toEqual([]);
    expectOrder(attempts);
    await expectHeldBy(world, attempts);
  });

  it('tries one entry a partition at a time, after seeded waits of up to 250 ms', async () => {
    const outage = [[300_000, 1_900_000]] as const;
    const { attempts } = await emit(outage);
    const { attempts: same } = await emit(outage);
    const { attempts: other } = await emit(outage, 2);
    expect(same).toEqual(attempts);
    expect(other).not.toEqual(attempts);
    for (let partition = 0; partition < partitions; partition++) {
      const refused = attempts.filter((attempt) => attempt.partition === partition && attempt.outcome === failed);
      expect(new Set(refused.map(({ entry }) => entry)).size).toBe(1);
      const waitsUs = refused.slice(1).map(({ sentUs }, i) => sentUs - refused[i]!.doneUs);
      expect(Math.max(...waitsUs)).toBeLessThan(250_000);
      // With a mean wait of 125 ms once the cap is reached.
      expect(refused.length).toBeGreaterThan(5);
      expect(refused.length).toBeLessThan(50);
    }
  });

  it('that does not come back: gives up after its patience, says so, and claims nothing', async () => {
    const { attempts, errors, endUs, world } = await emit([[1_000_300, Number.MAX_SAFE_INTEGER]]);
    expect(endUs).toBeGreaterThanOrEqual(loadUs + patienceUs);
    expect(endUs).toBeLessThan(loadUs + patienceUs + secondUs);
    const taken = countBy(attempts, acknowledged).size;
    expect(taken).toBeLessThan(blocks.size);
    expect(errors).toEqual([
      {
        operation: 'append',
        message:
          'not acknowledged within 30 s of the end of the load, so given up; the last failure: changeLog.append: no connection could be made',
        count: blocks.size - taken,
      },
    ]);
    expectOrder(attempts);
    await expectHeldBy(world, attempts);
  });
});

describe('against the embedded change log', () => {
  /** Strikes while the source is at work; told how to wait until it has recorded attempts with this outcome. */
  type Strike = (server: Server, recorded: (outcome: number, atLeast: number) => Promise<void>) => Promise<void>;
  interface Server {
    signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
    kill(): Promise<void>;
    start(): Promise<void>;
  }

  async function emitReally(strike: Strike): Promise<void> {
    const directory = await mkdtemp(join(folder, 'change-log-'));
    let process = await startChangeLogServer({ directory, port: 0 });
    const { port } = process;
    const server: Server = {
      signal: (signal) => process.child.signal(signal),
      async kill() {
        process.child.signal('SIGKILL');
        await process.child.exited;
      },
      async start() {
        process = await startChangeLogServer({ directory, port });
      },
    };
    const log = connectChangeLog({ port });
    await log.createTopic(topic, partitions);
    const recording = join(folder, `${emitted++}.recording`);
    const told = childOf(systemClock({ epochUs, zeroNs: monotonicNs() }));
    const emitting = emitChanges(
      {
        trace,
        contract: workload.contract,
        connection: { stack: 'embedded', changeLog: port },
        seed: 1,
        loadEndUs: epochUs + loadUs,
        recording,
      },
      told.child,
    );
    const recorded = async (outcome: number, atLeast: number) => {
      for (;;) {
        const appends = await readRecording(recording, appendLayout).catch(() => null);
        if ((appends?.outcome.filter((own) => own === outcome).length ?? 0) >= atLeast) return;
        await hostClock.sleep(20_000);
      }
    };
    try {
      await Promise.all([emitting, strike(server, recorded)]);
      const attempts = attemptsOf(await readRecording(recording, appendLayout));
      expect([...countBy(attempts, acknowledged).keys()].sort()).toEqual([...blocks.keys()].sort());
      expect(told.errors).toEqual([]);
      expectOrder(attempts);
      await expectHeld(log, attempts);
    } finally {
      await log.close();
      await process.child.stop();
    }
  }

  it('that is killed under load, twice: every entry is acknowledged in the end', async () => {
    await emitReally(async (server, recorded) => {
      await recorded(acknowledged, 1);
      await server.kill();
      await recorded(failed, 3);
      await server.start();
      await recorded(acknowledged, 200);
      await server.kill();
      await server.start();
    });
  });

  it('that stands still for longer than a call may take: what is in doubt is offered again', async () => {
    await emitReally(async (server, recorded) => {
      server.signal('SIGSTOP');
      await recorded(indeterminate, 1);
      server.signal('SIGCONT');
    });
  });
});
