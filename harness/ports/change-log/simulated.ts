/**
 * The change log of the simulated stack: one object is the server that all roles of a run share. Every call is served by
 * the resource first, then takes effect at once, so that calls take effect in the order in which they were served.
 */
import type { Clock } from '../../clock.js';
import { CallError } from '../../errors.js';
import type { Resource } from '../../simulation/resource.js';
import { serverCopies } from '../../simulation/server-memory.js';
import { entryLimitBytes, readLimitBytes } from './limits.js';
import type { ChangeLog } from './port.js';

interface Topic {
  readonly partitions: readonly Partition[];
  /** Per consumer group, its position. */
  readonly positions: Map<string, readonly number[]>;
}

interface Partition {
  readonly entries: Uint8Array[];
  /** The readers that wait for an entry, in the order in which they came. */
  readonly waiting: Set<() => void>;
}

export function simulateChangeLog({ clock, resource }: { clock: Clock; resource: Resource }): ChangeLog {
  const topics = new Map<string, Topic>();

  return {
    async createTopic(topic, partitions) {
      await resource.use('createTopic', 0, 0);
      if (!Number.isInteger(partitions) || partitions < 1 || topic === '')
        throw refused(
          'createTopic',
          `a topic needs a name and at least one partition, not '${topic}' and ${partitions}`,
        );
      const existing = topics.get(topic);
      if (existing && existing.partitions.length !== partitions)
        throw refused(
          'createTopic',
          `topic '${topic}' exists with ${existing.partitions.length} partitions, not ${partitions}`,
        );
      if (!existing) topics.set(topic, newTopic(partitions));
    },

    async append(topic, partition, entries) {
      const held = serverCopies(entries);
      await resource.use('append', held.length, sizeOf(held));
      const found = partitionOf('append', topics, topic, partition);
      for (const { length } of held)
        if (length > entryLimitBytes)
          throw refused('append', `an entry of ${length} bytes is larger than the limit of ${entryLimitBytes}`);
      for (const entry of held) found.entries.push(entry);
      if (held.length > 0) for (const wake of [...found.waiting]) wake();
      return found.entries.length;
    },

    async read(topic, partition, offset, { maxBytes, maxWaitUs, signal }) {
      signal?.throwIfAborted();
      const asked = topics.get(topic)?.partitions[partition];
      if (asked && offset === asked.entries.length && maxWaitUs > 0)
        await entryArrives(clock, asked, maxWaitUs, signal);
      const expected = pageOf(asked?.entries ?? [], offset, maxBytes) ?? [];
      await resource.use('read', expected.length, sizeOf(expected));
      signal?.throwIfAborted();
      const { entries } = partitionOf('read', topics, topic, partition);
      const page = pageOf(entries, offset, maxBytes);
      if (!page)
        throw refused(
          'read',
          `offset ${offset} of '${topic}' ${partition} cannot be read: it ends at ${entries.length}`,
        );
      return { baseOffset: offset, entries: page, endOffset: entries.length };
    },

    async endOffsets(topic) {
      await resource.use('endOffsets', 0, 0);
      return topicNamed('endOffsets', topics, topic).partitions.map(({ entries }) => entries.length);
    },

    async commit(group, topic, offsets) {
      const position = [...offsets];
      await resource.use('commit', 0, 8 * position.length);
      const { partitions, positions } = topicNamed('commit', topics, topic);
      if (group.includes('\0')) throw refused('commit', 'the name of a consumer group cannot contain a NUL character');
      if (position.length !== partitions.length)
        throw refused('commit', `a position in '${topic}' has ${partitions.length} offsets, not ${position.length}`);
      positions.set(group, position);
    },

    async committed(group, topic) {
      await resource.use('committed', 0, 0);
      const position = topicNamed('committed', topics, topic).positions.get(group);
      return position ? [...position] : null;
    },

    async close() {},
  };
}

function newTopic(partitions: number): Topic {
  return {
    partitions: Array.from({ length: partitions }, () => ({ entries: [], waiting: new Set() })),
    positions: new Map(),
  };
}

function refused(operation: string, reason: string): CallError {
  return new CallError('failed', `'${operation}' to the simulated change log: ${reason}`);
}

function topicNamed(operation: string, topics: ReadonlyMap<string, Topic>, name: string): Topic {
  const topic = topics.get(name);
  if (!topic) throw refused(operation, `there is no topic '${name}'; create it first`);
  return topic;
}

function partitionOf(operation: string, topics: ReadonlyMap<string, Topic>, name: string, number: number): Partition {
  const { partitions } = topicNamed(operation, topics, name);
  const partition = partitions[number];
  if (!partition)
    throw refused(operation, `topic '${name}' has partitions 0 to ${partitions.length - 1}, not ${number}`);
  return partition;
}

/** Resolves when the partition has grown, or when the time is over; rejects with the signal's reason. */
function entryArrives(clock: Clock, partition: Partition, maxWaitUs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      cancel();
      partition.waiting.delete(wake);
      signal?.removeEventListener('abort', abort);
    };
    const wake = () => {
      settle();
      resolve();
    };
    const abort = () => {
      settle();
      reject(signal?.reason);
    };
    const cancel = clock.after(maxWaitUs, wake);
    partition.waiting.add(wake);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Entries from `offset` on, at least one if there is one, until `maxBytes`; null if it is no offset of the log. */
function pageOf(entries: readonly Uint8Array[], offset: number, maxBytes: number): Uint8Array[] | null {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > entries.length) return null;
  const limitBytes = Math.min(maxBytes, readLimitBytes);
  let end = offset;
  for (let bytes = 0; end < entries.length; end++) {
    bytes += entries[end]!.length;
    if (end > offset && bytes > limitBytes) break;
  }
  return entries.slice(offset, end);
}

function sizeOf(entries: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.length;
  return bytes;
}
