/** Which tier a file is in, and when files of a table move to cheaper ones: properties of the table. */
import type { AddFile, MetaData } from './delta/actions.js';
import { type Tier, type TierPolicy, tierNames } from './port.js';

export const lowerTiers: readonly Tier[] = tierNames.filter((tier) => tier !== 'hot');

/** The place of a file tells its tier, to any reader, and to rules of an object store that go by prefixes. */
export function tierOf({ path }: Pick<AddFile, 'path'>): Tier {
  return tierNames.find((tier) => path.startsWith(`${tier}/`)) ?? 'hot';
}

const names = {
  warmAfterUs: 'planebench.tier.warmAfterUs',
  coldAfterUs: 'planebench.tier.coldAfterUs',
  targetFileBytes: 'planebench.tier.targetFileBytes',
} as const satisfies Record<keyof TierPolicy, string>;

export function checkPolicy(table: string, policy: TierPolicy): void {
  for (const name of Object.keys(names) as (keyof TierPolicy)[]) {
    if (Number.isSafeInteger(policy[name]) && policy[name] > 0) continue;
    throw new Error(`Table ${table}: ${names[name]} is ${policy[name]}; it must be a whole number, 1 or more.`);
  }
}

export function policyProperties(policy: TierPolicy): Readonly<Record<string, string>> {
  const keys = Object.keys(names) as (keyof TierPolicy)[];
  return Object.fromEntries(keys.map((name) => [names[name], String(policy[name])]));
}

/** Null: its files stay hot. */
export function policyOf({ configuration }: Pick<MetaData, 'configuration'>): TierPolicy | null {
  if (configuration[names.warmAfterUs] === undefined) return null;
  const of = (name: keyof TierPolicy) => Number(configuration[names[name]]);
  return { warmAfterUs: of('warmAfterUs'), coldAfterUs: of('coldAfterUs'), targetFileBytes: of('targetFileBytes') };
}

/** How often a reader tells that it has read a file: rarely against the time that decides. */
export function toldEveryUs({ warmAfterUs, coldAfterUs }: TierPolicy): number {
  return Math.min(warmAfterUs, coldAfterUs) / 10;
}
