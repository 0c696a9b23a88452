/** Where it is kept what is served: one row of the online store. */
import type { RoleContext } from '../../harness/architecture.js';
import { openRegister, type Register } from '../../harness/ports/register.js';
import { firstServed, type ServedState } from '../../harness/ports/served-state.js';

export const servedTable = 'lakehouse_served';

export function openServedState(context: RoleContext): Register<ServedState> {
  return openRegister(context, { store: context.ports.onlineStore, table: servedTable, initially: firstServed });
}
