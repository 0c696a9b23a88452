/**
 * After so many versions without new rows a fold tells that it has seen them: what it has not seen may be cleaned up some day,
 * and it could not go on from there. Nothing is told more often, as a commit a round would be the only one of a quiet table.
 */
export const versionsUntilTold = 50;
