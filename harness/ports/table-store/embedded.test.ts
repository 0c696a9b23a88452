import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableStoreContract } from './contract.js';
import { openTableStore } from './embedded.js';

tableStoreContract('local disk', () => {
  const directory = mkdtempSync(join(tmpdir(), 'planebench-tables-'));
  return {
    open: (clock, client) => openTableStore({ directory, clock, ...client }),
    destroy: () => rm(directory, { recursive: true, force: true }),
  };
});
