import { expect, it } from 'vitest';
import type { Operation } from '../architecture.js';
import { PlaneError } from '../errors.js';
import { startPlane } from './plane.js';
import type { Serving } from './role.js';
import type { ProcessSpec, Supervisor } from './supervisor.js';

/** A plane whose roles say at once what they serve, each on a port of its own. */
function start(serving: Readonly<Record<string, readonly Operation[]>>) {
  const names = Object.keys(serving);
  const supervisor = {
    async start({ name, onReport }: ProcessSpec) {
      // As the message of a process arrives: nobody catches what a listener throws.
      const report: Serving = { operations: serving[name] ?? [], port: 1_000 + names.indexOf(name) };
      expect(() => onReport?.('serving', report)).not.toThrow();
    },
  } as unknown as Supervisor;
  const roles = names.map((name) => ({ name, ingests: false, background: false }));
  return startPlane({
    supervisor,
    plan: {} as never,
    architecture: { name: 'mine', params: null, uses: [], roles, settlesWithinUs: null },
    stack: { connection: { stack: 'embedded' }, storedPaths: [], servers: {} },
  });
}

it('routes each operation to the role that serves it', async () => {
  const plane = await start({ reads: ['lookup', 'predict'], writes: ['backfill'] });
  expect(plane.routes()).toEqual({ lookup: 1_000, predict: 1_000, backfill: 1_001 });
});

it('refuses a plane of which two roles serve the same operation', async () => {
  const started = start({ a: ['lookup'], b: ['lookup'] });
  await expect(started).rejects.toThrow(PlaneError);
  await expect(started).rejects.toThrow(
    'mine: lookup is served by two roles, a and b: each operation needs exactly one',
  );
});

it('refuses a plane that serves no lookup', async () => {
  await expect(start({ a: ['predict'] })).rejects.toThrow(PlaneError);
});
