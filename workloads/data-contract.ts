/**
 * The data contract: what every plane may rely on and must enforce. One value, resolved from the scenario, given to
 * every role.
 */
import { createHmac, createSecretKey } from 'node:crypto';
import { UsageError } from '../harness/errors.js';
import type { ChangeBatch } from './change-batch.js';
import { createDecoder } from './contracts/decoder.js';
import { customerActivity, type FeatureView } from './feature-view.js';

export { duplicateRefusal, type Refusal, refusals } from './refusals.js';

/** A contract as plain data: part of a scenario, sent to every process. */
export interface ContractParams {
  readonly topic: string;
  readonly partitions: number;
  /** Customers are the integers 0 to `customers` - 1. */
  readonly customers: number;
  /** A change is late if `emitUs - commitUs` exceeds this: a predicate on the record alone. */
  readonly allowedLatenessUs: number;
  /** Key of the HMAC that tokenises personal data, hexadecimal. A benchmark's key, no secret. */
  readonly tokenKey: string;
}

export interface DataContract extends ContractParams {
  readonly view: FeatureView;
  /** The partition of the change log that carries a customer's changes. */
  partitionOf(customer: number): number;
  /**
   * Checks and decodes a batch into columns, refusing what breaks the contract: late, undecodable, out of range,
   * written with a schema that the registry refused. Personal data leave as tokens only. The result is reused by the
   * next call: copy what must live longer.
   */
  decode(batch: ChangeBatch): DecodedBatch;
  /** Keyed HMAC-SHA-256, the first 16 bytes in hexadecimal. */
  tokenise(personal: string): string;
}

/** Columns beside those of the batch they came from; only the first `count` entries count. Absent numbers are -1. */
export interface DecodedBatch {
  readonly count: number;
  /** 0: sound. Otherwise an index into `refusals`; the other columns of the row are then -1. */
  readonly refusal: Uint8Array;
  /** Primary key within its table. */
  readonly entity: Float64Array;
  /** `after`, or -1 where the change has none (a delete) or the table has no such column. */
  readonly eventUs: Float64Array;
  readonly amountCents: Int32Array;
  readonly category: Int32Array;
  readonly risk: Int32Array;
  /** `before`, or -1 where the change has none (an insert). */
  readonly beforeEventUs: Float64Array;
  readonly beforeAmountCents: Int32Array;
  readonly beforeCategory: Int32Array;
  /** Tokens of changes to `customers`; null elsewhere. */
  readonly emailToken: readonly (string | null)[];
  readonly phoneToken: readonly (string | null)[];
}

export function createContract(params: ContractParams): DataContract {
  checkParams(params);
  // Made once: a token costs half more with a key of bytes.
  const key = createSecretKey(params.tokenKey, 'hex');
  const tokenise = (personal: string) =>
    createHmac('sha256', key)
      .update(personal, 'utf8')
      .digest('hex')
      .slice(0, 2 * tokenBytes);
  return {
    ...params,
    view: customerActivity,
    partitionOf: (customer) => customer % params.partitions,
    decode: createDecoder({ ...params, tokenise }),
    tokenise,
  };
}

const tokenBytes = 16;

function checkParams({ partitions, customers, allowedLatenessUs, tokenKey }: ContractParams): void {
  const wrong = [
    !(Number.isInteger(partitions) && partitions >= 1 && partitions <= 256) && `partitions ${partitions} (1 to 256)`,
    !(Number.isInteger(customers) && customers >= 2 && customers <= 0xffffffff) &&
      `customers ${customers} (2 to 2^32 - 1)`,
    !(Number.isInteger(allowedLatenessUs) && allowedLatenessUs > 0) &&
      `allowedLatenessUs ${allowedLatenessUs} (a positive integer)`,
    !/^([0-9a-f]{2}){16,}$/i.test(tokenKey) && 'tokenKey (at least 16 bytes in hexadecimal)',
  ].filter((text) => text !== false);
  if (wrong.length > 0)
    throw new UsageError(`data contract: out of bounds: ${wrong.join(', ')}; correct the workload.`);
}
