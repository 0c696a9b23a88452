/**
 * The change log on Kafka. An append is one record batch, or part of one, of an idempotent producer, acknowledged by all
 * replicas in sync; a read is one fetch from the leader of the partition; a group's position is its committed offsets.
 */
import { hostClock } from '../../clock.js';
import { CallError, HarnessError, messageOf, UsageError } from '../../errors.js';
import {
  type BrokerAddress,
  type BrokerConnection,
  type BrokerSecurity,
  connectBroker,
  refusalOf,
  throwIfFailed,
  Unreachable,
} from './kafka-connection.js';
import { decodeEntries, encodeBatch, headerBytes, type Producer, recordHeadBytes } from './kafka-records.js';
import { entryLimitBytes, readLimitBytes } from './limits.js';
import type { ChangeLog } from './port.js';

export interface KafkaConnection {
  /** `host:port`; one that answers is enough. */
  readonly brokers: readonly string[];
  /** Of topics that are created here. */
  readonly replication: number;
  readonly security?: BrokerSecurity;
  /** Before the names of all topics and groups, where others have theirs; absent: none has. */
  readonly prefix?: string;
  /** By the address of which a broker tells, that by which this client reaches it; absent: the same. */
  readonly reachedAt?: Readonly<Record<string, string>>;
}

/** After this, a call is given up; a read has its own waiting time on top. */
const timeoutMs = 10_000;
/**
 * Appends that wait for the one under way are sent together, up to a batch of this much as it is encoded: a broker that
 * nobody has tuned takes 1,048,588 bytes (message.max.bytes), and the whole batch counts.
 */
export const batchLimitBytes = 768 * 1024;
const appendLimitBytes = 64 * 1024 * 1024;
/** While a leader or a coordinator is being found. */
const askAgainAfterUs = 20_000;

/** Nothing was done, and it may be there in a moment. */
const notYet = new Set(['GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP']);
/** Refusals after which it is unknown what became of it. */
const inDoubt = new Set([
  'UNKNOWN',
  'REQUEST_TIMED_OUT',
  'NETWORK_EXCEPTION',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'KAFKA_STORAGE_ERROR',
  'DUPLICATE_SEQUENCE_NUMBER',
  'KAFKAJS_UNKNOWN_ERROR_CODE',
]);

/**
 * To a leader that was replaced while it waited for its followers, these are the answers to an append too: the batch may be in
 * the log of its successor (DelayedProduce in Kafka's own sources).
 */
const appendInDoubt = new Set([...inDoubt, 'UNKNOWN_TOPIC_OR_PARTITION', 'NOT_LEADER_FOR_PARTITION']);

/** For ListOffsets: the end, not an offset by time. */
const latest = -1;
/** Answers of brokers that have not heard yet of a topic, or that they lead it. */
const beingMade = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION']);

interface Topic {
  /** By partition, who leads it. */
  readonly leaders: readonly BrokerAddress[];
}

interface PartitionMetadata {
  readonly partitionId: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  /** In sync: what is acknowledged is written by all of these. */
  readonly isr: readonly number[];
}

interface Metadata {
  readonly controllerId: number;
  readonly brokers: (BrokerAddress & { readonly nodeId: number })[];
  readonly topicMetadata: {
    readonly topic: string;
    readonly partitionMetadata: PartitionMetadata[];
  }[];
}

interface Append {
  readonly entries: readonly Uint8Array[];
  /** Of its records in a batch, at most. */
  readonly bytes: number;
  resolve(end: number): void;
  reject(error: unknown): void;
}

/** Appends of one partition, in the order of their calls: one batch is under way at a time. */
interface Lane {
  waiting: Append[];
  busy: boolean;
  producer: Producer | null;
  /** Of the next entry of this producer. */
  sequence: number;
}

export function connectChangeLog(connection: KafkaConnection): ChangeLog {
  const log = connectLog(connection);
  const { prefix } = connection;
  if (prefix === undefined) return log;
  const of = (name: string) => `${prefix}${name}`;
  return {
    createTopic: (topic, partitions) => log.createTopic(of(topic), partitions),
    append: (topic, partition, entries) => log.append(of(topic), partition, entries),
    read: (topic, partition, offset, limits) => log.read(of(topic), partition, offset, limits),
    endOffsets: (topic) => log.endOffsets(of(topic)),
    commit: (group, topic, offsets) => log.commit(of(group), of(topic), offsets),
    committed: (group, topic) => log.committed(of(group), of(topic)),
    close: () => log.close(),
  };
}

function connectLog({ brokers, replication, security, reachedAt = {} }: KafkaConnection): ChangeLog {
  const where = `kafka at ${brokers.join(', ')}`;
  const topics = new Map<string, Promise<Topic>>();
  const coordinators = new Map<string, Promise<BrokerAddress>>();
  const lanes = new Map<string, Lane>();
  /** For whatever is answered at once. */
  const shared = new Map<string, Promise<BrokerConnection>>();
  /** A broker serves one request of a connection after the other, and a read may wait: each has one of its own. */
  const idle = new Map<string, BrokerConnection[]>();
  const open = new Set<BrokerConnection>();
  let producer: Promise<Producer> | null = null;
  let closed = false;

  async function connectTo(address: BrokerAddress): Promise<BrokerConnection> {
    const proxy = reachedAt[`${address.host}:${address.port}`];
    const connection = await connectBroker(proxy === undefined ? address : addressOf(proxy), timeoutMs, security);
    open.add(connection);
    if (closed) connection.close(new Error('the client was closed'));
    return connection;
  }

  async function sharedOf(address: BrokerAddress): Promise<BrokerConnection> {
    const key = `${address.host}:${address.port}`;
    const known = shared.get(key);
    const connection = await known?.catch(() => null);
    if (connection?.isOpen) return connection;
    // Whoever noticed first connects, and the others wait for that.
    if (shared.get(key) === known) {
      if (connection) open.delete(connection);
      shared.set(key, connectTo(address));
    }
    return shared.get(key) as Promise<BrokerConnection>;
  }

  /** Of `brokers`, the one that answered last. */
  let answering = 0;

  /** What any broker can tell. Who does not answer is asked no more while another one does. */
  async function askAny(request: string, fields: object): Promise<unknown> {
    for (let tried = 1; ; tried++) {
      const mine = answering;
      let broker: BrokerConnection | null = null;
      try {
        broker = await sharedOf(addressOf(brokers[mine]!));
        return await broker.ask(request, fields);
      } catch (error) {
        if (refusalOf(error) !== null || error instanceof UsageError) throw error;
        broker?.close(new Error('it did not answer'));
        if (answering === mine) answering = (mine + 1) % brokers.length;
        if (tried === brokers.length) throw error;
      }
    }
  }

  /** Where a cluster has one broker that makes topics, nobody else does. */
  async function controller(): Promise<BrokerConnection> {
    const { brokers: all, controllerId } = (await askAny('Metadata', { topics: [] })) as Metadata;
    const found = all.find(({ nodeId }) => nodeId === controllerId);
    return sharedOf(found ? { host: found.host, port: found.port } : addressOf(brokers[answering]!));
  }

  /** What kafkajs and brokers throw, as the port promises it. */
  async function call<T>(operation: string, work: () => Promise<T>, doubted = inDoubt): Promise<T> {
    const fail = (outcome: CallError['outcome'], reason: string, cause?: unknown) =>
      new CallError(
        outcome,
        `'${operation}' to ${where}: ${reason}${outcome === 'failed' ? '' : '; it may or may not have taken effect'}`,
        { cause },
      );
    if (closed) throw fail('failed', 'the client is closed');
    try {
      return await work();
    } catch (error) {
      if (error instanceof Unreachable) throw fail('failed', error.message, error);
      if (error instanceof Refused) throw fail('failed', error.message, error);
      const refusal = refusalOf(error);
      if (refusal !== null && !doubted.has(refusal))
        throw fail('failed', `refused as ${refusal} (${messageOf(error)})`, error);
      throw fail('indeterminate', messageOf(error), error);
    }
  }

  function topicNamed(name: string): Promise<Topic> {
    const known = topics.get(name);
    if (known) return known;
    const found = findTopic(name);
    topics.set(name, found);
    found.catch(() => topics.delete(name));
    return found;
  }

  async function findTopic(name: string): Promise<Topic> {
    const metadata = askAny('Metadata', { topics: [name], allowAutoTopicCreation: false });
    const { brokers, topicMetadata } = (await metadata.catch((error: unknown) => {
      if (refusalOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') throw new Refused(`there is no topic '${name}'`);
      throw error;
    })) as Metadata;
    const partitions = topicMetadata[0]?.partitionMetadata ?? [];
    const leaders = partitions
      .sort((a, b) => a.partitionId - b.partitionId)
      .map(({ leader, partitionId }) => {
        const found = brokers.find(({ nodeId }) => nodeId === leader);
        if (!found) throw new Refused(`partition ${partitionId} of '${name}' has no leader`);
        return { host: found.host, port: found.port };
      });
    return { leaders };
  }

  async function leaderOf(name: string, partition: number): Promise<BrokerAddress> {
    const { leaders } = await topicNamed(name);
    const leader = leaders[partition];
    if (leader) return leader;
    throw new Refused(`topic '${name}' has partitions 0 to ${leaders.length - 1}, there is no ${partition}`);
  }

  /** After a failure, a leader is looked up again: it may be another one. */
  async function asLeader<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refused)) topics.delete(name);
      throw error;
    }
  }

  /** Until `deadline`, as long as the refusal says that it may be there in a moment. */
  async function untilThere<T>(isNotYet: (error: unknown) => boolean, work: () => Promise<T>): Promise<T> {
    for (const deadlineUs = hostClock.nowUs() + timeoutMs * 1000; ; ) {
      try {
        return await work();
      } catch (error) {
        if (closed || !isNotYet(error) || hostClock.nowUs() > deadlineUs) throw error;
        await hostClock.sleep(askAgainAfterUs);
      }
    }
  }

  async function askCoordinator(group: string, request: string, fields: object): Promise<unknown> {
    const isNotYet = (error: unknown) => notYet.has(refusalOf(error) ?? '');
    return untilThere(isNotYet, async () => {
      try {
        let found = coordinators.get(group);
        if (!found) {
          found = findCoordinator(group);
          coordinators.set(group, found);
        }
        return await (await sharedOf(await found)).ask(request, { groupId: group, ...fields });
      } catch (error) {
        coordinators.delete(group);
        throw error;
      }
    });
  }

  async function findCoordinator(group: string): Promise<BrokerAddress> {
    const found = (await askAny('GroupCoordinator', { groupId: group, coordinatorType: 0 })) as {
      coordinator: BrokerAddress;
    };
    return { host: found.coordinator.host, port: found.coordinator.port };
  }

  async function initProducer(): Promise<Producer> {
    const fields = { transactionalId: null, transactionTimeout: 0 };
    const isNotYet = (error: unknown) => notYet.has(refusalOf(error) ?? '');
    const { producerId, producerEpoch } = (await untilThere(isNotYet, () => askAny('InitProducerId', fields))) as {
      producerId: string;
      producerEpoch: number;
    };
    return { id: BigInt(producerId), epoch: producerEpoch };
  }

  function producerNow(): Promise<Producer> {
    if (producer) return producer;
    const made = initProducer();
    producer = made;
    made.catch(() => {
      if (producer === made) producer = null;
    });
    return made;
  }

  function laneOf(topic: string, partition: number): Lane {
    const key = `${partition} ${topic}`;
    let lane = lanes.get(key);
    if (!lane) {
      lane = { waiting: [], busy: false, producer: null, sequence: 0 };
      lanes.set(key, lane);
    }
    return lane;
  }

  /** Sends what waits, batch after batch, until nothing does. */
  async function drain(lane: Lane, topic: string, partition: number): Promise<void> {
    if (lane.busy) return;
    lane.busy = true;
    while (lane.waiting.length > 0) {
      let size = 0;
      for (let bytes = headerBytes; size < lane.waiting.length; size++) {
        bytes += lane.waiting[size]!.bytes;
        if (size > 0 && bytes > batchLimitBytes) break;
      }
      const together = lane.waiting.slice(0, size);
      lane.waiting = lane.waiting.slice(size);
      try {
        let end = await asLeader(topic, () =>
          sendBatch(
            lane,
            topic,
            partition,
            together.flatMap(({ entries }) => entries),
          ),
        );
        for (const { entries, resolve } of together) {
          end += entries.length;
          resolve(end);
        }
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    lane.busy = false;
  }

  /** Resolves with the offset of the first entry. */
  async function sendBatch(
    lane: Lane,
    topic: string,
    partition: number,
    entries: readonly Uint8Array[],
  ): Promise<number> {
    const leader = await leaderOf(topic, partition);
    const mine = await producerNow();
    if (lane.producer !== mine) {
      lane.producer = mine;
      lane.sequence = 0;
    }
    const batch = encodeBatch(entries, mine, lane.sequence);
    const send = async () => (await sharedOf(leader)).send(produceRequest(topic, partition, batch));
    try {
      const base = await send().catch(async (lost: unknown) => {
        if (lost instanceof Unreachable || refusalOf(lost) !== null) throw lost;
        // Once more under the same sequence number: a broker that has the batch answers the offset that it gave it.
        return send().catch(() => {
          throw lost;
        });
      });
      lane.sequence += entries.length;
      return base;
    } catch (error) {
      // The next sequence number may be taken or not. Another producer begins at 0.
      if (!(error instanceof Unreachable) && producer !== null && (await producer.catch(() => null)) === mine)
        producer = null;
      throw error;
    }
  }

  return {
    async createTopic(topic, partitions) {
      await call('createTopic', async () => {
        const wanted = { topic, numPartitions: partitions, replicationFactor: replication };
        // While any topic, be it of others, is without a leader, the answer counts as an error.
        await (await untilThere(isBeingMade, controller))
          .ask('CreateTopics', { topics: [wanted], validateOnly: false, timeout: timeoutMs })
          .catch((error: unknown) => {
            if (refusalOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
          });
        topics.delete(topic);
        // The controller has it; brokers hear of it a moment later, and of what they lead a moment after that.
        const { leaders } = await untilThere(isBeingMade, async () => {
          const made = await topicNamed(topic);
          await Promise.all(made.leaders.map((_, partition) => endOffset(topic, partition)));
          return made;
        });
        if (leaders.length !== partitions)
          throw new Refused(
            `topic '${topic}' exists with ${leaders.length} partitions, expected ${partitions}; name another topic, or delete that one if it is nobody's`,
          );
      });
    },

    append: (topic, partition, entries) =>
      call(
        'append',
        async () => {
          let bytes = 0;
          for (const { length } of entries) {
            bytes += length;
            if (length > entryLimitBytes)
              throw new Refused(`an entry of ${length} bytes is larger than the limit of ${entryLimitBytes}`);
          }
          if (bytes > appendLimitBytes)
            throw new Refused(`an append of ${bytes} bytes is larger than the limit of ${appendLimitBytes}`);
          if (entries.length === 0) return endOffset(topic, partition);
          return new Promise<number>((resolve, reject) => {
            const lane = laneOf(topic, partition);
            lane.waiting.push({ entries, bytes: bytes + recordHeadBytes * entries.length, resolve, reject });
            void drain(lane, topic, partition);
          });
        },
        appendInDoubt,
      ),

    async read(topic, partition, offset, { maxBytes, maxWaitUs, signal }) {
      if (signal?.aborted) throw signal.reason;
      return call('read', () =>
        asLeader(topic, async () => {
          const leader = await leaderOf(topic, partition);
          const key = `${leader.host}:${leader.port}`;
          const free = idle.get(key) ?? [];
          idle.set(key, free);
          let connection = free.pop();
          while (connection && !connection.isOpen) {
            open.delete(connection);
            connection = free.pop();
          }
          const mine = connection ?? (await connectTo(leader));
          const abort = () => mine.close(new Error('the caller gave up'));
          if (signal?.aborted) abort();
          signal?.addEventListener('abort', abort, { once: true });
          try {
            const limit = Math.min(maxBytes, readLimitBytes);
            const { endOffset, batches } = await mine.send(
              fetchRequest(topic, partition, offset, limit, Math.ceil(maxWaitUs / 1000)),
            );
            return { baseOffset: offset, entries: decodeEntries(batches, offset, limit), endOffset };
          } finally {
            signal?.removeEventListener('abort', abort);
            if (mine.isOpen) free.push(mine);
            else open.delete(mine);
          }
        }),
      ).catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : error;
      });
    },

    endOffsets: (topic) =>
      call('endOffsets', async () => {
        const { leaders } = await topicNamed(topic);
        return Promise.all(leaders.map((_, partition) => endOffset(topic, partition)));
      }),

    async commit(group, topic, offsets) {
      await call('commit', async () => {
        const { leaders } = await topicNamed(topic);
        if (offsets.length !== leaders.length)
          throw new Refused(`${offsets.length} offsets for the ${leaders.length} partitions of '${topic}'`);
        const partitions = offsets.map((offset, partition) => ({ partition, offset: String(offset) }));
        await askCoordinator(group, 'OffsetCommit', {
          // No member of the group: nobody shares its partitions out.
          groupGenerationId: -1,
          memberId: '',
          topics: [{ topic, partitions }],
        });
      });
    },

    committed: (group, topic) =>
      call('committed', async () => {
        const { leaders } = await topicNamed(topic);
        const partitions = leaders.map((_, partition) => ({ partition }));
        const { responses } = (await askCoordinator(group, 'OffsetFetch', { topics: [{ topic, partitions }] })) as {
          responses: { partitions: { partition: number; offset: string }[] }[];
        };
        const offsets = new Array<number>(leaders.length).fill(-1);
        for (const { partition, offset } of responses[0]?.partitions ?? []) offsets[partition] = Number(offset);
        return offsets.some((offset) => offset < 0) ? null : offsets;
      }),

    async close() {
      closed = true;
      for (const connection of open) connection.close(new Error('the client was closed'));
      await Promise.allSettled(shared.values());
    },
  };

  async function endOffset(topic: string, partition: number): Promise<number> {
    return asLeader(topic, async () => {
      const broker = await sharedOf(await leaderOf(topic, partition));
      const { responses } = (await broker.ask('ListOffsets', {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ topic, partitions: [{ partition, timestamp: latest }] }],
      })) as { responses: { partitions: { offset: string }[] }[] };
      return Number(responses[0]?.partitions[0]?.offset);
    });
  }
}

/** Who leads the partition, as the first broker tells that answers. */
export async function leaderOf(
  { brokers, security }: KafkaConnection,
  topic: string,
  partition: number,
): Promise<BrokerAddress> {
  const told = brokers.map(async (broker) => {
    const connection = await connectBroker(addressOf(broker), timeoutMs, security);
    try {
      return (await connection.ask('Metadata', { topics: [topic], allowAutoTopicCreation: false })) as Metadata;
    } finally {
      connection.close(new Error('asked'));
    }
  });
  const { brokers: all, topicMetadata } = await Promise.any(told).catch(({ errors }: AggregateError) => {
    throw new HarnessError(
      `no broker of ${brokers.join(', ')} says who leads partition ${partition} of '${topic}': ${errors.map(messageOf).join('; ')}`,
    );
  });
  const found = topicMetadata[0]?.partitionMetadata.find(({ partitionId }) => partitionId === partition);
  const leader = all.find(({ nodeId }) => nodeId === found?.leader);
  if (leader) return leader;
  throw new HarnessError(
    found ? `partition ${partition} of '${topic}' has no leader` : `topic '${topic}' has no partition ${partition}`,
  );
}

/** Whether a broker takes part in its cluster and serves all that it leads; rejects if it does not answer. */
export async function isBrokerReady(address: BrokerAddress, security?: BrokerSecurity): Promise<boolean> {
  const broker = await connectBroker(address, 2_000, security);
  try {
    const { brokers, topicMetadata } = (await broker.ask('Metadata', { topics: [] })) as Metadata;
    const self = brokers.find(({ port }) => port === address.port);
    if (!self) return false;
    const isBehind = ({ replicas, isr }: PartitionMetadata) =>
      replicas.includes(self.nodeId) && !isr.includes(self.nodeId);
    // While it catches up another one may not die, or nobody acknowledges.
    if (topicMetadata.some(({ partitionMetadata }) => partitionMetadata.some(isBehind))) return false;
    const topics = topicMetadata
      .map(({ topic, partitionMetadata }) => ({
        topic,
        partitions: partitionMetadata
          .filter(({ leader }) => leader === self.nodeId)
          .map(({ partitionId }) => ({ partition: partitionId, timestamp: latest })),
      }))
      .filter(({ partitions }) => partitions.length > 0);
    // It refuses what it is to lead and does not yet.
    await broker.ask('ListOffsets', { replicaId: -1, isolationLevel: 0, topics });
    return true;
  } finally {
    broker.close(new Error('asked'));
  }
}

/** Said here, not by a broker: nothing was asked of one. */
class Refused extends Error {
  override readonly name = 'Refused';
}

function isBeingMade(error: unknown): boolean {
  return error instanceof Refused || beingMade.has(refusalOf(error) ?? '');
}

export function addressOf(broker: string): BrokerAddress {
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) };
}

/** Produce, version 7 (KIP-98): acknowledged by all replicas in sync; answers the offset of the first record. */
function produceRequest(topic: string, partition: number, batch: Buffer) {
  const head = Buffer.alloc(26 + Buffer.byteLength(topic));
  let at = head.writeInt16BE(-1, 0); // no transaction
  at = head.writeInt16BE(-1, at); // acks: all
  at = head.writeInt32BE(timeoutMs, at);
  at = head.writeInt32BE(1, at);
  at = writeString(head, at, topic);
  at = head.writeInt32BE(1, at);
  at = head.writeInt32BE(partition, at);
  head.writeInt32BE(batch.length, at);
  return {
    name: 'Produce',
    key: 0,
    version: 7,
    body: Buffer.concat([head, batch]),
    answer(payload: Buffer): number {
      const from = 4 + stringBytes(payload, 4) + 4 + 4;
      throwIfFailed(payload.readInt16BE(from));
      return Number(payload.readBigInt64BE(from + 2));
    },
  };
}

/** Fetch, version 11 (KIP-392), of one partition and outside any fetch session. */
function fetchRequest(topic: string, partition: number, offset: number, maxBytes: number, maxWaitMs: number) {
  const body = Buffer.alloc(69 + Buffer.byteLength(topic));
  let at = body.writeInt32BE(-1, 0); // no replica
  at = body.writeInt32BE(maxWaitMs, at);
  at = body.writeInt32BE(1, at); // answered as soon as there is a byte
  at = body.writeInt32BE(maxBytes, at);
  at = body.writeInt8(0, at);
  at = body.writeInt32BE(0, at);
  at = body.writeInt32BE(-1, at);
  at = body.writeInt32BE(1, at);
  at = writeString(body, at, topic);
  at = body.writeInt32BE(1, at);
  at = body.writeInt32BE(partition, at);
  at = body.writeInt32BE(-1, at); // any leader epoch
  at = body.writeBigInt64BE(BigInt(offset), at);
  at = body.writeBigInt64BE(-1n, at);
  at = body.writeInt32BE(maxBytes, at);
  at = body.writeInt32BE(0, at);
  body.writeInt16BE(0, at); // no rack
  return {
    name: 'Fetch',
    key: 1,
    version: 11,
    body,
    timeoutMs: maxWaitMs + timeoutMs,
    answer(payload: Buffer): { endOffset: number; batches: Buffer } {
      throwIfFailed(payload.readInt16BE(4));
      const from = 14 + stringBytes(payload, 14) + 4 + 4;
      throwIfFailed(payload.readInt16BE(from));
      const endOffset = Number(payload.readBigInt64BE(from + 2));
      const aborted = Math.max(0, payload.readInt32BE(from + 26));
      const sizeAt = from + 30 + 16 * aborted + 4;
      const size = Math.max(0, payload.readInt32BE(sizeAt));
      return { endOffset, batches: payload.subarray(sizeAt + 4, sizeAt + 4 + size) };
    },
  };
}

function writeString(target: Buffer, at: number, text: string): number {
  const bytes = target.write(text, at + 2);
  target.writeInt16BE(bytes, at);
  return at + 2 + bytes;
}

/** Of a string and its length. */
function stringBytes(source: Buffer, at: number): number {
  return 2 + source.readInt16BE(at);
}
