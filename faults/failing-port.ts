import { injuryAt } from './port-injury.js';

export const failingPort = injuryAt<'failing-port'>(
  'some of the calls to a port fail',
  ({ port }) => [port],
  ({ errorPpm }) => ({ kind: 'failing', errorPpm }),
);
