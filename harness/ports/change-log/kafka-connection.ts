/**
 * A connection to one broker, by kafkajs: its sockets, its sign-in and its requests, below its producer and consumer.
 * Those are built for groups that share partitions among each other; the port of the change log reads a partition from
 * an offset, and a request is just that. What is used of kafkajs here is none of its public interface: the version is
 * pinned, and `kafka-contract.test.ts` says when another one does not fit.
 */
import { createRequire } from 'node:module';
import { connect as connectSocket, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { messageOf, UsageError } from '../../errors.js';
import { secretNames, secretOf, type Tls, tlsOptions } from '../secrets.js';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** Of brokers that are not ours; plain data, without a secret. */
export interface BrokerSecurity {
  readonly tls?: Tls;
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
  };
}

export interface BrokerConnection {
  /** Closed too when a request had no answer: later ones would wait behind it. */
  readonly isOpen: boolean;
  /** A request of kafkajs: its name, and its fields as kafkajs names them. */
  ask(request: string, fields: object): Promise<unknown>;
  /** A request that is encoded here; `answer` reads what is behind the correlation id. */
  send<T>(request: OwnRequest<T>): Promise<T>;
  /** Requests in flight are rejected with the reason. */
  close(reason: Error): void;
}

export interface OwnRequest<T> {
  readonly name: string;
  readonly key: number;
  readonly version: number;
  readonly body: Buffer;
  answer(payload: Buffer): T;
  /** Instead of the connection's. */
  readonly timeoutMs?: number;
}

/** No connection could be made: nothing was asked. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

interface Protocol {
  readonly request: object;
  readonly response: object;
}
type Definition = { readonly versions: string[]; protocol(of: { version: number }): (fields: object) => Protocol };
interface KafkaConnection {
  readonly socket?: { destroy(): void };
  connect(): Promise<boolean>;
  isConnected(): boolean;
  authenticate(): Promise<void>;
  setVersions(versions: Versions): void;
  setSupportAuthenticationProtocol(supported: boolean): void;
  send(protocol: Protocol & { requestTimeout?: number | undefined; logResponseError?: boolean }): Promise<unknown>;
  rejectRequests(error: Error): void;
  disconnect(): Promise<unknown>;
}
type Versions = Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;

interface Parts {
  readonly Connection: new (options: object) => KafkaConnection;
  readonly requests: Readonly<Record<string, Definition>>;
  lookup(versions: Versions): (apiKey: number, definition: Definition) => (fields: object) => Protocol;
  readonly apiKeys: Readonly<Record<string, number>>;
  readonly Encoder: new (size: number) => { writeBuffer(bytes: Buffer): object };
  failure(code: number): boolean;
  createErrorFromCode(code: number): Error;
}

const load = createRequire(import.meta.url);
let loaded: Parts | null = null;

/** Loaded when they are needed: roles of other stacks do without. */
function kafkajs(): Parts {
  loaded ??= {
    Connection: load('kafkajs/src/network/connection.js'),
    apiKeys: load('kafkajs/src/protocol/requests/apiKeys.js'),
    Encoder: load('kafkajs/src/protocol/encoder.js'),
    ...load('kafkajs/src/protocol/requests/index.js'),
    ...load('kafkajs/src/protocol/error.js'),
  } as Parts;
  return loaded;
}

/** What kafkajs has to say is in its errors. */
const silent = { namespace: () => silent, debug() {}, info() {}, warn() {}, error() {} };

/** What is encoded here, and since when brokers know it. */
const spoken = [
  { name: 'Produce', key: 0, version: 7, since: '2.1' },
  { name: 'Fetch', key: 1, version: 11, since: '2.3' },
] as const;

/** Rejects with Unreachable. */
export async function connectBroker(
  address: BrokerAddress,
  timeoutMs: number,
  { tls, sasl }: BrokerSecurity = {},
): Promise<BrokerConnection> {
  const { Connection, Encoder, requests, lookup, apiKeys } = kafkajs();
  const connection = new Connection({
    ...address,
    logger: silent,
    clientId: 'planebench',
    connectionTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    ...(sasl && { sasl: { ...sasl, password: secretOf(secretNames.kafka[0]) } }),
    socketFactory: ({ host, port, onConnect }: BrokerAddress & { onConnect: () => void }) => {
      if (tls === undefined) return connectSocket({ host, port, noDelay: true }, onConnect);
      const name = isIP(host) === 0 ? { servername: host } : {};
      return connectTls({ host, port, ...name, ...tlsOptions(tls) }, onConnect).setNoDelay(true);
    },
  });
  let find: ReturnType<Parts['lookup']>;
  try {
    await connection.connect();
    const apiVersions = requests.ApiVersions!.protocol({ version: 2 })({});
    const { apiVersions: offered } = (await connection.send(apiVersions)) as {
      apiVersions: { apiKey: number; minVersion: number; maxVersion: number }[];
    };
    const versions = Object.fromEntries(offered.map(({ apiKey, ...range }) => [apiKey, range]));
    for (const { name, key, version, since } of spoken) {
      const { minVersion = 0, maxVersion = -1 } = versions[key] ?? {};
      if (version < minVersion || version > maxVersion)
        throw new Error(
          `it takes ${name} from ${minVersion} to ${maxVersion}, not ${version}: ${
            version < minVersion ? 'it is newer than what planebench speaks' : `Kafka ${since} or newer is needed`
          }`,
        );
    }
    connection.setVersions(versions);
    connection.setSupportAuthenticationProtocol(true);
    await connection.authenticate();
    find = lookup(versions);
  } catch (error) {
    connection.socket?.destroy();
    if (error instanceof UsageError) throw error;
    throw new Unreachable(
      `no connection could be made to kafka at ${address.host}:${address.port} (${messageOf(error)})`,
    );
  }
  let isClosed = false;
  const close = (reason: Error) => {
    isClosed = true;
    connection.rejectRequests(reason);
    connection.disconnect().catch(() => {});
    connection.socket?.destroy();
  };
  const answered = async (asked: Promise<unknown>): Promise<unknown> => {
    try {
      return await asked;
    } catch (error) {
      if (refusalOf(error) === null) close(new Error('it did not answer another request of its connection'));
      throw error;
    }
  };
  return {
    get isOpen() {
      // To kafkajs it is connected until nothing is pending.
      return !isClosed && connection.isConnected();
    },
    async ask(request, fields) {
      const protocol = find(apiKeys[request]!, requests[request]!)(fields);
      return answered(connection.send({ ...protocol, logResponseError: false }));
    },
    async send({ name, key, version, body, answer, timeoutMs }) {
      let found: ReturnType<typeof answer> | undefined;
      const sent = connection.send({
        request: {
          apiKey: key,
          apiVersion: version,
          apiName: name,
          encode: async () => new Encoder(body.length).writeBuffer(body),
        },
        response: {
          async decode(payload: Buffer) {
            found = answer(payload);
            return { clientSideThrottleTime: 0 };
          },
          async parse() {},
        },
        requestTimeout: timeoutMs,
      });
      await answered(sent);
      return found as ReturnType<typeof answer>;
    },
    close,
  };
}

/** Throws what a broker's error code stands for, if it is one. */
export function throwIfFailed(code: number): void {
  const { failure, createErrorFromCode } = kafkajs();
  if (failure(code)) throw createErrorFromCode(code);
}

/** What a broker answered instead of doing what it was asked, e.g. `NOT_LEADER_FOR_PARTITION`; null: it did not answer. */
export function refusalOf(error: unknown): string | null {
  const first = (error as { errors?: unknown[] }).errors?.[0] ?? error;
  return first instanceof Error && 'code' in first && typeof (first as { type?: unknown }).type === 'string'
    ? (first as unknown as { type: string }).type
    : null;
}
