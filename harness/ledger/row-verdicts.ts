/**
 * Served rows against the oracle, each at its own (lastSeq, asOfUs). A row that claims the impossible (a change that
 * cannot have reached the log, a moment before the commit of lastSeq or after the answer) is judged by that alone. Of
 * those that differ a sample is explained (row-mistakes.ts).
 */

import type { EmissionIndex } from '../../workloads/emissions.js';
import { customerActivity } from '../../workloads/feature-view.js';
import { type Random, seededRandom } from '../random.js';
import type { RowMistake, RowVerdicts } from '../record/facts.js';
import type { Examples } from './examples.js';
import type { Expectation } from './expectation.js';
import { type Features, type Oracle, type RowVersion, sameFeatures } from './oracle.js';
import { type DifferentRow, explainRows } from './row-mistakes.js';

const { features } = customerActivity;
const batchRows = 16_384;
/** Of the rows that differ, so many are explained: enough to name the mistakes, and bounded. */
const explainedRows = 200;

/** What every answer says of itself. */
export interface ServedVersion {
  readonly key: string;
  readonly lastSeq: number;
  readonly asOfUs: number;
  /** When the answer had come, where that was recorded. */
  readonly doneUs?: number;
}

export interface ServedRow extends ServedVersion {
  readonly features: Features;
}

export async function judgeRows(options: {
  /** 'final row', 'live row': for the examples. */
  readonly what: string;
  readonly rows: Iterable<ServedRow>;
  readonly oracle: Oracle;
  readonly expectation: Expectation;
  readonly emissions: EmissionIndex;
  readonly epochUs: number;
  readonly seed: number;
  readonly examples: Examples;
}): Promise<RowVerdicts> {
  const { what, oracle, examples } = options;
  const mistakes: Partial<Record<RowMistake, number>> = {};
  const different = sampleRows<DifferentRow>(explainedRows, seededRandom(options.seed, `/ledger/${what}`));
  let checked = 0;
  let right = 0;
  for (const batch of batches(options.rows)) await judgeBatch(batch);
  const explained = await explainRows(oracle, different.chosen, moment);
  for (const [i, { mistake, why }] of explained.entries()) {
    const { row, expected } = different.chosen[i] as DifferentRow;
    blame(row, mistake, [describe(row, expected), why].filter((text) => text !== '').join('; '));
  }
  const unexplained = different.offered() - different.chosen.length;
  return { checked, right, mistakes: unexplained === 0 ? mistakes : { ...mistakes, unexplained } };

  async function judgeBatch(rows: readonly ServedRow[]): Promise<void> {
    checked += rows.length;
    const possible = rows.filter((row) => {
      const impossible = whyImpossible(row, options) ?? whyMisshapen(row);
      if (impossible) blame(row, impossible.mistake, impossible.why);
      return impossible === null;
    });
    const expected = await oracle.evaluate(possible.map(versionOf));
    possible.forEach((row, i) => {
      if (sameFeatures(row.features, expected[i]!)) right++;
      else {
        const version = versionOf(row);
        const highestSeq = options.expectation.numbers.highestSeq(version.customer);
        different.offer({ row, version, expected: expected[i]!, highestSeq });
      }
    });
  }

  function blame(row: ServedRow, mistake: RowMistake, why: string): void {
    mistakes[mistake] = (mistakes[mistake] ?? 0) + 1;
    const at = `at seq ${row.lastSeq}, as of ${moment(row.asOfUs)}`;
    examples.add(`${what} ${mistakeNames[mistake]}`, () => `customer ${row.key} ${at}: ${why}`);
  }

  function moment(us: number): string {
    return `+${((us - options.epochUs) / 1e6).toFixed(6)} s`;
  }
}

/** As examples begin: "final row ahead". */
const mistakeNames: Readonly<Record<RowMistake, string>> = {
  ahead: 'ahead',
  unclaimed: 'unclaimed',
  misdated: 'misdated',
  torn: 'torn',
  deleteIgnored: 'delete ignored',
  windowsDropped: 'windows dropped',
  over: 'over',
  under: 'under',
  wrong: 'wrong',
  misscored: 'misscored',
  unexplained: 'unexplained',
};

function describe({ features: served }: ServedRow, expected: Features): string {
  return features
    .map(({ name }, i) => (served[i] === expected[i] ? '' : `${name} is ${served[i]}, expected ${expected[i]}`))
    .filter((text) => text !== '')
    .join(', ');
}

/** A uniform sample of what is offered, in bounded memory: Vitter's algorithm R (ACM TOMS 11, 1985). */
function sampleRows<Row>(size: number, random: Random) {
  const chosen: Row[] = [];
  let offered = 0;
  return {
    chosen: chosen as readonly Row[],
    offered: () => offered,
    offer(row: Row) {
      offered++;
      const at = offered <= size ? offered - 1 : random.below(offered);
      if (at < size) chosen[at] = row;
    },
  };
}

function* batches(rows: Iterable<ServedRow>): Iterable<ServedRow[]> {
  let batch: ServedRow[] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < batchRows) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** As the oracle is asked for it. */
export function versionOf({ key, lastSeq, asOfUs }: ServedVersion): RowVersion {
  return { customer: Number(key), lastSeq, asOfUs };
}

function whyMisshapen({ features: served }: ServedRow) {
  if (served.length === features.length) return null;
  return { mistake: 'wrong', why: `it has ${served.length} features, expected ${features.length}` } as const;
}

/** What such an answer claims and cannot be; null if it can be right. */
export function whyImpossible(
  row: ServedVersion,
  { expectation, emissions }: { readonly expectation: Expectation; readonly emissions: EmissionIndex },
): { readonly mistake: RowMistake; readonly why: string } | null {
  const { customer, lastSeq, asOfUs } = versionOf(row);
  const { numbers, possibleSeq } = expectation;
  const wrong = (why: string) => ({ mistake: 'wrong', why }) as const;
  const ahead = (why: string) => ({ mistake: 'ahead', why }) as const;
  const whole = (value: number) => Number.isSafeInteger(value) && value >= 0;
  if (!whole(customer) || customer >= numbers.customers || row.key !== String(customer))
    return wrong(`${JSON.stringify(row.key)} is no customer`);
  if (!whole(lastSeq)) return wrong(`lastSeq ${lastSeq} is no sequence number`);
  if (!whole(asOfUs)) return wrong(`asOfUs ${asOfUs} is no time in whole microseconds`);
  if (lastSeq > possibleSeq[customer]!)
    return ahead(
      `it claims all changes up to ${lastSeq}, but no more than ${possibleSeq[customer]} of the ${numbers.highestSeq(customer)} can have reached the log in sequence`,
    );
  if (lastSeq > 0 && asOfUs < emissions.commitUs(customer, lastSeq))
    return ahead(`its moment is before the commit of change ${lastSeq}`);
  if (row.doneUs !== undefined && asOfUs > row.doneUs) return wrong('its moment is after the answer had come');
  return null;
}

/** The rows that differ from the oracle at their own version; nothing more is said of them. */
export async function differingRows<Row extends ServedRow>(oracle: Oracle, rows: readonly Row[]): Promise<Row[]> {
  const expected = await oracle.evaluate(rows.map(versionOf));
  return rows.filter(({ features }, i) => !sameFeatures(features, expected[i] as Features));
}
