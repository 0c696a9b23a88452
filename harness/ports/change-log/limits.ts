/** What every variant of the change log takes and answers at most. */

/** An entry is answered whole, so it must fit in a frame; lmdb-js returns what is larger than 16 MiB in other memory. */
export const entryLimitBytes = 15 * 1024 * 1024;
/** An answer to a read holds at most this much beyond its first entry, whatever the reader asked for. */
export const readLimitBytes = 16 * 1024 * 1024;
