/** The example of README.md, as it stands there. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Plane, RoleContext } from '../harness/architecture.js';
import { testOrigin } from '../harness/lineage/fixture-origin.js';
import { loadArchitecture } from '../harness/processes/load-architecture.js';
import { seededRandom } from '../harness/random.js';
import { projectDirectory } from '../harness/testbed.js';
import { openWorld } from './fixture-world.js';

it('is a plane that runs', async () => {
  const readme = await readFile(join(projectDirectory, 'architectures', 'README.md'), 'utf8');
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  // Inside the project, where 'planebench' is the project itself.
  const directory = await mkdtemp(join(projectDirectory, 'dist', 'readme-'));
  const world = await openWorld(51);
  try {
    const path = join(directory, 'mine.ts');
    await writeFile(path, code as string);
    const { name, roles, uses } = await loadArchitecture(path, undefined);
    expect({ name, uses }).toEqual({ name: 'mine', uses: ['changeLog'] });
    await world.append(0, 1e9);

    const abort = new AbortController();
    let plane: Partial<Plane> = {};
    let ready = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const context: RoleContext = {
      ...world,
      random: { below: () => 0, unit: () => 0, bits: () => 0, fork: () => context.random },
      origin: testOrigin('all', seededRandom(1)),
      signal: abort.signal,
      ready: () => ready(),
      serve: async (operations) => {
        plane = operations;
      },
    };
    const ran = roles[0]!.run(context).catch((error: unknown) => {
      if (!abort.signal.aborted) throw error;
    });
    await isReady;
    const counts = world.truth.ofCustomer.map((changes) => changes.filter(({ seq }) => seq > 0).length);
    const busiest = counts.indexOf(Math.max(...counts));
    let seen = 0;
    while (seen === 0) {
      const [row] = await plane.lookup!({ keys: [String(busiest)] });
      expect(row!.features).toEqual(world.contract.view.features.map(() => null));
      seen = row!.lastSeq;
      await world.clock.sleep(5_000);
    }
    expect(seen).toBeLessThanOrEqual(counts[busiest]!);
    abort.abort(new Error('stopped by the test'));
    await ran;
  } finally {
    await world.close();
    await rm(directory, { recursive: true });
  }
});
