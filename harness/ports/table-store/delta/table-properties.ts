/** Properties of a table that its log obeys, by Delta's names: `configuration` of its metaData (protocol, "Table Properties"). */
import { dayUs, hourUs, minuteUs, secondUs } from '../../../../workloads/durations.js';
import type { MetaData } from './actions.js';

/** How long earlier versions can be read, at least: afterwards `cleanUp` may take them out of the log. */
export function logRetentionUs(table: string, metaData: MetaData): number {
  return durationOf(table, metaData, 'delta.logRetentionDuration', 30 * dayUs);
}

/** How long a checkpoint remembers a file that left the table. */
export function deletedFileRetentionUs(table: string, metaData: MetaData): number {
  return durationOf(table, metaData, 'delta.deletedFileRetentionDuration', 7 * dayUs);
}

/** Of `delta.appendOnly` (protocol, "Append-only Tables"): rows may come, and none may go. */
export function expectRowsMayGo(table: string, { configuration }: MetaData, what: string): void {
  if (configuration['delta.appendOnly'] === 'true')
    throw new Error(`Table ${table} is append-only (delta.appendOnly); ${what} replaces and removes rows.`);
}

/** As many commits a checkpoint unless the table says otherwise: a reader replays at most so many. */
export const checkpointEvery = 50;

export function checkpointInterval(table: string, metaData: MetaData): number {
  const name = 'delta.checkpointInterval';
  const text = metaData.configuration[name];
  if (text === undefined) return checkpointEvery;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`Table ${table}: ${name} is "${text}"; it must be a number of commits, 1 or more.`);
}

const unitsUs: Readonly<Record<string, number>> = {
  microsecond: 1,
  millisecond: 1000,
  second: secondUs,
  minute: minuteUs,
  hour: hourUs,
  day: dayUs,
  week: 7 * dayUs,
};

/** An interval as Delta writes it, `interval 1 week 12 hours`. Months and years it refuses too: they have no one length. */
function durationOf(table: string, { configuration }: MetaData, name: string, otherwiseUs: number): number {
  const text = configuration[name];
  if (text === undefined) return otherwiseUs;
  const parts = /^(?:interval\s+)?((?:\d+\s+[a-z]+\s*)+)$/i
    .exec(text.trim())?.[1]
    ?.matchAll(/(\d+)\s+([a-z]+?)s?(?=\s|$)/gi);
  const sizesUs = Array.from(
    parts ?? [],
    ([, count, unit]) => Number(count) * (unitsUs[unit!.toLowerCase()] ?? Number.NaN),
  );
  const totalUs = sizesUs.reduce((sum, sizeUs) => sum + sizeUs, 0);
  if (sizesUs.length > 0 && Number.isSafeInteger(totalUs)) return totalUs;
  throw new Error(`Table ${table}: ${name} is "${text}"; it must be an interval such as "interval 2 days 12 hours".`);
}
