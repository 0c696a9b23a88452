import { expect, it } from 'vitest';
import type { Operation } from '../architecture.js';
import { PlaneError } from '../errors.js';
import { simulatedBuild } from '../lineage/origin.js';
import { startPlane } from './plane.js';
import type { PortCountsReport, Serving } from './role.js';
import type { ProcessSpec, Supervisor } from './supervisor.js';

/** A plane whose roles say at once what they serve, each on a port of its own. */
function start(
  serving: Readonly<Record<string, readonly Operation[]>>,
  onStarted: (spec: ProcessSpec, clock: { us: number }) => void = () => {},
) {
  const names = Object.keys(serving);
  const clock = { us: 0, nowUs: () => clock.us };
  const supervisor = {
    clock,
    async start(spec: ProcessSpec) {
      const { name, onReport } = spec;
      // As the message of a process arrives: nobody catches what a listener throws.
      const report: Serving = { operations: serving[name] ?? [], port: 1_000 + names.indexOf(name) };
      expect(() => onReport?.('serving', report)).not.toThrow();
      onStarted(spec, clock);
    },
  } as unknown as Supervisor;
  const roles = names.map((name) => ({ name, ingests: false, priority: 'normal' as const }));
  return startPlane({
    supervisor,
    plan: { arm: {}, scenario: { epochUs: 1_000, phases: { warmUpUs: 500, measureUs: 2_000 }, workload: {} } } as never,
    architecture: { name: 'mine', params: null, uses: [], roles, settlesWithinUs: null, outside: false },
    stack: { connection: { stack: 'embedded' }, storedPaths: [], servers: {} },
    build: simulatedBuild,
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

it('counts of a role what it asked between the last reports before the edges of the window, over restarts too', async () => {
  const plane = await start({ reads: ['lookup'] }, ({ init, onReport }, clock) => {
    const report = (atUs: number, calls: number) => {
      clock.us = atUs;
      const counts = [{ port: 'tables', operation: 'scan', probe: false, calls, rows: 2 * calls, bytes: 0 }];
      onReport?.('ports', counts satisfies PortCountsReport);
    };
    init();
    report(900, 10);
    report(1_500, 40); // the window begins
    report(2_000, 45);
    init(); // started anew: it counts from zero
    report(3_000, 3);
    report(3_400, 6);
    report(3_600, 100); // the window is over
  });
  expect(plane.portCounters()).toEqual([
    {
      role: 'reads',
      port: 'tables',
      operation: 'scan',
      probe: false,
      calls: 145,
      windowCalls: 11,
      rows: 290,
      bytes: 0,
    },
  ]);
});
