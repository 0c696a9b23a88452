/** Where your servers are, as a file says it: addresses, names and how to sign in, never a secret. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { messageOf, UsageError } from '../errors.js';
import { addressForm, isPlainAddress } from '../params.js';
import { secretNames, secretOf } from '../ports/secrets.js';

const tls = z
  .strictObject({ caFile: z.string().min(1).exactOptional() })
  .describe('TLS; caFile, from the folder of this file on: certificates of the authority, if it is not a public one');
const username = z.string().min(1);

const settingsSchema = z.strictObject({
  kafka: z.strictObject({
    brokers: z.array(z.string().regex(/^[^\s/@]+:\d{1,5}$/, 'host:port')).min(1),
    replication: z.int().min(1).max(9),
    tls: tls.exactOptional(),
    sasl: z.strictObject({ mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']), username }).exactOptional(),
  }),
  redis: z.strictObject({
    host: z.string().regex(/^[^\s/@]+$/, 'the name or address of a host'),
    port: z.int().min(1).max(65_535),
    tls: tls.exactOptional(),
    username: username.exactOptional(),
  }),
  s3: z.strictObject({
    endpoint: z.string().refine(isPlainAddress, addressForm),
    region: z.string().min(1),
    bucket: z.string().min(1),
    prefix: z
      .string()
      .regex(/^$|\/$/, 'empty, or with a slash at its end')
      .default(''),
    pathStyle: z.boolean().default(true),
  }),
});

export type ExternalServers = z.output<typeof settingsSchema>;

export async function readServers(path: string): Promise<ExternalServers> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(
      `the servers in ${path} cannot be read: ${messageOf(cause)}. Name a JSON file as harness/stacks/README.md has it.`,
      { cause },
    );
  });
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    // What it complains of would be a piece of the file.
    throw new UsageError(`the servers in ${path} are no JSON. Expected an object with kafka, redis and s3.`);
  }
  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `\n  ${describeProblem(issue)}`);
    throw new UsageError(`${path} does not say where servers are:${problems.join('')}`);
  }
  const { kafka, redis, s3 } = parsed.data;
  const absolute = <T extends { readonly tls?: { readonly caFile?: string } }>(server: T): T => {
    const caFile = server.tls?.caFile;
    return caFile === undefined ? server : { ...server, tls: { caFile: resolve(dirname(path), caFile) } };
  };
  return { kafka: absolute(kafka), redis: absolute(redis), s3 };
}

/** Where and what was expected; what was found there is not repeated, as it may be a secret that is in the wrong place. */
function describeProblem(issue: z.core.$ZodIssue): string {
  const at = issue.path.join('.') || 'the file';
  if (issue.code === 'unrecognized_keys')
    return `${at}: knows no ${issue.keys.join(', ')}; secrets are not written here but taken from the environment (${Object.values(secretNames).flat().join(', ')})`;
  return `${at}: expected ${issue.message.replace(/^Invalid input: expected /, '').replace(/, received .*/s, '')}`;
}

/** Before anything is asked of a server: what opens it is there. */
export function demandSecrets({ kafka, redis }: ExternalServers): void {
  if (kafka.sasl) secretNames.kafka.forEach(secretOf);
  if (redis.username !== undefined) secretNames.redis.forEach(secretOf);
  secretNames.s3.forEach(secretOf);
}
