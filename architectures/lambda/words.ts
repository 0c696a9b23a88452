/** Numbers that need more than 32 bits, times, ids and sums of cents, as two words of a row: the low one, then the high one. */
export function putWide(words: Int32Array, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32);
  words[at] = value - high * 2 ** 32;
  words[at + 1] = high;
}

export function wideAt(words: Int32Array, at: number): number {
  return ((words[at] as number) >>> 0) + (words[at + 1] as number) * 2 ** 32;
}
