import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { UsageError } from '../errors.js';
import { demandSecrets, readServers } from './external-settings.js';

const whole = {
  kafka: {
    brokers: ['b1.example:9093', 'b2.example:9093'],
    replication: 3,
    tls: { caFile: 'ca.pem' },
    sasl: { mechanism: 'scram-sha-512', username: 'bench' },
  },
  redis: { host: 'redis.example', port: 6380, tls: {}, username: 'bench' },
  s3: { endpoint: 'https://s3.example', region: 'eu-central-1', bucket: 'b', prefix: 'bench/', pathStyle: false },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-servers-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string) {
  const path = join(folder, 'servers.json');
  await writeFile(path, text);
  return readServers(path);
}

const refusal = (text: string) =>
  read(text).then(
    () => 'taken',
    (error: unknown) => {
      expect(error).toBeInstanceOf(UsageError);
      return (error as Error).message;
    },
  );

test('certificates are looked for beside the file, and what is not said has its default', async () => {
  const { kafka } = await read(JSON.stringify(whole));
  expect(kafka).toEqual({ ...whole.kafka, tls: { caFile: join(folder, 'ca.pem') } });
  const { endpoint, region, bucket } = whole.s3;
  const { s3 } = await read(JSON.stringify({ ...whole, s3: { endpoint, region, bucket } }));
  expect(s3).toEqual({ endpoint, region, bucket, prefix: '', pathStyle: true });
});

test.each([
  ['no JSON', '{"kafka": hunter2', /no JSON\. Expected an object with kafka, redis and s3/],
  ['a server that is left out', { ...whole, redis: undefined }, /redis: expected object/],
  [
    'an address without a port',
    { ...whole, kafka: { ...whole.kafka, brokers: ['b1'] } },
    /kafka\.brokers\.0: .*host:port/,
  ],
  ['a port of no number', { ...whole, redis: { ...whole.redis, port: 'hunter2' } }, /redis\.port: expected number/],
  ['a prefix without a slash', { ...whole, s3: { ...whole.s3, prefix: 'x' } }, /s3\.prefix: .*with a slash at its end/],
  ['an endpoint without a scheme', { ...whole, s3: { ...whole.s3, endpoint: 's3.example' } }, /s3\.endpoint: .*https:/],
  [
    'a secret in an address, which would be printed and kept',
    { ...whole, s3: { ...whole.s3, endpoint: 'https://key:hunter2@s3.example' } },
    /s3\.endpoint: .*without user, password/,
  ],
  [
    'a secret before a broker',
    { ...whole, kafka: { ...whole.kafka, brokers: ['user:hunter2@b1:9093'] } },
    /kafka\.brokers\.0: .*host:port/,
  ],
  [
    'a secret, which is not repeated',
    { ...whole, redis: { ...whole.redis, password: 'hunter2' } },
    /redis: knows no password; secrets .* from the environment \(PLANEBENCH_KAFKA_PASSWORD, /,
  ],
])('%s', async (_, given, sentence) => {
  const said = await refusal(typeof given === 'string' ? given : JSON.stringify(given));
  expect(said).toMatch(sentence);
  expect(said).not.toContain('hunter2');
});

test('a secret that is not there is named before anything is asked of a server', async () => {
  const servers = await read(JSON.stringify(whole));
  vi.stubEnv('PLANEBENCH_KAFKA_PASSWORD', 'x');
  vi.stubEnv('PLANEBENCH_REDIS_PASSWORD', '');
  expect(() => demandSecrets(servers)).toThrow('the environment variable PLANEBENCH_REDIS_PASSWORD is not set');
  vi.unstubAllEnvs();
});
