import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../errors.js';
import { costsSchema, defaultCosts, identifyCosts, readCosts, serviceUs } from './costs.js';

const directory = mkdtempSync(join(tmpdir(), 'planebench-costs-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

type Table = Record<string, Record<string, Record<string, unknown>>>;

function fileOf(text: string): string {
  const path = join(directory, 'costs.json');
  writeFileSync(path, text);
  return path;
}

/** The default costs, changed by hand. */
function edited(edit: (table: Table) => void): string {
  const table = structuredClone(defaultCosts) as unknown as Table;
  edit(table);
  return fileOf(JSON.stringify(table));
}

function refusal(path: string): string {
  try {
    readCosts(path);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error('the costs were taken');
}

describe('a file of costs', () => {
  it('is read back as it was written', () => {
    const path = edited((table) => {
      table.onlineStore!.get = { fixedUs: 12.5, perRowUs: 0, perByteNs: 0.001 };
    });
    expect(readCosts(path)).toEqual({
      ...defaultCosts,
      onlineStore: { ...defaultCosts.onlineStore, get: { fixedUs: 12.5, perRowUs: 0, perByteNs: 0.001 } },
    });
  });

  it('that holds the built-in costs is the standard ones, in whatever order; any other is known by its hash', () => {
    const turned = Object.fromEntries(
      Object.entries(defaultCosts)
        .reverse()
        .map(([group, costs]) => [group, Object.fromEntries(Object.entries(costs).reverse())]),
    );
    expect(identifyCosts(readCosts(fileOf(JSON.stringify(turned))))).toBe('standard');
    const faster = readCosts(
      edited((table) => {
        table.onlineStore!.get!.fixedUs = 1;
      }),
    );
    expect(identifyCosts(faster)).toMatch(/^[0-9a-f]{64}$/);
    expect(identifyCosts({ ...faster, role: { call: { fixedUs: 1, perRowUs: 0, perByteNs: 0 } } })).not.toBe(
      identifyCosts(faster),
    );
  });

  it('says where a cost is wrong, what was given and what is allowed', () => {
    const path = edited((table) => {
      table.changeLog!.append!.fixedUs = -3;
      table.tables!.fold!.perRowUs = '2';
      table.door!.predict!.perByteNs = 1e10;
    });
    expect(refusal(path).split('\n')).toEqual([
      `${path} is no table of costs:`,
      '  changeLog.append.fixedUs: given -3, expected a number from 0 to 3600000000',
      '  tables.fold.perRowUs: given "2", expected a number from 0 to 3600000000',
      '  door.predict.perByteNs: given 10000000000, expected a number from 0 to 3600000000',
    ]);
  });

  it('lacks nothing', () => {
    const path = edited((table) => {
      delete table.warehouse!.refresh;
      delete table.role!.call!.perRowUs;
    });
    const message = refusal(path);
    expect(message).toContain('warehouse.refresh: given nothing, expected an object of fixedUs, perRowUs, perByteNs');
    expect(message).toContain('role.call.perRowUs: given nothing, expected a number from 0 to 3600000000');
    expect(refusal(fileOf('[]'))).toContain(
      'the whole: given [], expected an object of changeLog, onlineStore, tables',
    );
  });

  it('has nothing that is not known', () => {
    const path = edited((table) => {
      table.onlineStore!.gett = { fixedUs: 1 };
      table.role!.call!.fixedMs = 1;
      table.queue = {};
    });
    const message = refusal(path);
    expect(message).toContain('onlineStore.gett: unknown; onlineStore has exactly put, get, scan, drop');
    expect(message).toContain('role.call.fixedMs: unknown; role.call has exactly fixedUs, perRowUs, perByteNs');
    expect(message).toContain('queue: unknown; a table of costs has exactly changeLog, onlineStore');
  });

  it('can be read and is JSON', () => {
    expect(refusal(join(directory, 'none.json'))).toMatch(/none\.json cannot be read: .*ENOENT.*Name a JSON file/);
    expect(refusal(fileOf('{'))).toMatch(/costs\.json are no JSON: /);
    expect(refusal(fileOf('{"role":{"call":{"fixedUs":1e999}}}'))).toContain('role.call.fixedUs');
  });
});

describe('service time', () => {
  it('is rounded up once a call, and not by what decimals lack in binary', () => {
    expect(serviceUs({ fixedUs: 0, perRowUs: 0, perByteNs: 0 }, 1e6, 1e9)).toBe(0);
    expect(serviceUs({ fixedUs: 0, perRowUs: 0.1, perByteNs: 0 }, 30, 0)).toBe(3);
    expect(serviceUs({ fixedUs: 0.1, perRowUs: 0.2, perByteNs: 0 }, 1, 0)).toBe(1);
    expect(serviceUs({ fixedUs: 5, perRowUs: 1, perByteNs: 1 }, 2, 1)).toBe(8);
    expect(serviceUs({ fixedUs: 5, perRowUs: 1, perByteNs: 1 }, 2, 1000)).toBe(8);
  });

  it('is what exact arithmetic says', () => {
    const thousandths = fc.integer({ min: 0, max: 10_000_000 });
    const many = fc.nat(100_000);
    fc.assert(
      fc.property(thousandths, thousandths, thousandths, many, many, (fixed, row, byte, rows, bytes) => {
        const cost = { fixedUs: fixed / 1000, perRowUs: row / 1000, perByteNs: byte / 1000 };
        const ps = BigInt(fixed) * 1000n + BigInt(row) * 1000n * BigInt(rows) + BigInt(byte) * BigInt(bytes);
        expect(BigInt(serviceUs(cost, rows, bytes))).toBe((ps + 999_999n) / 1_000_000n);
      }),
    );
  });
});

it('the defaults are costs themselves', () => {
  expect(costsSchema.parse(defaultCosts)).toEqual(defaultCosts);
});
