/** Tokens in SQL: what `DataContract.tokenise` makes of a text, HMAC-SHA-256 (RFC 2104), the first 16 bytes in hexadecimal. */
import { createHash } from 'node:crypto';

const blockBytes = 64;
const tokenHexDigits = 32;

export function tokenSql(tokenKey: string, text: string): string {
  const given = Buffer.from(tokenKey, 'hex');
  const key = Buffer.alloc(blockBytes);
  (given.length > blockBytes ? createHash('sha256').update(given).digest() : given).copy(key);
  const inner = `sha256(${padded(key, 0x36)} || encode(${text}))`;
  return `substr(sha256(${padded(key, 0x5c)} || unhex(${inner})), 1, ${tokenHexDigits})`;
}

function padded(key: Uint8Array, pad: number): string {
  const bytes = Array.from(key, (byte) => `\\x${(byte ^ pad).toString(16).padStart(2, '0')}`);
  return `'${bytes.join('')}'::BLOB`;
}
