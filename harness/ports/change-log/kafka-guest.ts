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
        : `Check brokers, replication, tls${security?.tls ? '' : ' (none is named)'}, sasl${security?.sasl ? '' : ' (none is named)'} and ${secretNames.kafka[0]}; the user has to be allowed to create, write, read and delete topics, and to use and delete groups, whose names begin with ${prefix}`;
    throw new UsageError(
      `the change log on kafka at ${brokers.join(', ')} cannot be used: ${messageOf(error)}. ${toDo}${left === undefined ? '' : `. What was made there could not be removed: ${left}`}`,
      { cause: error },
    );
  } finally {
    await log.close();
  }
}

/** Names of all topics and groups that begin with `prefix`. */
export async function namesAt(connection: KafkaConnection, prefix: string): Promise<string[]> {
  return atBrokers(connection, async ({ topics, members }) => {
    const groups = await Promise.all(members.map((broker) => groupsAt(broker)));
    return [...topics, ...groups.flat()].filter((name) => name.startsWith(prefix));
  });
}

/** All topics and groups whose names begin with the prefix of the connection. */
export async function removeTopics(connection: KafkaConnection): Promise<void> {
  const { prefix } = connection;
  if (prefix === undefined) throw new Error('only what has a prefix of its own is removed');
  await atBrokers(connection, async ({ topics, controller, members }) => {
    const ours = topics.filter((topic) => topic.startsWith(prefix));
    if (ours.length > 0) await controller.ask('DeleteTopics', { topics: ours, timeout: timeoutMs });
    const kept: string[] = [];
    // A group is listed by the broker that keeps it.
    for (const broker of members) {
      const groups = (await groupsAt(broker)).filter((group) => group.startsWith(prefix));
      if (groups.length === 0) continue;
      const { results } = (await broker.ask('DeleteGroups', groups)) as { results: DeletedGroup[] };
      // kafkajs takes an answer for done, whatever became of each group.
      for (const { groupId, errorCode, error } of results)
        if (errorCode !== 0 && errorCode !== noSuchGroup) kept.push(`${groupId} (${messageOf(error)})`);
    }
    if (kept.length > 0) throw new Error(`groups were not deleted: ${kept.join(', ')}`);
  });
}

interface Cluster {
  readonly topics: readonly string[];
  readonly controller: BrokerConnection;
  readonly members: readonly BrokerConnection[];
}

/** Connections are open for as long as `work` goes on. */
async function atBrokers<T>(
  { brokers, security }: KafkaConnection,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const open: BrokerConnection[] = [];
  const connect = async (address: { readonly host: string; readonly port: number }) => {
    const broker = await connectBroker(address, timeoutMs, security);
    open.push(broker);
    return broker;
  };
  try {
    const any = await firstOf(brokers, (broker) => connect(addressOf(broker)));
    const { brokers: all, topicMetadata, controllerId } = await metadataOf(any);
    const met = await Promise.allSettled(all.map(async (one) => ({ one, broker: await connect(one) })));
    const members = met.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const done = await work({
      topics: topicMetadata.map(({ topic }) => topic),
      controller: members.find(({ one }) => one.nodeId === controllerId)?.broker ?? any,
      members: members.map(({ broker }) => broker),
    });
    // What the others keep is done; what one keeps that cannot be reached is not known.
    for (const each of met) if (each.status === 'rejected') throw each.reason;
    return done;
  } finally {
    for (const broker of open) broker.close(new Error('done'));
  }
}

async function groupsAt(broker: BrokerConnection): Promise<string[]> {
  const { groups } = (await broker.ask('ListGroups', {})) as { groups: { groupId: string }[] };
  return groups.map(({ groupId }) => groupId);
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
