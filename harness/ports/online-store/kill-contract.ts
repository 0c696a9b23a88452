/** What is left when the server of an online store is killed, as tests for every variant that has one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CallError } from '../../errors.js';
import { seededRandom } from '../../random.js';
import type { OnlineStore } from './port.js';

export interface StoreServerUnderTest {
  /** Another client. */
  connect(): OnlineStore;
  /** SIGKILL. */
  kill(): void;
  /** Resolves when the killed one is gone and the next one serves, at the same address. */
  revive(): Promise<void>;
  close(): Promise<void>;
}

const table = 'features';
const clients = 3;
const keysOfClient = 400;
const rounds = 12;

export function onlineStoreKillContract(name: string, open: () => Promise<StoreServerUnderTest>): void {
  describe(`the server of ${name}`, () => {
    let server: StoreServerUnderTest;
    beforeAll(async () => {
      server = await open();
    });
    afterAll(() => server?.close());

    test('that is killed while clients put has every acknowledged call, and every call whole or not at all', async () => {
      const random = seededRandom(11);
      const stores = Array.from({ length: clients }, () => server.connect());
      /** Each client puts the same keys again and again, with the number of the call as version and as content. */
      const attempted = new Array<number>(clients).fill(0);
      const acknowledged = new Array<number>(clients).fill(0);
      let unanswered = 0;
      for (let round = 0; round < rounds; round++) {
        const killAfter = 3 + random.below(40);
        let answers = 0;
        const down = new AbortController();
        await Promise.all(
          stores.map(async (store, client) => {
            while (!down.signal.aborted) {
              const calls = Array.from({ length: 1 + random.below(3) }, () => ++attempted[client]!);
              await Promise.all(
                calls.map(async (call) => {
                  if (!(await putVersion(store, client, call))) return unanswered++;
                  acknowledged[client] = Math.max(acknowledged[client]!, call);
                  if (++answers === killAfter) {
                    server.kill();
                    down.abort();
                  }
                }),
              );
            }
          }),
        );
        await server.revive();
        for (let client = 0; client < clients; client++) {
          const rows = await stores[client]!.get(table, keysOf(client));
          const versions = new Set(rows.map((row) => row?.seq ?? 0));
          expect(versions.size, `the rows of client ${client} come from one call`).toBe(1);
          const [version] = versions as unknown as [number];
          expect(version).toBeGreaterThanOrEqual(acknowledged[client]!);
          expect(version).toBeLessThanOrEqual(attempted[client]!);
          rows.forEach((row, i) => {
            if (row) expect(Buffer.compare(row.value, contentOf(client, version, i))).toBe(0);
          });
        }
        expect((await scanKeys(stores[0]!)).length).toBe(new Set(await scanKeys(stores[0]!)).size);
      }
      expect(unanswered).toBeGreaterThan(0);
      for (const store of stores) await store.close();
    });
  });
}

const keysOf = (client: number) => Array.from({ length: keysOfClient }, (_, i) => `client-${client}-${i}`);

/** Of a length that differs from call to call, so that a torn row could not pass for a whole one. */
function contentOf(client: number, call: number, i: number): Uint8Array {
  return new Uint8Array(1 + ((call * 13 + i) % 300)).fill(client * 71 + call + i);
}

async function putVersion(store: OnlineStore, client: number, call: number): Promise<boolean> {
  const keys = keysOf(client);
  try {
    await store.put(table, {
      keys,
      seqs: keys.map(() => call),
      asOfUs: keys.map(() => call),
      values: keys.map((_, i) => contentOf(client, call, i)),
    });
    return true;
  } catch (error) {
    if (error instanceof CallError) return false;
    throw error;
  }
}

async function scanKeys(store: OnlineStore): Promise<string[]> {
  const keys: string[] = [];
  for (;;) {
    const page = await store.scan(table, keys.at(-1) ?? null, 333);
    if (page.length === 0) return keys;
    keys.push(...page.map(({ key }) => key));
  }
}
