/** A program of others for tests: found, started and killed without a run, or said to be missing. */
import { test } from 'vitest';
import type { ClockOrigin } from '../clock.js';
import { startProgramProcess } from '../processes/program-process.js';
import { findImage, imageOf } from './images.js';
import { type Found, isFound, type ServerProgram } from './programs.js';

export interface StartedProgram {
  /** SIGKILL. */
  kill(): void;
  /** Resolves when the killed one is gone and the next one, with the same files, is ready. */
  revive(): Promise<void>;
  setClock(origin: ClockOrigin): void;
  stop(): Promise<void>;
}

/** Where it is; null where it is not, and one skipped test that says so. */
export async function foundOrSkipped(program: ServerProgram<never>): Promise<Found | null> {
  const found = await program.find();
  if (isFound(found)) return found;
  test.skip(`${program.name}: ${found.missing} Get it: ${found.toGet}`);
  return null;
}

/** Its image in the daemon of this machine; null where either is missing, and one skipped test that says so. */
export async function imageOrSkipped(program: ServerProgram<never>): Promise<string | null> {
  const found = await findImage(imageOf(program));
  if (isFound(found)) return found.path;
  test.skip(`${program.name} in a container: ${found.missing} Get it: ${found.toGet}`);
  return null;
}

export async function startFound<Settings>(
  program: ServerProgram<Settings>,
  found: Found,
  settings: Settings,
  clock: { readonly origin: ClockOrigin; setClock?(origin: ClockOrigin): Promise<void> } = { origin: standing },
): Promise<StartedProgram> {
  const spawn = await program.prepare(found, settings);
  const start = async () => {
    const child = startProgramProcess({
      name: program.name,
      spawn,
      isReady: () => program.isReady(settings),
      ...clock,
    });
    await child.ready;
    return child;
  };
  let child = await start();
  return {
    kill: () => child.signal('SIGKILL'),
    async revive() {
      await child.exited;
      child = await start();
    },
    setClock: (origin) => child.setClock(origin),
    async stop() {
      await child.stop();
    },
  };
}

const standing: ClockOrigin = { epochUs: 0, zeroNs: null };
