/** Which server a fault strikes that does something else to it than to end it. */
import type { Fault, FaultKind, Support } from '../harness/fault.js';
import { usedPort } from './port-injury.js';

type Where = Parameters<Fault<Extract<FaultKind, `server-${string}`>>['supports']>[1];
type Spec = Parameters<Fault<Extract<FaultKind, `server-${string}`>>['supports']>[0];

/** One that is ours, whatever it is. */
export function serverOf({ port }: Spec, { architecture, lent, forms }: Where): Support {
  const used = usedPort(architecture, [port]);
  if ('notApplicable' in used || forms[port]) return used;
  if (lent) return { notApplicable: 'its server is yours, and not ours to hold' };
  return { notApplicable: `no process stands behind ${port} on this stack` };
}
