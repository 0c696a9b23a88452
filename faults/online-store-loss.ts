/**
 * The online store is killed and comes back empty, as one does whose disk is lost. What it held follows from the tables,
 * and a plane has to make it anew; until then it may say that rows are missing, and nothing else in their place. Witnessed
 * by the server's exit.
 */
import { HarnessError } from '../harness/errors.js';
import type { Fault, Witness } from '../harness/fault.js';
import { usedPort } from './port-injury.js';
import { windowsOf } from './schedule.js';

export const onlineStoreLoss: Fault<'online-store-loss', Witness> = {
  about: 'the online store is killed, and comes back empty',
  supports: (_, { lent, architecture }) => {
    const struck = usedPort(architecture, ['onlineStore']);
    return lent && 'target' in struck ? { notApplicable: 'its server is yours, and not ours to empty' } : struck;
  },
  schedule: windowsOf,
  async inject({ servers: { onlineStore } }) {
    if (!onlineStore?.empty) throw new HarnessError('the online store of this stack cannot be emptied');
    const { atUs, saw } = await onlineStore.takeDown();
    await onlineStore.empty();
    return { atUs, saw: `${saw}, and all that it held` };
  },
  witness: async (_, gone) => gone,
  async heal({ servers }) {
    await servers.onlineStore?.bringUp();
  },
};
