/**
 * What opens servers that are not ours: secrets, from the environment of the process that connects and from nowhere
 * else, so that none is ever part of a scenario, a message or a file.
 */
import { readFileSync } from 'node:fs';
import { messageOf, UsageError } from '../errors.js';

export const secretNames = {
  kafka: ['PLANEBENCH_KAFKA_PASSWORD'],
  redis: ['PLANEBENCH_REDIS_PASSWORD'],
  /** As every client of S3 has them; a session token beside them is optional. */
  s3: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
} as const;

export function secretOf(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  throw new UsageError(`the environment variable ${name} is not set; secrets of servers are read from there only`);
}

/** Plain data: a connection by TLS, whose other end is known by an authority of the machine's, or by one of this file. */
export interface Tls {
  readonly caFile?: string;
}

export function tlsOptions({ caFile }: Tls): { readonly ca?: string } {
  if (caFile === undefined) return {};
  try {
    return { ca: readFileSync(caFile, 'utf8') };
  } catch (cause) {
    throw new UsageError(`the certificates in ${caFile} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
