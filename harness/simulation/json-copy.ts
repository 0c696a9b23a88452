/**
 * A value as it comes through JSON, and how long its text would be, without the text: every row of every read of a
 * simulated plane passes here, and writing and parsing it took a fifteenth of a simulation.
 */

export interface JsonCopy {
  readonly value: unknown;
  /** In UTF-16 units, as of the text's `length`. */
  readonly length: number;
}

export function copyAsJson(value: unknown): JsonCopy {
  length = 0;
  const copied = copy(value);
  return { value: copied, length };
}

/** Of what was copied so far. */
let length = 0;

/** Undefined: JSON leaves it out. */
function copy(value: unknown): unknown {
  if (typeof value === 'number' && Number.isFinite(value)) {
    length += lengthOfNumber(value);
    return value === 0 ? 0 : value; // JSON knows no -0
  }
  if (typeof value === 'string') {
    length += lengthOfText(value);
    return value;
  }
  if (value === null) {
    length += 4;
    return null;
  }
  if (Array.isArray(value)) return copyList(value);
  if (isPlain(value)) return copyRecord(value);
  const text = JSON.stringify(value) as string | undefined;
  length += text?.length ?? 0;
  return text === undefined ? undefined : JSON.parse(text);
}

function copyList(values: readonly unknown[]): unknown[] {
  length += Math.max(2, values.length + 1); // brackets and commas
  // Whole first: to fill a list of numbers and nulls one by one, the engine lays it out anew up to three times.
  const copies = [...values];
  for (let i = 0; i < copies.length; i++) {
    const value = copies[i];
    if (Number.isSafeInteger(value)) {
      length += lengthOfInteger(value as number);
      if (value === 0) copies[i] = 0;
      continue;
    }
    const copied = copy(value);
    if (copied === undefined) length += 4;
    if (copied !== value || copied === undefined) copies[i] = copied ?? null;
  }
  return copies;
}

function copyRecord(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  // Whole first, which the engine does at once where records look alike, then field by field where a copy is another value.
  const copies = { ...record };
  let fields = 0;
  for (const name in copies) {
    const value = copies[name];
    const copied = copy(value);
    if (copied === undefined) {
      delete copies[name];
      continue;
    }
    if (copied !== value || copied === 0) copies[name] = copied;
    length += lengthOfName(name) + 1; // the colon
    fields++;
  }
  length += Math.max(2, fields + 1); // braces and commas
  return copies;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false;
  // A field of this name would become the prototype of the copy.
  return Object.getPrototypeOf(value) === Object.prototype && !Object.hasOwn(value, '__proto__');
}

function lengthOfNumber(value: number): number {
  return Number.isSafeInteger(value) ? lengthOfInteger(value) : String(value).length;
}

function lengthOfInteger(value: number): number {
  let magnitude = Math.abs(value);
  let digits = 1;
  if (magnitude >= 1e8) {
    magnitude = Math.floor(magnitude / 1e8);
    digits = 9;
  }
  for (let bound = 10; magnitude >= bound; bound *= 10) digits++;
  return value < 0 ? digits + 1 : digits;
}

const looked = 64;

function lengthOfText(text: string): number {
  if (text.length > looked) return JSON.stringify(text).length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const isEscaped = unit < 0x20 || unit === 0x22 || unit === 0x5c || unit > 0x7e;
    if (isEscaped) return JSON.stringify(text).length;
  }
  return text.length + 2;
}

/** Of fields, which are few where records are many. */
const lengthsOfNames = new Map<string, number>();
const namesKept = 1_000;

function lengthOfName(name: string): number {
  const known = lengthsOfNames.get(name);
  if (known !== undefined) return known;
  const found = lengthOfText(name);
  if (lengthsOfNames.size < namesKept) lengthsOfNames.set(name, found);
  return found;
}
