import { onWire } from './wire-fault.js';

export const wireLatency = onWire<'wire-latency'>(
  'every answer of a server comes later',
  ({ latencyUs, jitterUs }) => ({ kind: 'latency', latencyUs, jitterUs }),
  ({ latencyUs, jitterUs }) => Math.max(1_000, latencyUs - jitterUs),
);
