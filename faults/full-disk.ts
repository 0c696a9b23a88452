import { injuryAt } from './port-injury.js';

/** Reads go on, and so does what makes room. */
export const fullDisk = injuryAt<'full-disk'>(
  'the disk of the table store is full',
  () => ['warehouse', 'tables'],
  () => ({ kind: 'full' }),
);
