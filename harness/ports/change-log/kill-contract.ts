/** What is left when the server of a change log is killed, as a test for every variant that has one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CallError } from '../../errors.js';
import { seededRandom } from '../../random.js';
import type { ChangeLog } from './port.js';

export interface LogServerUnderTest {
  /** How often it is killed. */
  readonly rounds: number;
  /** Another client. */
  connect(): ChangeLog;
  /** SIGKILL. */
  kill(): void;
  /** Resolves when the killed one is gone and the next one serves, at the same address. */
  revive(): Promise<void>;
  close(): Promise<void>;
}

const topic = 'changes';
const partitions = 3;
const clients = 4;

/** One append of a client: `entries` entries that all name it. */
interface Attempt {
  readonly client: number;
  readonly number: number;
  readonly partition: number;
  readonly entries: Uint8Array[];
  /** The end offset that was acknowledged; null while it is not; 'failed' or 'indeterminate' if it was refused. */
  outcome: number | null | CallError['outcome'];
}

export function changeLogKillContract(name: string, open: () => Promise<LogServerUnderTest>): void {
  describe(`the server of ${name}`, () => {
    let server: LogServerUnderTest;
    beforeAll(async () => {
      server = await open();
    });
    afterAll(() => server?.close());

    test('that is killed while clients append has every acknowledged entry afterwards, whole, in its place, and nothing half', async () => {
      const random = seededRandom(7);
      const logs = Array.from({ length: clients }, () => server.connect());
      await logs[0]!.createTopic(topic, partitions);
      const attempts: Attempt[] = [];
      for (let round = 0; round < server.rounds; round++) {
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
                  server.kill();
                  down.abort();
                }
              }),
            );
          }
        });
        await Promise.all(clientLoops);
        await server.revive();
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
}

/** An entry names its append and its part, and is filled with what follows from them. */
export function entryOf(number: number, part: number, size: number): Uint8Array {
  const entry = new Uint8Array(size);
  const random = seededRandom(number * 8 + part);
  for (let i = 8; i < size; i++) entry[i] = random.bits();
  new DataView(entry.buffer).setUint32(0, number);
  new DataView(entry.buffer).setUint32(4, part);
  return entry;
}

export async function readAll(log: ChangeLog, name: string, partition: number): Promise<Uint8Array[]> {
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
