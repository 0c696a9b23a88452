import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, decodeEntries, encodeBatch, headerBytes, recordHeadBytes } from './kafka-records.js';
import { entryLimitBytes } from './limits.js';

const load = createRequire(import.meta.url);
const Decoder = load('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object;
const decodeBatch = load('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (of: object) => Promise<{
  producerId: string;
  producerEpoch: number;
  firstSequence: number;
  lastOffsetDelta: number;
  records: { offset: string; key: Buffer | null; value: Buffer }[];
}>;

const producer = { id: 0x1234_5678_9abcn, epoch: 3 };
const entriesOf = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 150 });

test('the checksum is that of RFC 3720', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(ascending)).toBe(0x46dd794e);
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

test('kafkajs reads what was written here', async () => {
  await fc.assert(
    fc.asyncProperty(entriesOf, fc.nat(), async (entries, sequence) => {
      const batch = encodeBatch(entries, producer, sequence);
      expect(batch.readUInt32BE(17)).toBe(crc32c(batch.subarray(21)));
      const read = await decodeBatch(new Decoder(batch));
      expect(read).toMatchObject({
        producerId: String(producer.id),
        producerEpoch: producer.epoch,
        firstSequence: sequence,
        lastOffsetDelta: entries.length - 1,
      });
      expect(read.records.map(({ value }) => [...value])).toEqual(entries.map((entry) => [...entry]));
      expect(read.records.every(({ key }) => key === null)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('a batch is no larger than what is reckoned of its records, the largest and the most of them', () => {
  const small = Array.from({ length: 100_000 }, () => new Uint8Array(64));
  for (const entries of [small, [new Uint8Array(entryLimitBytes)]]) {
    const entryBytes = entries.reduce((sum, { length }) => sum + length, 0);
    const batch = encodeBatch(entries, producer, 0);
    expect(batch.length).toBeGreaterThan(headerBytes + entryBytes + 4 * entries.length);
    expect(batch.length).toBeLessThanOrEqual(headerBytes + entryBytes + recordHeadBytes * entries.length);
  }
});

test('entries are read from any offset, across batches, up to a number of bytes, and not from a batch that is cut off', () => {
  fc.assert(
    fc.property(
      fc.array(entriesOf, { minLength: 1, maxLength: 4 }),
      fc.nat(5000),
      fc.nat(700),
      (appends, maxBytes, skip) => {
        const all = appends.flat();
        const firstOffset = 1_000_000_000_000;
        let base = firstOffset;
        const log = Buffer.concat(
          appends.map((entries) => {
            const batch = encodeBatch(entries, producer, 0);
            batch.writeBigInt64BE(BigInt(base), 0); // as a broker does
            base += entries.length;
            return batch;
          }),
        );
        const from = skip % all.length;
        const wanted: Uint8Array[] = [];
        let bytes = 0;
        for (const entry of all.slice(from)) {
          bytes += entry.length;
          if (wanted.length > 0 && bytes > maxBytes) break;
          wanted.push(entry);
        }
        const found = decodeEntries(log, firstOffset + from, maxBytes);
        expect(found).toEqual(wanted);
        expect(found.every(({ byteOffset }) => byteOffset % 8 === 0)).toBe(true);
        const whole = all.length - appends.at(-1)!.length;
        const cut = decodeEntries(log.subarray(0, log.length - 1), firstOffset, Number.MAX_SAFE_INTEGER);
        expect(cut.length).toBe(whole);
      },
    ),
    { numRuns: 50 },
  );
});
