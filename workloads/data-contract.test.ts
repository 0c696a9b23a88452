import { createHmac } from 'node:crypto';
import avro from 'avsc';
import { describe, expect, test } from 'vitest';
import { allocateBlock, type ChangeBatch, type OpName, opNames, type TableName, tableNames } from './change-batch.js';
import { changeOf, type RowSchema, rowSchemas } from './contracts/schemas.js';
import { type ContractParams, createContract, type DecodedBatch, refusals } from './data-contract.js';

const params: ContractParams = {
  topic: 'changes',
  partitions: 4,
  customers: 100,
  allowedLatenessUs: 1_000_000,
  tokenKey: '000102030405060708090a0b0c0d0e0f',
};

interface Change {
  table: TableName;
  op: OpName;
  version?: number;
  /** Avro schema that the payload is written with, if not that of `version`. */
  written?: number;
  customer?: number;
  commitUs?: number;
  emitUs?: number;
  before?: object | null;
  after?: object | null;
  payload?: (sound: Buffer) => Buffer;
}

const order = { order_id: 7, customer: 3, placed_us: 900, amount_cents: 1_250, category: 4, status: 'paid' };
const click = { click_id: 8, customer: 3, clicked_us: 950, product: 17, page: '/shoes' };
const device = { device_id: 3, customer: 3, seen_us: 940, risk: 120, user_agent: 'test/1' };
const customer = { customer: 3, name: 'Ada King', email: 'ada@example.org', phone: '+15550001111', updated_us: 930 };

const sound: Change = { table: 'orders', op: 'c', after: order };

function batchOf(changes: readonly Change[]): ChangeBatch {
  const payloads = changes.map((change) => {
    const row = rowSchemas[change.table][(change.written ?? change.version ?? 1) - 1] as RowSchema;
    const bytes = avro.Type.forSchema(changeOf(row)).toBuffer({
      before: change.before ?? null,
      after: change.after ?? null,
    });
    return change.payload ? change.payload(bytes) : bytes;
  });
  const { batch } = allocateBlock(changes.length, Buffer.concat(payloads).length);
  let end = 0;
  for (const [i, change] of changes.entries()) {
    batch.payloads.set(payloads[i] as Buffer, end);
    end += (payloads[i] as Buffer).length;
    batch.payloadEnd[i] = end;
    batch.customer[i] = change.customer ?? 3;
    batch.seq[i] = i + 1;
    batch.lsn[i] = i + 1;
    batch.commitUs[i] = change.commitUs ?? 1_000;
    batch.emitUs[i] = change.emitUs ?? 2_000;
    batch.table[i] = tableNames.indexOf(change.table);
    batch.op[i] = opNames.indexOf(change.op);
    batch.schemaVersion[i] = change.version ?? 1;
  }
  return batch;
}

/** Row i, without the columns beyond it. */
function rowOf(decoded: DecodedBatch, i: number) {
  return {
    refusal: refusals[decoded.refusal[i] as number],
    entity: decoded.entity[i],
    eventUs: decoded.eventUs[i],
    amountCents: decoded.amountCents[i],
    category: decoded.category[i],
    risk: decoded.risk[i],
    beforeEventUs: decoded.beforeEventUs[i],
    beforeAmountCents: decoded.beforeAmountCents[i],
    beforeCategory: decoded.beforeCategory[i],
    emailToken: decoded.emailToken[i],
    phoneToken: decoded.phoneToken[i],
  };
}

const blank = {
  entity: -1,
  eventUs: -1,
  amountCents: -1,
  category: -1,
  risk: -1,
  beforeEventUs: -1,
  beforeAmountCents: -1,
  beforeCategory: -1,
  emailToken: null,
  phoneToken: null,
};

const decodeOne = (change: Change) => rowOf(createContract(params).decode(batchOf([change])), 0);

describe('sound changes become columns', () => {
  test('insert, update and delete of an order', () => {
    const later = { ...order, amount_cents: 900, category: 5 };
    const decoded = createContract(params).decode(
      batchOf([
        { table: 'orders', op: 'c', after: order },
        { table: 'orders', op: 'u', before: order, after: later },
        { table: 'orders', op: 'd', before: later },
      ]),
    );
    expect(decoded.count).toBe(3);
    const insert = { ...blank, refusal: '', entity: 7, eventUs: 900, amountCents: 1_250, category: 4 };
    expect(rowOf(decoded, 0)).toEqual(insert);
    expect(rowOf(decoded, 1)).toEqual({
      ...insert,
      amountCents: 900,
      category: 5,
      beforeEventUs: 900,
      beforeAmountCents: 1_250,
      beforeCategory: 4,
    });
    expect(rowOf(decoded, 2)).toEqual({
      ...blank,
      refusal: '',
      entity: 7,
      beforeEventUs: 900,
      beforeAmountCents: 900,
      beforeCategory: 5,
    });
  });

  test('version 2 of an order reads like version 1', () => {
    const v2 = { table: 'orders', op: 'c', version: 2, after: { ...order, channel: 'web' } } as const;
    expect(decodeOne(v2)).toEqual(decodeOne(sound));
  });

  test('clicks and devices', () => {
    expect(decodeOne({ table: 'clicks', op: 'c', after: click })).toEqual({
      ...blank,
      refusal: '',
      entity: 8,
      eventUs: 950,
    });
    const seen = { table: 'devices', op: 'u', before: { ...device, seen_us: 9, risk: 1 }, after: device } as const;
    expect(decodeOne(seen)).toEqual({ ...blank, refusal: '', entity: 3, eventUs: 940, risk: 120, beforeEventUs: 9 });
  });

  test('personal data leave as tokens: the first 16 bytes of HMAC-SHA-256', () => {
    const row = decodeOne({ table: 'customers', op: 'u', before: customer, after: customer });
    const token = (text: string) =>
      createHmac('sha256', Buffer.from(params.tokenKey, 'hex')).update(text).digest('hex').slice(0, 32);
    expect(row.refusal).toBe('');
    expect(row.emailToken).toBe(token('ada@example.org'));
    expect(row.phoneToken).toBe(token('+15550001111'));
    expect(createContract(params).tokenise('ada@example.org')).toBe(row.emailToken);
    const other = createContract({ ...params, tokenKey: 'ff'.repeat(16) });
    expect(other.tokenise('ada@example.org')).not.toBe(row.emailToken);
  });

  test('tokens of one batch do not reappear in the next', () => {
    const contract = createContract(params);
    contract.decode(batchOf([{ table: 'customers', op: 'c', after: customer }]));
    expect(rowOf(contract.decode(batchOf([sound])), 0).emailToken).toBeNull();
  });
});

describe('changes that break the contract are refused', () => {
  const cut = (bytes: Buffer) => bytes.subarray(0, bytes.length - 1);
  const badUnion = (bytes: Buffer) => Buffer.concat([Buffer.from([0x7f]), bytes.subarray(1)]);
  const longer = (bytes: Buffer) => Buffer.concat([bytes, Buffer.from([0])]);
  const cases: Record<string, [Change, (typeof refusals)[number]]> = {
    'emitted exactly at the allowed lateness': [{ ...sound, emitUs: 1_001_000 }, ''],
    'emitted one microsecond later': [{ ...sound, emitUs: 1_001_001 }, 'late'],
    'a schema that the registry refused': [
      { ...sound, version: 3, after: { ...order, amount_cents: '1250' } },
      'incompatible_schema',
    ],
    'a version that nobody registered': [{ ...sound, version: 9, written: 1 }, 'incompatible_schema'],
    'version 0': [{ ...sound, version: 0, written: 1 }, 'incompatible_schema'],
    'a cut payload': [{ ...sound, payload: cut }, 'undecodable'],
    'no payload at all': [{ ...sound, payload: () => Buffer.alloc(0) }, 'undecodable'],
    'a union branch that does not exist': [{ ...sound, payload: badUnion }, 'undecodable'],
    'bytes after the record': [{ ...sound, payload: longer }, 'undecodable'],
    'an insert with a before image': [{ ...sound, before: order }, 'undecodable'],
    'a delete with an after image': [{ ...sound, op: 'd', before: order }, 'undecodable'],
    'an update without a before image': [{ ...sound, op: 'u' }, 'undecodable'],
    'a click that is deleted': [{ table: 'clicks', op: 'd', before: click }, 'undecodable'],
    'a negative amount': [{ ...sound, after: { ...order, amount_cents: -1 } }, 'out_of_range'],
    'the highest amount': [{ ...sound, after: { ...order, amount_cents: 100_000_000 } }, ''],
    'an amount beyond it': [{ ...sound, after: { ...order, amount_cents: 100_000_001 } }, 'out_of_range'],
    'category 12': [{ ...sound, after: { ...order, category: 12 } }, 'out_of_range'],
    'a before image out of range': [
      { ...sound, op: 'u', before: { ...order, category: 99 }, after: order },
      'out_of_range',
    ],
    'an event of the future': [{ ...sound, after: { ...order, placed_us: 1_001 } }, 'out_of_range'],
    "another customer's row": [{ ...sound, after: { ...order, customer: 4 } }, 'out_of_range'],
    'images of two orders': [{ ...sound, op: 'u', before: { ...order, order_id: 6 }, after: order }, 'out_of_range'],
    'a customer beyond the last': [{ ...sound, customer: 100, after: { ...order, customer: 100 } }, 'out_of_range'],
    'a risk of 1001': [{ table: 'devices', op: 'c', after: { ...device, risk: 1_001 } }, 'out_of_range'],
  };
  for (const [name, [change, expected]] of Object.entries(cases))
    test(`${name}: ${expected || 'sound'}`, () => {
      const row = decodeOne(change);
      expect(row.refusal).toBe(expected);
      if (expected) expect(row).toEqual({ ...blank, refusal: expected });
    });

  test('of several reasons the first of late, incompatible_schema, undecodable, out_of_range is named', () => {
    const negative = { ...order, amount_cents: -1 };
    expect(decodeOne({ ...sound, after: negative, payload: cut }).refusal).toBe('undecodable');
    expect(decodeOne({ ...sound, version: 9, written: 1, payload: cut }).refusal).toBe('incompatible_schema');
    expect(decodeOne({ ...sound, version: 9, written: 1, emitUs: 1e9 }).refusal).toBe('late');
  });

  test('a refused change leaves its neighbours whole', () => {
    const decoded = createContract(params).decode(batchOf([sound, { ...sound, payload: cut }, sound]));
    expect([...decoded.refusal.subarray(0, 3)].map((code) => refusals[code])).toEqual(['', 'undecodable', '']);
    expect(rowOf(decoded, 2)).toEqual(rowOf(decoded, 0));
  });
});

test('contract parameters out of bounds are refused by name', () => {
  expect(() => createContract({ ...params, partitions: 0 })).toThrow(/partitions 0/);
  expect(() => createContract({ ...params, tokenKey: 'secret' })).toThrow(/tokenKey/);
});
