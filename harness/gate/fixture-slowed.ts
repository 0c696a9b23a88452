/** The lakehouse, whose every lookup is held back by a constant: a slowdown of known size, for the trials of the gate. */
import lakehouse from '../../architectures/lakehouse/index.js';
import type { ArchitectureFactory, Plane } from '../architecture.js';
import { monotonicUs } from '../clock.js';

const slowed: ArchitectureFactory = (given) => {
  const { delayUs } = given as { readonly delayUs: number };
  // Rarely enough that the p95 of lookups is not that of the moments of a commit, which varies from run to run.
  const plane = lakehouse({ batchIntervalUs: 1_000_000 });
  return {
    ...plane,
    name: 'slowed',
    params: { delayUs },
    roles: plane.roles.map((role) => ({
      ...role,
      run: (context) => role.run({ ...context, serve: (plane) => context.serve(holdBack(plane, delayUs)) }),
    })),
  };
};
export default slowed;

function holdBack(plane: Partial<Plane>, delayUs: number): Partial<Plane> {
  const { lookup } = plane;
  if (!lookup || delayUs === 0) return plane;
  return {
    ...plane,
    async lookup(request) {
      const rows = await lookup(request);
      const untilUs = monotonicUs() + delayUs;
      // A timer would round it up to whole milliseconds.
      while (monotonicUs() < untilUs) await new Promise(setImmediate);
      return rows;
    },
  };
}
