/** The embedded change log: a server process over LMDB. See README.md for the calls and the records. */
import { type Cancel, hostClock } from '../../clock.js';
import { runChild } from '../../processes/child.js';
import { packBlobs, unpackBlobs } from '../../rpc/packed.js';
import type { RpcHandler } from '../../rpc/rpc.js';
import { serveRpc } from '../../rpc/server.js';
import { startWriterThread, type WriterThread } from '../lmdb/writer-thread.js';
import {
  entryKey,
  type LogPut,
  type LogStorage,
  openLogStorage,
  positionKey,
  readTopics,
  topicPut,
} from './embedded-storage.js';
import { entryLimitBytes, readLimitBytes } from './limits.js';

export interface ChangeLogServerInit {
  readonly directory: string;
  /** 0: any free one; the port in use is passed to `ready`. */
  readonly port: number;
}

/** Concurrent appends share a commit up to this size; more wait for the next one. */
const groupLimitBytes = 16 * 1024 * 1024;

runChild<ChangeLogServerInit>(async ({ directory, port }, child) => {
  const writer = await startWriterThread<readonly LogPut[], null>(
    new URL('./embedded-writer.js', import.meta.url),
    directory,
  );
  const storage = openLogStorage(directory);
  const server = await serveRpc(logMethods(storage, groupCommit(writer)), { port });
  child.ready({ port: server.port });
  await Promise.race([child.stopped, writer.died]);
  await server.close();
  await writer.close();
  await storage.root.close();
});

interface Topic {
  readonly id: number;
  /** Per partition, the offset after the last entry that is durable: what readers see. */
  readonly ends: number[];
  /** Per partition, the offset after the last entry that is durable or being committed. */
  readonly staged: number[];
  /** Per partition, the readers that wait for an entry. */
  readonly waiting: Set<() => void>[];
}

function topicWith(id: number, ends: readonly number[]): Topic {
  return { id, ends: [...ends], staged: [...ends], waiting: ends.map(() => new Set()) };
}

function logMethods(storage: LogStorage, commit: GroupCommit): Record<string, RpcHandler> {
  const topics = new Map(readTopics(storage).map(({ name, id, ends }) => [name, topicWith(id, ends)]));
  const creating = new Map<string, Promise<void>>();
  let lastId = Math.max(0, ...[...topics.values()].map(({ id }) => id));

  const topicNamed = (name: string) => {
    const topic = topics.get(name);
    if (!topic) throw new Error(`there is no topic '${name}'; create it first`);
    return topic;
  };
  const checkPartition = (name: string, partition: number) => {
    const topic = topicNamed(name);
    if (!(partition in topic.ends))
      throw new Error(`topic '${name}' has partitions 0 to ${topic.ends.length - 1}, not ${partition}`);
    return topic;
  };

  return {
    createTopic: async ({ head }) => {
      const { topic: name, partitions } = head as { topic: string; partitions: number };
      if (!Number.isInteger(partitions) || partitions < 1 || name === '')
        throw new Error(`a topic needs a name and at least one partition, not '${name}' and ${partitions}`);
      // Looked at again after each wait: others may have waited for the same one.
      for (let other = creating.get(name); other; other = creating.get(name)) await other;
      const existing = topics.get(name);
      if (existing) {
        if (existing.ends.length !== partitions)
          throw new Error(`topic '${name}' exists with ${existing.ends.length} partitions, not ${partitions}`);
        return { head: null };
      }
      const id = ++lastId;
      const created = commit({
        bytes: 0,
        stage: () => [topicPut(name, id, partitions)],
        settle: (committed) => {
          creating.delete(name);
          if (committed) topics.set(name, topicWith(id, new Array<number>(partitions).fill(0)));
        },
      });
      creating.set(
        name,
        created.catch(() => {}),
      );
      await created;
      return { head: null };
    },

    append: async ({ head, body }) => {
      const { topic: name, partition, count } = head as { topic: string; partition: number; count: number };
      const topic = checkPartition(name, partition);
      const entries = unpackBlobs(body, count);
      for (const entry of entries)
        if (entry.length > entryLimitBytes)
          throw new Error(`an entry of ${entry.length} bytes is larger than the limit of ${entryLimitBytes}`);
      let end = topic.ends[partition]!;
      await commit({
        bytes: body.length,
        stage: () => {
          const base = topic.staged[partition]!;
          end = base + count;
          topic.staged[partition] = end;
          return entries.map((value, i) => ({
            database: 'entries',
            key: entryKey(topic.id, partition, base + i),
            value,
          }));
        },
        settle: (committed) => {
          if (!committed) {
            topic.staged[partition] = topic.ends[partition]!;
            return;
          }
          topic.ends[partition] = end;
          const readers = [...topic.waiting[partition]!];
          topic.waiting[partition]!.clear();
          for (const wake of readers) wake();
        },
      });
      return { head: end };
    },

    read: async ({ head }) => {
      const {
        topic: name,
        partition,
        offset,
        maxBytes,
        maxWaitUs,
      } = head as { topic: string; partition: number; offset: number; maxBytes: number; maxWaitUs: number };
      const topic = checkPartition(name, partition);
      if (!Number.isSafeInteger(offset) || offset < 0 || offset > topic.ends[partition]!)
        throw new Error(
          `offset ${offset} of '${name}' ${partition} cannot be read: it ends at ${topic.ends[partition]}`,
        );
      if (offset === topic.ends[partition]! && maxWaitUs > 0) await entryArrives(topic, partition, maxWaitUs);
      const endOffset = topic.ends[partition]!;
      const entries = readEntries(storage, topic.id, partition, offset, endOffset, Math.min(maxBytes, readLimitBytes));
      return { head: { endOffset, count: entries.length }, body: packBlobs(entries) };
    },

    endOffsets: async ({ head }) => ({ head: [...topicNamed(head as string).ends] }),

    commit: async ({ head, body }) => {
      const { group, topic } = head as { group: string; topic: string };
      const { ends } = topicNamed(topic);
      if (group.includes('\0')) throw new Error('the name of a consumer group cannot contain a NUL character');
      if (body.length !== 8 * ends.length)
        throw new Error(`a position in '${topic}' has ${ends.length} offsets, not ${body.length / 8}`);
      const put: LogPut = { database: 'positions', key: positionKey(group, topic), value: body };
      await commit({ bytes: body.length, stage: () => [put], settle: () => {} });
      return { head: null };
    },

    committed: async ({ head }) => {
      const { group, topic } = head as { group: string; topic: string };
      topicNamed(topic);
      storage.root.resetReadTxn();
      const position = storage.databases.positions.get(positionKey(group, topic));
      return position === undefined ? { head: false } : { head: true, body: position };
    },
  };
}

/** Resolves when the partition has grown, or when the time is over. */
function entryArrives(topic: Topic, partition: number, maxWaitUs: number): Promise<void> {
  return new Promise((resolve) => {
    let cancel: Cancel = () => {};
    const wake = () => {
      cancel();
      topic.waiting[partition]!.delete(wake);
      resolve();
    };
    cancel = hostClock.after(maxWaitUs, wake);
    topic.waiting[partition]!.add(wake);
  });
}

function readEntries(
  { root, databases }: LogStorage,
  topicId: number,
  partition: number,
  offset: number,
  endOffset: number,
  maxBytes: number,
): Uint8Array[] {
  root.resetReadTxn(); // the newest commit, not the one that an earlier call of this turn has seen
  const entries: Uint8Array[] = [];
  let bytes = 0;
  for (let at = offset; at < endOffset; at++) {
    const entry = databases.entries.get(entryKey(topicId, partition, at));
    if (entry === undefined) throw new Error(`entry ${at} of partition ${partition} is missing; the log is damaged`);
    bytes += entry.length;
    if (entries.length > 0 && bytes > maxBytes) break;
    entries.push(entry);
  }
  return entries;
}

/** Something to be written, together with whatever else is waiting. */
interface Pending {
  readonly bytes: number;
  /** What to write; called in order of arrival, when its turn has come. */
  stage(): readonly LogPut[];
  /** It is on the disk, or nothing of it is. */
  settle(committed: boolean): void;
}
type GroupCommit = (pending: Pending) => Promise<void>;

/**
 * Group commit: while one transaction is being synced, what arrives is gathered, and becomes the next one. So a commit
 * is shared by as many appends as there are, and a lone append waits for nobody.
 */
function groupCommit(writer: WriterThread<readonly LogPut[], null>): GroupCommit {
  let queue: { readonly pending: Pending; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] =
    [];
  let busy = false;

  const commitNext = async () => {
    if (busy || queue.length === 0) return;
    busy = true;
    let size = 0;
    for (let bytes = 0; size < queue.length && (size === 0 || bytes < groupLimitBytes); size++)
      bytes += queue[size]!.pending.bytes;
    const group = queue.slice(0, size);
    queue = queue.slice(size);
    const puts = group.flatMap(({ pending }) => pending.stage());
    const memory = new Set(puts.filter(({ database }) => database === 'entries').map(({ value }) => value.buffer));
    try {
      await writer.write(puts, [...memory]);
      for (const { pending, resolve } of group) {
        pending.settle(true);
        resolve();
      }
    } catch (error) {
      for (const { pending, reject } of group) {
        pending.settle(false);
        reject(error);
      }
    }
    busy = false;
    void commitNext();
  };

  return (pending) =>
    new Promise((resolve, reject) => {
      queue.push({ pending, resolve, reject });
      void commitNext();
    });
}
