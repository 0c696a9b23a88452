/**
 * Which (customer, seq) have been seen, exactly and small: per customer the end of the contiguous prefix, and the few
 * seqs beyond a gap.
 */
export interface SeqIndex {
  /** Records the seq; false if it was there already: a duplicate. */
  add(customer: number, seq: number): boolean;
  has(customer: number, seq: number): boolean;
  /** The highest s such that 1..s are all there. */
  prefix(customer: number): number;
}

export function createSeqIndex(customers: number): SeqIndex {
  const prefixes = new Uint32Array(customers);
  const beyond = new Map<number, Set<number>>();
  const has = (customer: number, seq: number) =>
    seq <= (prefixes[customer] as number) || (beyond.get(customer)?.has(seq) ?? false);
  return {
    has,
    prefix: (customer) => prefixes[customer] as number,
    add(customer, seq) {
      // The next one is no copy, and nearly all are the next one.
      if (seq !== (prefixes[customer] as number) + 1) {
        if (has(customer, seq)) return false;
        beyond.set(customer, (beyond.get(customer) ?? new Set()).add(seq));
        return true;
      }
      prefixes[customer] = seq;
      const held = beyond.get(customer);
      if (held) {
        while (held.delete((prefixes[customer] as number) + 1)) prefixes[customer] = (prefixes[customer] as number) + 1;
        if (held.size === 0) beyond.delete(customer);
      }
      return true;
    },
  };
}
