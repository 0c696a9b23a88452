/** Deletions are taken in and change nothing. */
import { opNames } from '../../../workloads/change-batch.js';
import { breakRole } from './broken-role.js';

const deletion = opNames.indexOf('d');

export default breakRole('stream', 'ignored-delete', (context) => ({
  ...context,
  contract: {
    ...context.contract,
    decode(batch) {
      const decoded = context.contract.decode(batch);
      for (let i = 0; i < batch.count; i++) if (batch.op[i] === deletion) decoded.beforeEventUs[i] = -1;
      return decoded;
    },
  },
}));
