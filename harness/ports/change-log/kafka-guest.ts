/** Brokers that are not ours: whether they will do, asked before anything is, and what a guest takes away again. */
import { hostClock } from '../../clock.js';
import { messageOf, UsageError } from '../../errors.js';
import { secretNames } from '../secrets.js';
import { addressOf, batchLimitBytes, connectChangeLog, type KafkaConnection } from './kafka.js';
import { type BrokerConnection, connectBroker, refusalOf } from './kafka-connection.js';
import { headerBytes, recordHeadBytes } from './kafka-records.js';

const timeoutMs = 10_000;
const electedWithinUs = 30_000_000;

/** Every step that a run takes, once, with a topic of its own. Rejects with UsageError. */
export async function checkBrokers(connection: KafkaConnection): Promise<void> {
  const log = connectChangeLog(connection);
  const topic = 'trial';
  let isMade = false;
  try {
    await log.createTopic(topic, 1);
    isMade = true;
    const end = await log.append(topic, 0, [new Uint8Array(batchLimitBytes - headerBytes - recordHeadBytes)]);
    const { entries } = await log.read(topic, 0, end - 1, { maxBytes: 1_024, maxWaitUs: 1_000_000 });
    if (entries.length !== 1) throw new Error(`an entry that was acknowledged is not read again`);
    await log.commit(topic, topic, [end]);
    await removeTopics(connection);
  } catch (error) {
    const left = isMade ? await removeTopics(connection).catch(messageOf) : undefined;
    if (error instanceof UsageError) throw error;
    const { brokers, security, prefix } = connection;
    const toDo =
      refusalOf((error as Error).cause) === 'MESSAGE_TOO_LARGE'
        ? `Let the brokers take a batch of ${batchLimitBytes} bytes (message.max.bytes)`
        : `Check brokers, replication${security?.tls ? ', tls' : ''}${security?.sasl ? `, sasl and ${secretNames.kafka[0]}` : ''}; the user has to be allowed to create, write, read and delete topics, and to use and delete groups, whose names begin with ${prefix}`;
    throw new UsageError(
      `the change log on kafka at ${brokers.join(', ')} cannot be used: ${messageOf(error)}. ${toDo}${left === undefined ? '' : `. What was made there could not be removed: ${left}`}`,
      { cause: error },
    );
  } finally {
    await log.close();
  }
}

/** All topics and groups whose names begin with the prefix of the connection. */
export async function removeTopics({ brokers, security, prefix }: KafkaConnection): Promise<void> {
  if (prefix === undefined) throw new Error('only what has a prefix of its own is removed');
  const open: BrokerConnection[] = [];
  const connect = async (address: { readonly host: string; readonly port: number }) => {
    const broker = await connectBroker(address, timeoutMs, security);
    open.push(broker);
    return broker;
  };
  try {
    const any = await firstOf(brokers, (broker) => connect(addressOf(broker)));
    const { brokers: all, topicMetadata, controllerId } = await metadataOf(any);
    const members = await Promise.all(all.map(async (one) => ({ one, broker: await connect(one) })));
    const topics = topicMetadata.map(({ topic }) => topic).filter((topic) => topic.startsWith(prefix));
    const controller = members.find(({ one }) => one.nodeId === controllerId)?.broker ?? any;
    if (topics.length > 0) await controller.ask('DeleteTopics', { topics, timeout: timeoutMs });
    const kept: string[] = [];
    // A group is listed by the broker that keeps it.
    for (const { broker } of members) {
      const { groups } = (await broker.ask('ListGroups', {})) as { groups: { groupId: string }[] };
      const ours = groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(prefix));
      if (ours.length === 0) continue;
      const { results } = (await broker.ask('DeleteGroups', ours)) as { results: DeletedGroup[] };
      // kafkajs takes an answer for done, whatever became of each group.
      for (const { groupId, errorCode, error } of results)
        if (errorCode !== 0 && errorCode !== noSuchGroup) kept.push(`${groupId} (${messageOf(error)})`);
    }
    if (kept.length > 0) throw new Error(`groups were not deleted: ${kept.join(', ')}`);
  } finally {
    for (const broker of open) broker.close(new Error('done'));
  }
}

/** While any topic, be it of others, is without a leader, the whole answer counts as an error: asked again. */
async function metadataOf(broker: BrokerConnection): Promise<Metadata> {
  for (const deadlineUs = hostClock.nowUs() + electedWithinUs; ; ) {
    try {
      return (await broker.ask('Metadata', { topics: [] })) as Metadata;
    } catch (error) {
      if (refusalOf(error) !== 'LEADER_NOT_AVAILABLE' || hostClock.nowUs() > deadlineUs) throw error;
      await hostClock.sleep(200_000);
    }
  }
}

interface DeletedGroup {
  readonly groupId: string;
  readonly errorCode: number;
  readonly error?: Error;
}
/** GROUP_ID_NOT_FOUND: it has gone by itself. */
const noSuchGroup = 69;

interface Metadata {
  readonly controllerId: number;
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly topicMetadata: readonly { readonly topic: string }[];
}

async function firstOf<T>(brokers: readonly string[], connect: (broker: string) => Promise<T>): Promise<T> {
  let last: unknown;
  for (const broker of brokers) {
    try {
      return await connect(broker);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}
