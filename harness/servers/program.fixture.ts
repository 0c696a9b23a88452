/** A program of others for tests: found, started and killed without a run, or said to be missing. */
import { test } from 'vitest';
import type { ClockOrigin } from '../clock.js';
import { HarnessError } from '../errors.js';
import { startProgramProcess } from '../processes/program-process.js';
import { findImage, imageOf } from './images.js';
import { type Found, isFound, type Missing, type ServerProgram } from './programs.js';

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
  return thereOrSkipped('native', program.name, await program.find());
}

/** Its image in the daemon of this machine; null where either is missing, and one skipped test that says so. */
export async function imageOrSkipped(program: ServerProgram<never>): Promise<string | null> {
  const found = thereOrSkipped('docker', `${program.name} in a container`, await findImage(imageOf(program)));
  return found?.path ?? null;
}

/** `PLANEBENCH_STACKS` names those of which all was there a moment ago (.ci/run): there, nothing is skipped. */
function thereOrSkipped(stack: 'native' | 'docker', name: string, found: Found | Missing): Found | null {
  if (isFound(found)) return found;
  const reason = `${name}: ${found.missing} Get it: ${found.toGet}`;
  if ((process.env.PLANEBENCH_STACKS ?? '').split(',').includes(stack))
    throw new HarnessError(`the stack ${stack} was there and is not any more. ${reason}`);
  test.skip(reason);
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
      // Beside other tests, on a machine that others use, too.
      readyWithinUs: 180_000_000,
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
