import { onWire, unansweredUs } from './wire-fault.js';

export const partition = onWire<'partition'>(
  'nothing passes between roles and a server, and nobody is told',
  () => ({ kind: 'partition' }),
  () => unansweredUs,
);
