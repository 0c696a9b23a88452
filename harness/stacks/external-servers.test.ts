/** Servers that somebody else runs, with TLS, users and passwords: a run on them, what is refused, and what is left. */
import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { secondUs } from '../../workloads/durations.js';
import { bench } from '../bench.js';
import { hostClock } from '../clock.js';
import { runCommandLine } from '../command-line.js';
import { UsageError } from '../errors.js';
import { supportOf } from '../injection.js';
import { addressOf, connectChangeLog, isBrokerReady } from '../ports/change-log/kafka.js';
import { type BrokerSecurity, connectBroker } from '../ports/change-log/kafka-connection.js';
import { checkBrokers, removeTopics } from '../ports/change-log/kafka-guest.js';
import { connectOnlineStore, pingRedis, withRedis } from '../ports/online-store/redis.js';
import { checkRedis } from '../ports/online-store/redis-guest.js';
import { createBucket, openS3TableStore } from '../ports/table-store/s3.js';
import { standardPrices } from '../prices/prices.js';
import { openScratch, type Scratch } from '../processes/scratch.js';
import { supervise } from '../processes/supervisor.js';
import { loadResults } from '../results.js';
import type { FaultPlan, Scenario } from '../scenario.js';
import { freePorts } from '../servers/free-ports.js';
import { kafka } from '../servers/kafka.js';
import { foundOrSkipped, type StartedProgram, startFound } from '../servers/program.fixture.js';
import { onPath } from '../servers/programs.js';
import { redis } from '../servers/redis.js';
import { bucketsOf, endpointOf, region, versitygw } from '../servers/versitygw.js';
import { defaultCosts } from '../simulation/costs.js';
import { smallSize } from '../suites/fixture-size.js';
import { measuredScenario } from '../suites/measured.js';
import { guestPrefix, visitServers } from './external-servers.js';
import type { ExternalServers } from './external-settings.js';
import { openPorts } from './stack.js';

const secrets = {
  PLANEBENCH_KAFKA_PASSWORD: 'kafka-secret-5d1f',
  PLANEBENCH_REDIS_PASSWORD: 'redis-secret-93ab',
  AWS_ACCESS_KEY_ID: 's3-key-77c0',
  AWS_SECRET_ACCESS_KEY: 's3-secret-e402',
} as const;

const found = [await foundOrSkipped(kafka), await foundOrSkipped(redis), await foundOrSkipped(versitygw)] as const;
const openssl = await onPath('openssl');
if (openssl === null) test.skip('servers with TLS: there is no openssl on PATH to make a certificate');

let folder: string;
let servers: ExternalServers;
const started: StartedProgram[] = [];

async function startKafka(port: number, controllerPort: number, caFile: string): Promise<void> {
  const { PLANEBENCH_KAFKA_PASSWORD: password } = secrets;
  const program: typeof kafka = {
    ...kafka,
    async prepare(at, settings) {
      const spawn = await kafka.prepare(at, settings);
      const identityFile = join(settings.directory, 'identity.pem');
      const identity = [await readFile(join(folder, 'key.pem')), await readFile(caFile)];
      await writeFile(identityFile, Buffer.concat(identity));
      const login = `org.apache.kafka.common.security.plain.PlainLoginModule required username="bench" password="${password}" user_bench="${password}";`;
      await appendFile(
        join(settings.directory, 'server.properties'),
        [
          'listener.security.protocol.map=PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT',
          'ssl.keystore.type=PEM',
          `ssl.keystore.location=${identityFile}`,
          'ssl.truststore.type=PEM',
          `ssl.truststore.location=${caFile}`,
          'inter.broker.listener.name=PLAINTEXT',
          'sasl.enabled.mechanisms=PLAIN',
          'sasl.mechanism.inter.broker.protocol=PLAIN',
          `listener.name.plaintext.plain.sasl.jaas.config=${login}`,
          // As a broker that nobody has tuned.
          'message.max.bytes=1048588',
          '',
        ].join('\n'),
      );
      return spawn;
    },
    isReady: () => isBrokerReady({ host: '127.0.0.1', port }, securityOf(servers)).catch(() => false),
  };
  const settings = { directory: join(folder, 'kafka'), index: 0, brokers: [{ port, controllerPort }] };
  started.push(await startFound(program, found[0]!, settings));
}

function securityOf({ kafka: { tls, sasl } }: ExternalServers): BrokerSecurity {
  return { ...(tls && { tls }), ...(sasl && { sasl }) };
}

async function startRedis(port: number, caFile: string): Promise<void> {
  const program: typeof redis = {
    ...redis,
    async prepare(at, settings) {
      const spawn = await redis.prepare(at, settings);
      await appendFile(
        join(settings.directory, 'redis.conf'),
        [
          'port 0',
          `tls-port ${port}`,
          `tls-cert-file ${caFile}`,
          `tls-key-file ${join(folder, 'key.pem')}`,
          `tls-ca-cert-file ${caFile}`,
          'tls-auth-clients no',
          'user default off',
          `user bench on >${secrets.PLANEBENCH_REDIS_PASSWORD} ~planebench_* +@all`,
          '',
        ].join('\n'),
      );
      return spawn;
    },
    isReady: () => pingRedis(servers.redis),
  };
  started.push(await startFound(program, found[1]!, { directory: join(folder, 'redis'), port, appendfsync: 'no' }));
}

async function startS3(port: number): Promise<void> {
  const credentials = { accessKeyId: secrets.AWS_ACCESS_KEY_ID, secretAccessKey: secrets.AWS_SECRET_ACCESS_KEY };
  const directory = join(folder, 's3');
  await mkdir(directory);
  started.push(await startFound(versitygw, found[2]!, { directory, port, credentials }));
  await createBucket({ ...servers.s3, prefix: '', cacheDirectory: folder });
}

describe.skipIf(found.includes(null) || openssl === null)('servers that are not ours', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'planebench-external-'));
    for (const [name, value] of Object.entries(secrets)) vi.stubEnv(name, value);
    const caFile = join(folder, 'ca.pem');
    await promisify(execFile)(openssl!, [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=planebench', '-addext', 'subjectAltName=IP:127.0.0.1'],
      ...['-keyout', join(folder, 'key.pem'), '-out', caFile],
    ]);
    const [broker, controller, redisPort, s3] = (await freePorts(4)) as [number, number, number, number];
    servers = {
      kafka: {
        brokers: [`127.0.0.1:${broker}`],
        replication: 1,
        tls: { caFile },
        sasl: { mechanism: 'plain', username: 'bench' },
      },
      redis: { host: '127.0.0.1', port: redisPort, tls: { caFile }, username: 'bench' },
      s3: { endpoint: endpointOf(s3), region, bucket: 'lent', prefix: 'bench/', pathStyle: true },
    };
    await Promise.all([startKafka(broker, controller, caFile), startRedis(redisPort, caFile), startS3(s3)]);
  }, 240_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await Promise.all(started.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  async function expectNothingLeft(): Promise<void> {
    const left = await withRedis(servers.redis, async (client) => ({
      keys: await client.keys('planebench_*'),
      functions: await client.call('FUNCTION', 'LIST'),
    }));
    expect(left).toEqual({ keys: [], functions: [] });
    const bucket = await readdir(join(bucketsOf(join(folder, 's3')), 'lent'), { recursive: true, withFileTypes: true });
    expect(bucket.filter((entry) => entry.isFile()).map(({ name }) => name)).toEqual([]);
    // The broker answers when its topics are gone, and takes their folders away a moment later.
    const folders = async () =>
      (await readdir(join(folder, 'kafka', 'data'))).filter((name) => /^planebench_.*-\d+$/.test(name));
    await expect.poll(folders, { timeout: 30_000 }).toEqual([]);
  }

  test('a run on them loses nothing, leaves nothing there, and says no secret anywhere', async () => {
    const out = join(folder, 'results');
    const scenario = measuredScenario({
      name: 'lent',
      ...smallSize,
      faultUs: secondUs,
    });
    const said: string[] = [];
    const { results, manifest } = await bench({
      suite: {
        name: 'lent',
        about: '',
        scenarios: [{ ...scenario, stack: 'external', servers, faults: [] }],
        arms: [{ architecture: 'lakehouse', specifier: 'lakehouse', params: null }],
        repetitions: 1,
        thresholds: [],
        floor: false,
      },
      seed: 1,
      out,
      command: 'npm test',
      prices: standardPrices,
      costs: defaultCosts,
      progress: {
        begin() {},
        phase: (...words) => void said.push(words.join(' ')),
        finish: (...words) => void said.push(words.join(' ')),
        end() {},
      },
      signal: new AbortController().signal,
    });
    const [run] = (await loadResults(results.directory)).runs;
    expect(run?.invalid).toEqual([]);
    expect(run?.ledger?.examples).toEqual([]);
    expect(run?.ledger).toMatchObject({ tables: { lost: 0, duplicated: 0 }, behind: 0, personalDataLeaks: 0 });
    expect(run?.ledger?.acknowledged).toBeGreaterThan(1_000);
    expect(manifest.servers.redis).toMatch(/^\d+\.\d+\.\d+ at 127\.0\.0\.1$/);
    await expectNothingLeft();

    const written = await readdir(results.directory, { recursive: true, withFileTypes: true });
    const texts = await Promise.all(
      written.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')),
    );
    expect(texts.length).toBeGreaterThan(10);
    for (const secret of Object.values(secrets))
      expect([...texts, said.join('\n')].filter((text) => text.includes(secret))).toEqual([]);
  }, 240_000);

  test('what a plane stored there is brought home, where the ledger searches it, and is gone there', async () => {
    const scratch = await openScratch();
    const supervisor = supervise({ lullStartUs: 0, restartDelayUs: 0, scratch });
    const uses = ['changeLog', 'onlineStore', 'tables'] as const;
    const stack = await visitServers({ supervisor, directory: scratch.directory, uses, servers });
    const { ports, close } = await openPorts(stack.connection, supervisor.clock);
    const value = Buffer.from('what a row holds');
    await ports.onlineStore.put('rows', { keys: ['k'], seqs: [1], asOfUs: [1], values: [value] });
    await ports.tables.create('table', [{ name: 'number', type: 'int', nullable: false }]);
    await close();
    await stack.close?.();
    const stored = await Promise.all(stack.storedPaths.map((path) => readdir(path, { recursive: true })));
    expect(stored[0]).toEqual(['rows']);
    expect((await readFile(join(stack.storedPaths[0]!, 'rows'))).includes(value)).toBe(true);
    expect(stored[1]?.some((name) => name.startsWith(join('table', '_delta_log')))).toBe(true);
    await expectNothingLeft();
    await supervisor.stopAll();
    await scratch.close();
  });

  describe('what cannot be used is refused in a sentence, and nothing is left of the attempt', () => {
    let scratch: Scratch;
    beforeAll(async () => {
      scratch = await openScratch();
    });
    afterAll(() => scratch.close());

    test.each<[string, (servers: ExternalServers) => unknown, RegExp, Readonly<Record<string, string>>?]>([
      [
        'a broker that is not there',
        ({ kafka }) => ({ kafka: { ...kafka, brokers: ['127.0.0.1:9'] } }),
        /change log on kafka at 127\.0\.0\.1:9 cannot be used: .*ECONNREFUSED.* Check brokers/s,
      ],
      [
        'a wrong password of Kafka',
        () => ({}),
        /kafka at .*(Invalid username or password|authentication).*PLANEBENCH_KAFKA_PASSWORD/is,
        { PLANEBENCH_KAFKA_PASSWORD: 'hunter2' },
      ],
      [
        'more copies than brokers',
        ({ kafka }) => ({ kafka: { ...kafka, replication: 3 } }),
        /kafka at .*(INVALID_REPLICATION_FACTOR|eplication).*Check brokers, replication/s,
      ],
      [
        'a certificate of Kafka that nobody vouches for',
        ({ kafka }) => ({ kafka: { ...kafka, tls: {} } }),
        /kafka at .*(self-signed|certificate).*Check brokers, replication, tls, sasl( \(none is named\))? and/s,
      ],
      [
        'a Kafka with TLS that is asked without',
        ({ kafka: { tls: _, ...kafka } }) => ({ kafka }),
        /kafka at .*no connection could be made.*Check brokers, replication, tls \(none is named\), sasl and/s,
      ],
      [
        'a wrong password of Redis',
        () => ({}),
        /redis at .*WRONGPASS.*PLANEBENCH_REDIS_PASSWORD/s,
        { PLANEBENCH_REDIS_PASSWORD: 'hunter2' },
      ],
      [
        'a certificate that nobody vouches for',
        ({ redis }) => ({ redis: { ...redis, tls: {} } }),
        /redis at .*(self-signed|certificate).*Check host, port, tls/s,
      ],
      [
        'a bucket that is not there',
        ({ s3 }) => ({ s3: { ...s3, bucket: 'absent' } }),
        /bucket absent .*there is no such bucket/,
      ],
      [
        'a wrong key of S3',
        () => ({}),
        /bucket lent .*(403|credentials are wrong)/,
        { AWS_SECRET_ACCESS_KEY: 'hunter2' },
      ],
    ])('%s', async (_, change, sentence, wrong = {}) => {
      for (const [name, value] of Object.entries({ ...secrets, ...wrong })) vi.stubEnv(name, value);
      const changed = { ...servers, ...(change(servers) as Partial<ExternalServers>) };
      const said = await refusal(changed);
      for (const [name, value] of Object.entries(secrets)) vi.stubEnv(name, value);
      expect(said).toMatch(sentence);
      expect(said).not.toMatch(/hunter2|-secret-/);
      await expectNothingLeft();
    });

    test('a bucket in which others have something under the prefix', async () => {
      const theirs = join(bucketsOf(join(folder, 's3')), 'lent', 'bench');
      await mkdir(theirs, { recursive: true });
      await writeFile(join(theirs, 'notes.txt'), 'x');
      expect(await refusal(servers)).toMatch(
        /is not ours: bench\/notes\.txt is there\..*name an empty bucket, or a prefix/,
      );
      await rm(join(theirs, 'notes.txt'));
    });

    async function refusal(of: ExternalServers): Promise<string> {
      const supervisor = supervise({ lullStartUs: 0, restartDelayUs: 0, scratch });
      const uses = ['changeLog', 'onlineStore', 'tables'] as const;
      const visit = visitServers({ supervisor, directory: join(scratch.directory, 'run'), uses, servers: of });
      const said = await visit.then(
        () => 'taken',
        (error: unknown) => {
          expect(error).toBeInstanceOf(UsageError);
          return (error as Error).message;
        },
      );
      await supervisor.stopAll();
      return said;
    }
  });

  test('their servers are not killed; what is done to roles and to their calls is', () => {
    const architecture = { uses: ['changeLog'], roles: [{ name: 'stream', ingests: true }] } as never;
    const schedule = { kind: 'once', afterUs: 0, jitterUs: 0 } as const;
    const support = (plan: FaultPlan) => supportOf(plan, { stack: 'external' } as Scenario, architecture);
    expect(support({ kind: 'change-log-outage', lastsUs: secondUs, schedule })).toEqual({
      notApplicable: 'its server is yours, and not ours to stop',
    });
    expect(support({ kind: 'role-crash', role: 'stream', schedule })).toEqual({ target: 'stream' });
  });

  test('appends that wait for each other go in batches that a broker of defaults takes; one that takes less is refused', async () => {
    const connection = { ...servers.kafka, security: securityOf(servers), prefix: `${guestPrefix}batches.` };
    const log = connectChangeLog(connection);
    await log.createTopic('changes', 1);
    const entry = new Uint8Array(40);
    const ends = await Promise.all(Array.from({ length: 30_000 }, () => log.append('changes', 0, [entry])));
    expect(ends.at(-1)).toBe(30_000);
    const larger = new Uint8Array(900 * 1024);
    expect(await log.append('changes', 0, [larger]), 'a batch of its own').toBe(30_001);
    await log.close();
    await removeTopics(connection);

    const broker = await connectBroker(addressOf(servers.kafka.brokers[0]!), 10_000, connection.security);
    const allow = (configEntries: object[]) =>
      broker.ask('AlterConfigs', { resources: [{ type: 4, name: '', configEntries }], validateOnly: false });
    await allow([{ name: 'message.max.bytes', value: '500000' }]);
    await expect(checkBrokers(connection)).rejects.toThrow(
      /MESSAGE_TOO_LARGE.*Let the brokers take a batch of 786432 bytes \(message\.max\.bytes\)$/,
    );
    await allow([]);
    broker.close(new Error('done'));
    await expectNothingLeft();
  });

  test('what a visit has left that was killed is found by its name, and taken away when that is asked', async () => {
    const guest = `${guestPrefix}0badcafe`;
    const connection = { ...servers.kafka, security: securityOf(servers), prefix: `${guest}.` };
    const log = connectChangeLog(connection);
    await log.createTopic('changes', 1);
    await log.commit('stream', 'changes', [0]);
    await log.close();
    const store = connectOnlineStore({ ...servers.redis, library: guest });
    await store.put('rows', { keys: ['k'], seqs: [1], asOfUs: [1], values: [Uint8Array.of(1)] });
    await store.close();
    const bucket = { ...servers.s3, cacheDirectory: folder };
    const tables = openS3TableStore({
      tables: { ...bucket, prefix: `${servers.s3.prefix}${guest}/` },
      clock: hostClock,
    });
    await tables.create('t', [{ name: 'a', type: 'int', nullable: false }]);
    await tables.close();

    const file = join(folder, 'servers.json');
    await writeFile(file, JSON.stringify(servers));
    const clean = async (...flags: string[]) => {
      const said: string[] = [];
      const voice = { print: (text: string) => said.push(text), complain: (text: string) => said.push(text) };
      expect(await runCommandLine(['clean', '--servers', file, ...flags], voice)).toBe(0);
      return said;
    };
    expect(await clean()).toEqual([`${guest}  kafka, redis, s3`, expect.stringMatching(/^1 visit left something/)]);
    expect(JSON.parse((await clean('--json'))[0]!)).toEqual({
      found: [{ guest, on: ['kafka', 'redis', 's3'] }],
      removed: false,
    });
    expect((await clean('--remove'))[1]).toBe('1 visit taken away');
    await expectNothingLeft();
    expect(await clean()).toEqual(['nothing was left there']);
  });

  test('a group that cannot be deleted is named', async () => {
    const connection = { ...servers.kafka, security: securityOf(servers), prefix: `${guestPrefix}groups.` };
    const broker = await connectBroker(addressOf(servers.kafka.brokers[0]!), 10_000, connection.security);
    const groupId = `${connection.prefix}busy`;
    const join = (memberId: string) =>
      broker.ask('JoinGroup', {
        ...{ groupId, memberId, sessionTimeout: 10_000, rebalanceTimeout: 10_000, protocolType: 'consumer' },
        groupProtocols: [{ name: 'any' }],
      });
    const { memberId } = await join('').then(
      () => expect.fail(),
      (error: { memberId: string }) => error,
    );
    await join(memberId);
    await expect(removeTopics(connection)).rejects.toThrow(
      `groups were not deleted: ${groupId} (The group is not empty)`,
    );
    await broker.ask('LeaveGroup', { groupId, memberId });
    await removeTopics(connection);
    broker.close(new Error('done'));
  });

  test('a topic that exists with other partitions is an error that says so', async () => {
    const connection = { ...servers.kafka, security: securityOf(servers), prefix: 'planebench_x.' };
    const log = connectChangeLog(connection);
    await log.createTopic('changes', 1);
    await expect(log.createTopic('changes', 2)).rejects.toThrow(/exists with 1 partitions, expected 2; name another/);
    await log.close();
    await removeTopics(connection);
    await expectNothingLeft();
  });
});

describe('servers that are too old', () => {
  let server: Server;
  const answering = async (answer: (asked: Buffer) => Buffer | string): Promise<number> => {
    server = createServer((socket) => {
      socket.on('data', (asked) => socket.write(answer(asked)));
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  };

  test('a Kafka of before 2.3', async () => {
    const port = await answering((asked) => {
      // ApiVersions, version 2: correlation id, no error, two requests of which it takes versions 0 to 7, no throttling.
      const body = Buffer.alloc(4 + 2 + 4 + 2 * 6 + 4);
      asked.copy(body, 0, 8, 12);
      body.writeInt32BE(2, 6);
      [0, 1].forEach((key, i) => {
        body.writeInt16BE(key, 10 + 6 * i);
        body.writeInt16BE(7, 14 + 6 * i);
      });
      const size = Buffer.alloc(4);
      size.writeInt32BE(body.length);
      return Buffer.concat([size, body]);
    });
    await expect(checkBrokers({ brokers: [`127.0.0.1:${port}`], replication: 1, prefix: 'p' })).rejects.toThrow(
      /kafka at 127\.0\.0\.1:\d+ cannot be used: .*it takes Fetch from 0 to 7, not 11: Kafka 2\.3 or newer is needed/,
    );
    server.close();
  });

  test('a Redis of before 7', async () => {
    const info = 'redis_version:6.2.14\r\nloading:0\r\n';
    const port = await answering((asked) =>
      [...asked.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)]
        .map(([, command]) => (command?.toLowerCase() === 'info' ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n'))
        .join(''),
    );
    await expect(checkRedis({ port, library: 'p' })).rejects.toThrow(
      /redis at 127\.0\.0\.1:\d+ cannot be used: it is Redis 6\.2\.14, and functions need 7\.0 or newer/,
    );
    server.close();
  });
});
