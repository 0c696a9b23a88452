/**
 * The change log: what a broker is to a plane. Topics have partitions; a partition is a gapless sequence of *entries*
 * numbered from 0. An entry is an opaque batch of changes (see workloads/change-batch.ts), stored and read whole.
 */
export interface ChangeLog {
  /** Creates the topic unless it exists; an existing topic with another number of partitions is an error. */
  createTopic(topic: string, partitions: number): Promise<void>;
  /**
   * Appends entries atomically and in order. Resolves only when they are durable: this is *the acknowledgement* that
   * the ledger holds a plane to. Rejects with CallError: `failed` (nothing was appended) or `indeterminate`.
   * Returns the offset after the last appended entry.
   */
  append(topic: string, partition: number, entries: readonly Uint8Array[]): Promise<number>;
  /**
   * Entries from `offset` on, at least one if the partition has any there, until `maxBytes` is reached.
   * Waits up to `maxWaitUs` for the first one, then answers with none. Never reorders, never skips.
   */
  read(topic: string, partition: number, offset: number, limits: ReadLimits): Promise<LogSlice>;
  /** Per partition, the offset that the next append will get. */
  endOffsets(topic: string): Promise<number[]>;
  /** Stores a consumer group's position, per partition the next offset to read. Durable when it resolves. */
  commit(group: string, topic: string, offsets: readonly number[]): Promise<void>;
  /** The group's last stored position, null if it never stored one. */
  committed(group: string, topic: string): Promise<number[] | null>;
  close(): Promise<void>;
}

export interface ReadLimits {
  readonly maxBytes: number;
  readonly maxWaitUs: number;
  readonly signal?: AbortSignal;
}

export interface LogSlice {
  /** Offset of `entries[0]`; the offset asked for when there are none. */
  readonly baseOffset: number;
  readonly entries: readonly Uint8Array[];
  /** The partition's end offset at the time of the read: `endOffset - baseOffset - entries.length` entries remain. */
  readonly endOffset: number;
}
