/**
 * A connection to one broker, by kafkajs: its sockets, its sign-in and its requests, below its producer and consumer.
 * Those are built for groups that share partitions among each other; the port of the change log reads a partition from
 * an offset, and a request is just that. What is used of kafkajs here is none of its public interface: the version is
 * pinned, and `kafka-contract.test.ts` says when another one does not fit.
 */
import { createRequire } from 'node:module';
import { connect as connectSocket } from 'node:net';
import { messageOf } from '../../errors.js';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export interface BrokerConnection {
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

/** Rejects with Unreachable. */
export async function connectBroker(address: BrokerAddress, timeoutMs: number): Promise<BrokerConnection> {
  const { Connection, Encoder, requests, lookup, apiKeys } = kafkajs();
  const connection = new Connection({
    ...address,
    logger: silent,
    clientId: 'planebench',
    connectionTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    socketFactory: ({ host, port, onConnect }: BrokerAddress & { onConnect: () => void }) =>
      connectSocket({ host, port, noDelay: true }, onConnect),
  });
  let find: ReturnType<Parts['lookup']>;
  try {
    await connection.connect();
    const apiVersions = requests.ApiVersions!.protocol({ version: 2 })({});
    const { apiVersions: offered } = (await connection.send(apiVersions)) as {
      apiVersions: { apiKey: number; minVersion: number; maxVersion: number }[];
    };
    const versions = Object.fromEntries(offered.map(({ apiKey, ...range }) => [apiKey, range]));
    connection.setVersions(versions);
    connection.setSupportAuthenticationProtocol(true);
    await connection.authenticate();
    find = lookup(versions);
  } catch (error) {
    connection.socket?.destroy();
    throw new Unreachable(
      `no connection could be made to kafka at ${address.host}:${address.port} (${messageOf(error)})`,
    );
  }
  return {
    get isOpen() {
      return connection.isConnected();
    },
    async ask(request, fields) {
      const protocol = find(apiKeys[request]!, requests[request]!)(fields);
      return connection.send({ ...protocol, logResponseError: false });
    },
    async send({ name, key, version, body, answer, timeoutMs }) {
      let answered: ReturnType<typeof answer> | undefined;
      await connection.send({
        request: {
          apiKey: key,
          apiVersion: version,
          apiName: name,
          encode: async () => new Encoder(body.length).writeBuffer(body),
        },
        response: {
          async decode(payload: Buffer) {
            answered = answer(payload);
            return { clientSideThrottleTime: 0 };
          },
          async parse() {},
        },
        requestTimeout: timeoutMs,
      });
      return answered as ReturnType<typeof answer>;
    },
    close(reason) {
      connection.rejectRequests(reason);
      connection.disconnect().catch(() => {});
      connection.socket?.destroy();
    },
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
