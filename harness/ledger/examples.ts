/** Examples of findings for the reader: few, and of every kind that occurs. */
const perKind = 20;
const inAll = 20;

export interface Examples {
  /** Keeps the example if there is room; `describe` is called only then. */
  add(kind: string, describe: () => string): void;
  /** Taken in turn from every kind, so that a frequent finding does not hide a rare one. */
  chosen(): string[];
}

export function collectExamples(): Examples {
  const byKind = new Map<string, string[]>();
  return {
    add(kind, describe) {
      const known = byKind.get(kind) ?? [];
      byKind.set(kind, known);
      if (known.length < perKind) known.push(`${kind}: ${describe()}`);
    },
    chosen() {
      const chosen: string[] = [];
      for (let turn = 0; turn < perKind; turn++) {
        for (const examples of byKind.values()) {
          if (turn < examples.length && chosen.length < inAll) chosen.push(examples[turn]!);
        }
      }
      return chosen;
    },
  };
}
