/** Where it is kept what is served: the last row of a table, numbered by the position that counts its rows. */
import type { RoleContext } from '../../harness/architecture.js';
import { CallError } from '../../harness/errors.js';
import type { Register } from '../../harness/ports/register.js';
import { pauseUs, untilDone } from '../../harness/ports/retries.js';
import { firstServed, type ServedState } from '../../harness/ports/served-state.js';
import { nextOf } from './positions.js';
import { servedStatesSchema, servedStatesTable } from './tables.js';

export function openServedState(context: RoleContext): Register<ServedState> {
  const { warehouse } = context.ports;

  async function read(): Promise<ServedState> {
    const sql = 'SELECT number, state FROM states ORDER BY number DESC LIMIT 1';
    const from = { states: { table: servedStatesTable } };
    for await (const { rows, columns } of warehouse.query({ from, sql }, servedStatesSchema))
      if (rows > 0) return JSON.parse(columns.state?.[0] as string) as ServedState;
    return firstServed;
  }

  return {
    read,
    // Whoever changes it at the same time is refused by the position, and looks again.
    async change(change) {
      for (let failures = 0; ; ) {
        const next = await untilDone(context, () => nextOf(warehouse, servedStatesTable));
        const changed = change(await untilDone(context, read));
        const columns = { number: [next.number], state: [JSON.stringify(changed)] };
        try {
          await warehouse.stage(servedStatesTable, { rows: 1, columns }, next);
        } catch (error) {
          if (!(error instanceof CallError)) throw error;
          await context.clock.sleep(pauseUs(++failures, context), context.signal);
        }
        // Whether it was refused or its answer was lost: what there is tells.
        const now = await untilDone(context, read);
        if (JSON.stringify(now) === JSON.stringify(changed)) return changed;
      }
    },
  };
}
