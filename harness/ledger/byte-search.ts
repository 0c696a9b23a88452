/**
 * Many byte strings searched in one pass: the algorithm of Wu and Manber ("A fast algorithm for multi-pattern searching",
 * TR-94-17, University of Arizona, 1994) with blocks of two bytes. Most of the text is skipped, not read.
 */
export interface ByteSearch {
  /** Length of the longest needle: what has to be carried over from one piece of a text to the next, less one. */
  readonly longest: number;
  /** Adds the indices of the needles that occur in `bytes`. */
  find(bytes: Uint8Array, found: Set<number>): void;
}

const shortestAllowed = 4;

export function createByteSearch(needles: readonly Uint8Array[]): ByteSearch {
  const lengths = needles.map(({ length }) => length);
  const width = Math.min(...lengths);
  if (needles.length === 0 || width < shortestAllowed)
    throw new Error(
      `byte search: ${needles.length} needles, the shortest of ${width} bytes; at least one, of ${shortestAllowed} bytes or more, is expected`,
    );
  // How far the window may move when its last two bytes are these; 0: a needle's first `width` bytes end so.
  const shifts = new Uint16Array(65_536).fill(Math.min(width - 1, 65_535));
  const endingIn = new Map<number, number[]>();
  needles.forEach((needle, index) => {
    for (let at = 1; at < width; at++) {
      const block = (needle[at - 1]! << 8) | needle[at]!;
      shifts[block] = Math.min(shifts[block]!, width - 1 - at);
    }
    const last = (needle[width - 2]! << 8) | needle[width - 1]!;
    endingIn.set(last, [...(endingIn.get(last) ?? []), index]);
  });

  return {
    longest: Math.max(...lengths),
    find(bytes, found) {
      let at = width - 1;
      while (at < bytes.length) {
        const block = (bytes[at - 1]! << 8) | bytes[at]!;
        const shift = shifts[block]!;
        at += shift;
        if (shift > 0) continue;
        for (const index of endingIn.get(block)!) {
          if (!found.has(index) && startsWith(bytes, at - width + 1, needles[index]!)) found.add(index);
        }
        at++;
      }
    },
  };
}

function startsWith(bytes: Uint8Array, from: number, needle: Uint8Array): boolean {
  if (from + needle.length > bytes.length) return false;
  for (let i = 0; i < needle.length; i++) if (bytes[from + i] !== needle[i]) return false;
  return true;
}
