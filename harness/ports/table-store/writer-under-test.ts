/** What the writers do that processes.test.ts starts (see writer-process.ts), and the tables they do it to. */
import type { Schema } from '../columns.js';
import type { FoldSpec } from './port.js';

export interface WriterInit {
  readonly directory: string;
  readonly work: { readonly append: string; readonly commits: number; readonly rows: number } | 'tidy';
}

export const writerSchema: Schema = [
  { name: 'writer', type: 'text', nullable: false },
  { name: 'commit', type: 'int', nullable: false },
  { name: 'entity', type: 'int', nullable: false },
  { name: 'op', type: 'text', nullable: false },
];

export const writerFold: FoldSpec = {
  from: 'changes',
  into: 'current',
  key: ['writer', 'entity'],
  order: 'commit',
  deletion: { column: 'op', value: 'd' },
};
