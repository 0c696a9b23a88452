import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../errors.js';
import { readPrices, standardPrices } from './prices.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-prices-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(text: string): Promise<string> {
  const path = join(folder, 'mine.json');
  await writeFile(path, text);
  return path;
}

const sound = JSON.stringify(standardPrices);

describe('the price book that comes with planebench', () => {
  it('says of each price where and when it was seen, and is of the order of the field', () => {
    const { cpu, memory, storage, writeRequests, readRequests } = standardPrices.prices;
    expect(3_600 * cpu.value).toBeCloseTo(0.04048, 5);
    expect(3_600 * memory.value).toBeCloseTo(0.004445, 6);
    expect(storage.value).toBe(0.023);
    expect(writeRequests.value).toBeGreaterThan(readRequests.value);
    for (const { seen, sources, low, value, high } of Object.values(standardPrices.prices)) {
      expect(seen <= standardPrices.date).toBe(true);
      expect(sources.length).toBeGreaterThan(0);
      expect(low <= value && value <= high).toBe(true);
    }
  });
});

describe('a price book of yours', () => {
  it('is read as it is', async () => {
    const own = sound.replace('"value":0.023', '"value":0.05');
    const book = await readPrices(await written(own));
    expect(book).toEqual(JSON.parse(own));
    expect(book.prices.storage.value).toBe(0.05);
  });

  it.each<[string, string, string, RegExp]>([
    [
      'a missing unit',
      '"unit":"usd_per_vcpu_second",',
      '',
      /^the price book .*mine\.json cannot be used: prices\.cpu\.unit: expected "usd_per_vcpu_second", found nothing\. It must match reports\/price-book\.schema\.json/,
    ],
    [
      'another unit',
      '"usd_per_gb_month"',
      '"usd_per_tb_month"',
      /prices\.storage\.unit: expected "usd_per_gb_month", found "usd_per_tb_month"/,
    ],
    [
      'a price in words',
      '"value":0.023',
      '"value":"2 cents"',
      /prices\.storage\.value: expected number, found "2 cents"/,
    ],
    ['a price below zero', '"low":0.02,', '"low":-1,', /prices\.storage\.low: expected number to be >=0, found -1/],
    ['no source', '"sources":["https://aws.amazon.com/s3/faqs/"]', '"sources":[]', /prices\.bytesWritten\.sources: /],
    ['a source that is no page', 'https://www.vantage.sh', 'javascript:', /prices\.cpu\.sources\.0: /],
    ['a day that is none', '"date":"2026-11-29"', '"date":"2026-13-41"', /date: .*found "2026-13-41"/],
    ['a low above the price', '"low":0.02,', '"low":1,', /prices\.storage: expected low, value and high in this order/],
    ['another currency', '"USD"', '"EUR"', /currency: expected "USD", found "EUR"/],
    ['a price that is not known', '"cpu":', '"gpu":{},"cpu":', /prices: .*gpu/],
  ])('is refused for %s, in a sentence', async (_, found, spoilt, sentence) => {
    expect(sound).toContain(found);
    const reading = readPrices(await written(sound.replace(found, spoilt)));
    await expect(reading).rejects.toThrow(sentence);
    await expect(reading).rejects.toBeInstanceOf(UsageError);
  });

  it('is refused where there is none, or no JSON', async () => {
    await expect(readPrices(join(folder, 'nowhere.json'))).rejects.toThrow(/nowhere\.json cannot be read/);
    await expect(readPrices(await written('{'))).rejects.toThrow(/mine\.json is no JSON/);
    await expect(readPrices(await written('[]'))).rejects.toThrow(/the book: expected object, found \[\]/);
  });
});
