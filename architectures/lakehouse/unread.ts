/**
 * Entries of a customer's state that are counted but still stand only in the row it was opened from: most changes alter
 * none of them, and to copy their bytes takes a fraction of reading and writing them.
 */
export interface Unread {
  /** 0: all are read. */
  count: number;
  /** Their bytes in the row. */
  from: number;
  to: number;
}

export interface UnreadTiles extends Unread {
  /** The tiles of the first and the last of them. */
  firstTile: number;
  lastTile: number;
}

export function noneUnread(): UnreadTiles {
  return { count: 0, from: 0, to: 0, firstTile: 0, lastTile: 0 };
}
