/** All roles of the plane at work in the process of a test. */
import type { Plane, RoleContext } from '../../harness/architecture.js';
import { testOrigin } from '../../harness/lineage/fixture-origin.js';
import { seededRandom } from '../../harness/random.js';
import type { World } from '../fixture-world.js';
import lambda from './index.js';

export interface RunningPlane {
  /** All that the roles serve. */
  readonly plane: Plane;
  /** Rejects if a role has died. */
  stop(): Promise<void>;
}

/** Resolves when every role is ready. */
export async function startPlane(world: World): Promise<RunningPlane> {
  const abort = new AbortController();
  const plane: Partial<Plane> = {};
  const died: unknown[] = [];
  const roles = lambda({ batchIntervalUs: 3_600_000_000, archiveIntervalUs: 50_000 }).roles.map((role) => {
    let ready = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const context: RoleContext = {
      ...world,
      random: seededRandom(1, role.name),
      origin: testOrigin(role.name, seededRandom(1, `/run/${role.name}`)),
      signal: abort.signal,
      ready: () => ready(),
      serve: async (operations) => void Object.assign(plane, operations),
    };
    const ran = role.run(context).catch((error: unknown) => {
      if (!abort.signal.aborted) died.push(error);
    });
    return { isReady, ran };
  });
  await Promise.all(roles.map(({ isReady }) => isReady));
  return {
    plane: plane as Plane,
    async stop() {
      abort.abort(new Error('stopped by the test'));
      await Promise.all(roles.map(({ ran }) => ran));
      if (died.length > 0) throw died[0];
    },
  };
}
