import { onWire, unansweredUs } from './wire-fault.js';

export const wireReset = onWire<'wire-reset'>(
  'connections to a server are reset as soon as they are used',
  () => ({ kind: 'reset' }),
  () => unansweredUs,
);
