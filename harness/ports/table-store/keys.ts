/** What is wrong with keys that rows cannot be put in place by. */

export function nullKeys(table: string, key: readonly string[], rows: number): string {
  return `Table ${table}: ${rows} rows have a null in their key ${key.join(', ')}; nothing was written.`;
}

export function keysTwice(table: string, key: readonly string[], keys: number): string {
  return `Table ${table}: ${keys} keys (${key.join(', ')}) come more than once in one upsert, and which row counts is not said; nothing was written.`;
}
