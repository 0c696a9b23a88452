/** A table of changes and the table of current rows that they are folded into, as small as can be. */
import type { Schema } from '../columns.js';
import type { FoldSpec } from './port.js';

export const schema: Schema = [
  { name: 'entity', type: 'int', nullable: false },
  { name: 'lsn', type: 'int', nullable: false },
  { name: 'op', type: 'text', nullable: false },
];

export const spec: FoldSpec = {
  from: 'changes',
  into: 'current',
  key: ['entity'],
  order: 'lsn',
  deletion: { column: 'op', value: 'd' },
};

/** Of a compaction: whatever there is becomes one file. */
export const sizes = { smallFileBytes: 1e6, targetFileBytes: 1e6 };
