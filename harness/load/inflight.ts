/** Calls in flight: open-loop senders do not wait for them, but end only when they have all settled. */
export interface Inflight {
  readonly count: number;
  add(work: Promise<void>): void;
  /** Resolves when fewer than `limit` are in flight. */
  below(limit: number): Promise<void>;
}

export function trackInflight(): Inflight {
  let count = 0;
  let waiting: { limit: number; resolve: () => void }[] = [];
  const settle = () => {
    count--;
    if (waiting.length === 0) return;
    const ready = waiting.filter(({ limit }) => count < limit);
    waiting = waiting.filter(({ limit }) => count >= limit);
    for (const { resolve } of ready) resolve();
  };
  return {
    get count() {
      return count;
    },
    add(work) {
      count++;
      work.then(settle, settle);
    },
    below: (limit) => (count < limit ? Promise.resolve() : new Promise((resolve) => waiting.push({ limit, resolve }))),
  };
}
