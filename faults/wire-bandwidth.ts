import { onWire, unansweredUs } from './wire-fault.js';

export const wireBandwidth = onWire<'wire-bandwidth'>(
  'few bytes a second pass between roles and a server',
  ({ bytesPerSecond }) => ({ kind: 'bandwidth', bytesPerSecond }),
  () => unansweredUs,
);
