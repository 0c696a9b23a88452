/** Positions of the warehouse count what was made: of two who make the next one at a time, one is refused. */
import type { PositionMove, Warehouse } from '../../harness/ports/warehouse/port.js';

export async function nextOf(
  warehouse: Warehouse,
  source: string,
): Promise<PositionMove & { readonly number: number }> {
  const from = await warehouse.position(source);
  const number = (from?.[0] ?? 0) + 1;
  return { source, from, to: [number], number };
}
