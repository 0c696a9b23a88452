/** The columns of each set of facts, in the order in which they are recorded and saved; `facts.ts` says what they mean. */
import type { Layout } from './column-files.js';

export const columnSets = {
  operations: { kind: 'u8', intendedUs: 'f64', sentUs: 'f64', doneUs: 'f64', outcome: 'u8', keys: 'u32' },
  reads: { operation: 'u32', customer: 'u32', lastSeq: 'f64', asOfUs: 'f64', nextEmitUs: 'f64' },
  probes: { probe: 'u32', sentUs: 'f64', doneUs: 'f64', member: 'u32', lastSeq: 'f64', asOfUs: 'f64' },
  'panel.changes': { member: 'u32', seq: 'u32', emitUs: 'f64', refused: 'u8', acknowledged: 'u8' },
  appends: {
    slotUs: 'f64',
    partition: 'u8',
    changes: 'u32',
    bytes: 'u32',
    sentUs: 'f64',
    doneUs: 'f64',
    outcome: 'u8',
  },
  commits: { slotUs: 'f64', changed: 'u32', askedUs: 'f64', doneUs: 'f64' },
  usage: { atUs: 'f64', process: 'u32', cpuUs: 'f64', rssBytes: 'f64', readBytes: 'f64', writeBytes: 'f64' },
} as const satisfies Record<string, Layout>;
