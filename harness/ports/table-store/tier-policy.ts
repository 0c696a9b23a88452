/** When files of a table move to cheaper tiers: properties of the table. */
import type { MetaData } from './delta/actions.js';
import type { TierPolicy } from './port.js';

export const lowerTiers: readonly string[] = ['warm', 'cold'];

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
