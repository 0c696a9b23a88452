/** What the tables of a plane hold, and what it lists as refused, against what they must. */
import type { EmissionIndex } from '../../workloads/emissions.js';
import { duplicateRefusal, refusals } from '../../workloads/refusals.js';
import type { ChangeKey, Quarantined } from '../architecture.js';
import type { LedgerFacts } from '../record/facts.js';
import type { Examples } from './examples.js';
import type { Expectation } from './expectation.js';
import { collectSpread } from './spread.js';

export type Pages<Page> = AsyncIterable<Page> | Iterable<Page>;

/** Keys of changes as columns: there are as many as in the log, and as objects they would be most of what a harness holds. */
export interface ListedChanges {
  readonly customers: Float64Array;
  readonly seqs: Float64Array;
}

export function listChanges(keys: readonly ChangeKey[]): ListedChanges {
  const listed = { customers: new Float64Array(keys.length), seqs: new Float64Array(keys.length) };
  for (let i = 0; i < keys.length; i++) {
    const { customer, seq } = keys[i] as ChangeKey;
    listed.customers[i] = customer;
    listed.seqs[i] = seq;
  }
  return listed;
}

type TableFacts = Omit<NonNullable<LedgerFacts['tables']>, 'skewed'>;

export async function compareTables(options: {
  readonly expectation: Expectation;
  readonly emissions: EmissionIndex;
  readonly exported: Pages<ListedChanges>;
  /** Null: the plane does not list what it refused, which is then all missing. */
  readonly quarantined: Pages<readonly Quarantined[]> | null;
  readonly epochUs: number;
  readonly examples: Examples;
}): Promise<{ readonly facts: TableFacts /** By number of the change. */; readonly held: Uint8Array }> {
  const { held, ...counts } = await compareHeld(options);
  const listed = await compareListed(options);
  return { facts: { ...counts, ...listed }, held };
}

type Options = Parameters<typeof compareTables>[0];

async function compareHeld(
  options: Options,
): Promise<Omit<TableFacts, 'quarantineMissing' | 'quarantineUnexpected'> & { held: Uint8Array }> {
  const { expectation, exported, examples } = options;
  const { numbers, sound } = expectation;
  const held = new Uint8Array(numbers.changes);
  const lostEmitUs = collectSpread();
  const duplicatedEmitUs = collectSpread();
  let duplicated = 0;
  let unexpected = 0;
  for await (const { customers, seqs } of exported) {
    for (let i = 0; i < customers.length; i++) {
      const customer = customers[i] as number;
      const seq = seqs[i] as number;
      const number = numbers.numberOf(customer, seq);
      if (number < 0 || sound.certain[number]! + sound.possible[number]! === 0) {
        unexpected++;
        examples.add('unexpected', () => `the tables hold ${describeChange(options, customer, seq)}`);
      } else if (held[number] === 1) {
        duplicated++;
        duplicatedEmitUs.add(options.emissions.emitUs(customer, seq));
        examples.add('duplicated', () => `the tables hold ${describeChange(options, customer, seq)} more than once`);
      }
      if (number >= 0) held[number] = 1;
    }
  }
  let lost = 0;
  let firstUs = Number.POSITIVE_INFINITY;
  let lastUs = Number.NEGATIVE_INFINITY;
  forEachChange(expectation, (customer, seq, number) => {
    if (sound.certain[number] === 0 || held[number] === 1) return;
    lost++;
    const emitUs = options.emissions.emitUs(customer, seq);
    firstUs = Math.min(firstUs, emitUs);
    lastUs = Math.max(lastUs, emitUs);
    lostEmitUs.add(emitUs);
    examples.add(
      'lost',
      () => `the tables do not hold ${describeChange(options, customer, seq)}, which was acknowledged`,
    );
  });
  return {
    held,
    lost,
    duplicated,
    unexpected,
    rpoUs: lost === 0 ? 0 : lastUs - firstUs,
    lostEmitUs: lostEmitUs.chosen(),
    duplicatedEmitUs: duplicatedEmitUs.chosen(),
  };
}

/**
 * Of the copies of a change one is applied if it is sound; every other copy that is in the log must be listed. Where
 * an append is indeterminate, both numbers of listings are right: the copy that it may have left may be listed once, as a
 * duplicate, and need not be.
 */
async function compareListed(
  options: Options,
): Promise<Pick<TableFacts, 'quarantineMissing' | 'quarantineUnexpected'>> {
  const { expectation, quarantined, examples } = options;
  const { numbers, sound, refused, reasons } = expectation;
  const listed = new Uint16Array(numbers.changes);
  const listedAgain = new Uint16Array(numbers.changes);
  let quarantineUnexpected = 0;
  for await (const page of quarantined ?? []) {
    for (const { customer, seq, reason } of page) {
      const number = numbers.numberOf(customer, seq);
      const code = refusals.indexOf(reason as (typeof refusals)[number]);
      const fits = number >= 0 && (reasons[number]! & (1 << code)) > 1;
      if (number >= 0 && listed[number]! < mostListings) listed[number]!++;
      if (number >= 0 && code === duplicateRefusal && listedAgain[number]! < mostListings) listedAgain[number]!++;
      if (fits && listed[number]! <= highestListed(number) && listedAgain[number]! < copiesOf(number)) continue;
      quarantineUnexpected++;
      examples.add(
        'quarantine unexpected',
        () => `${describeChange(options, customer, seq)} is listed as "${reason}"${fits ? ' too often' : ''}`,
      );
    }
  }
  let quarantineMissing = 0;
  forEachChange(expectation, (customer, seq, number) => {
    const missing = lowestListed(number) - listed[number]!;
    if (missing <= 0) return;
    quarantineMissing += missing;
    examples.add('quarantine missing', () => `${describeChange(options, customer, seq)} is refused and not listed`);
  });
  return { quarantineMissing, quarantineUnexpected };

  function lowestListed(number: number): number {
    return refused.certain[number]! + Math.max(0, sound.certain[number]! - 1);
  }
  function highestListed(number: number): number {
    const soundCopies = sound.certain[number]! + sound.possible[number]!;
    return refused.certain[number]! + refused.possible[number]! + Math.max(0, soundCopies - 1);
  }
  function copiesOf(number: number): number {
    return sound.certain[number]! + sound.possible[number]! + refused.certain[number]! + refused.possible[number]!;
  }
}

const mostListings = 0xffff;

function forEachChange({ numbers }: Expectation, visit: (customer: number, seq: number, number: number) => void): void {
  for (let customer = 0; customer < numbers.customers; customer++) {
    const highest = numbers.highestSeq(customer);
    for (let seq = 1; seq <= highest; seq++) visit(customer, seq, numbers.numberOf(customer, seq));
  }
}

/** "change 3 of customer 17 (emitted at +1.250 s)", or what is wrong with it. */
function describeChange({ expectation, emissions, epochUs }: Options, customer: number, seq: number): string {
  const number = expectation.numbers.numberOf(customer, seq);
  if (number < 0) return `change ${seq} of customer ${customer}, which is not in the trace`;
  const { sound, refused, reasons } = expectation;
  const at = `emitted at +${((emissions.emitUs(customer, seq) - epochUs) / 1e6).toFixed(3)} s`;
  const copies =
    sound.certain[number]! + sound.possible[number]! + refused.certain[number]! + refused.possible[number]!;
  const state =
    copies === 0
      ? ', in no append that can have succeeded'
      : sound.certain[number]! + sound.possible[number]! === 0
        ? `, refused as ${refusals.filter((name, code) => name !== '' && reasons[number]! & (1 << code)).join(' or ')}`
        : '';
  return `change ${seq} of customer ${customer} (${at}${state})`;
}
