import { onWire, unansweredUs } from './wire-fault.js';

export const wireTimeout = onWire<'wire-timeout'>(
  'no answer comes from a server, then the connection is closed',
  ({ afterUs }) => ({ kind: 'timeout', afterUs }),
  () => unansweredUs,
);
