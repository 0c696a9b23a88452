/**
 * Tokens of personal data computed inside DuckDB, for whoever loads it by SQL: no row passes through JavaScript. The same
 * function as `tokenise` of the data contract.
 */
import { createHash } from 'node:crypto';
import type { ContractParams } from './data-contract.js';

/** Of SHA-256 (RFC 2104, section 2). */
const blockBytes = 64;
const innerPad = 0x36;
const outerPad = 0x5c;

/** SQL of the token of a text, in hexadecimal; null of null. `expression` is of type VARCHAR. */
export function tokenSql({ tokenKey }: Pick<ContractParams, 'tokenKey'>, expression: string): string {
  const given = Buffer.from(tokenKey, 'hex');
  const key = Buffer.alloc(blockBytes);
  key.set(given.length > blockBytes ? createHash('sha256').update(given).digest() : given);
  const padded = (pad: number) => `unhex('${Buffer.from(key.map((byte) => byte ^ pad)).toString('hex')}')`;
  const inner = `unhex(sha256(${padded(innerPad)} || encode(${expression})))`;
  return `left(sha256(${padded(outerPad)} || ${inner}), 32)`;
}
