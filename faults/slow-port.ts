import { injuryAt } from './port-injury.js';

export const slowPort = injuryAt<'slow-port'>(
  'every call to a port takes longer',
  ({ port }) => [port],
  ({ latencyUs, jitterUs }) => ({ kind: 'slow', latencyUs, jitterUs }),
);
