/** Why a change is refused; the index is its code in `DecodedBatch.refusal`. A plane adds `duplicate` itself. */
export const refusals = ['', 'late', 'undecodable', 'out_of_range', 'incompatible_schema', 'duplicate'] as const;
export type Refusal = Exclude<(typeof refusals)[number], ''>;
export const duplicateRefusal = refusals.indexOf('duplicate');
