/** The keys of a table: for each value of a key's first column the values of the next that go with it, and so on. */
import type { StoredBatch, StoredColumn } from './stored-columns.js';

export interface KeyIndex {
  /** Adds the key of each row; answers the rows whose key was there already, be it from an earlier row. */
  add(batch: StoredBatch): number[];
}

type Value = StoredColumn[number];
type Values = Set<Value>;
type Level = Map<Value, Level | Values>;

export function indexKeys(key: readonly string[]): KeyIndex {
  const newLevel = (depth: number): Level | Values => (depth === key.length - 1 ? new Set() : new Map());
  const root = newLevel(0);

  return {
    add(batch) {
      const columns = key.map((name) => batch.columns[name]!);
      const last = columns.pop()!;
      const repeated: number[] = [];
      for (let row = 0; row < batch.rows; row++) {
        let level = root;
        for (let depth = 0; depth < columns.length; depth++) {
          const value = columns[depth]![row]!;
          let next = (level as Level).get(value);
          if (next === undefined) {
            next = newLevel(depth + 1);
            (level as Level).set(value, next);
          }
          level = next;
        }
        const values = level as Values;
        const before = values.size;
        values.add(last[row]!);
        if (values.size === before) repeated.push(row);
      }
      return repeated;
    },
  };
}
