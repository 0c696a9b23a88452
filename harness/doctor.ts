/** What this machine offers, which stacks would start, and how noisy it is before anything is measured on it. */
import { statfs } from 'node:fs/promises';
import { freemem, loadavg, tmpdir } from 'node:os';
import type { Manifest } from '../reports/summary.js';
import { hostClock, monotonicUs } from './clock.js';
import { HarnessError, messageOf } from './errors.js';
import { openScratch } from './processes/scratch.js';
import { supervise } from './processes/supervisor.js';
import { imageRecipes } from './servers/images.js';
import { type Found, isFound, type Missing } from './servers/programs.js';
import { recipes } from './servers/recipes.js';
import { runtimes } from './servers/runtimes.js';
import type { ExternalServers } from './stacks/external-settings.js';
import { type StackName, stackNames } from './stacks/stack.js';
import { demandStack, startServers } from './stacks/start.js';
import { describeMachine, readVersions } from './testbed.js';

export interface Examination {
  readonly machine: Omit<Manifest['machine'], 'stealBp'>;
  readonly freeMemoryBytes: number;
  readonly freeDiskBytes: number;
  /** Runnable processes, mean of the last minute; null where the system does not tell. */
  readonly loadAverage: number | null;
  readonly noise: Noise;
  /** `starts`: null where nobody said what would have to be tried. */
  readonly stacks: readonly { readonly name: StackName; readonly starts: boolean | null; readonly note: string }[];
  /** Of others: what stacks run, and what that runs on. None has to be there for the embedded stack. */
  readonly programs: readonly { readonly name: string; readonly isFor: string; readonly found: Found | Missing }[];
  readonly versions: Readonly<Record<string, string>>;
  readonly advice: readonly string[];
}

export interface Noise {
  /** How late a timer of 5 ms fires, 99 % of the time at most. */
  readonly timerLagP99Us: number;
  /** The slowest of equal pieces of work, as a multiple of the fastest. */
  readonly workSpread: number;
}

const wantedMemoryBytes = 4 * 2 ** 30;
const wantedDiskBytes = 4 * 2 ** 30;

export async function examineMachine(servers?: ExternalServers): Promise<Examination> {
  const noise = await measureNoise();
  const [machine, disk, versions] = await Promise.all([describeMachine(), measureDisk(), readVersions()]);
  const stacks: Examination['stacks'][number][] = [];
  // One after the other: how long each takes alone.
  for (const name of stackNames) stacks.push(await tryStack(name, servers));
  const facts = {
    machine,
    freeMemoryBytes: freemem(),
    freeDiskBytes: disk.bavail * disk.bsize,
    loadAverage: process.platform === 'win32' ? null : (loadavg()[0] ?? null),
    noise,
    stacks,
    programs: await findPrograms(),
    versions,
  };
  return { ...facts, advice: advise(facts) };
}

function findPrograms(): Promise<Examination['programs']> {
  return Promise.all(
    [...recipes, ...runtimes, ...imageRecipes].map(async ({ name, isFor, find }) => ({
      name,
      isFor,
      found: await find(),
    })),
  );
}

async function measureDisk() {
  return statfs(tmpdir()).catch((error) => {
    throw new HarnessError(`there is no folder for what is temporary: ${messageOf(error)}. Name another with TMPDIR.`);
  });
}

async function measureNoise(): Promise<Noise> {
  const lagsUs: number[] = [];
  for (let i = 0; i < 200; i++) {
    const dueUs = monotonicUs() + 5_000;
    await hostClock.sleep(5_000);
    lagsUs.push(monotonicUs() - dueUs);
  }
  const worksUs: number[] = [];
  for (let i = 0; i < 200; i++) {
    const startUs = monotonicUs();
    let sum = 0;
    for (let j = 0; j < 200_000; j++) sum += j & 7;
    if (sum > 0) worksUs.push(monotonicUs() - startUs);
  }
  lagsUs.sort((a, b) => a - b);
  const steady = worksUs.slice(20).sort((a, b) => a - b); // the first pieces run before the compiler has optimised them
  return {
    timerLagP99Us: lagsUs[197] ?? 0,
    workSpread: (steady.at(-1) ?? 0) / Math.max(1, steady[0] ?? 1),
  };
}

async function tryStack(name: StackName, servers?: ExternalServers): Promise<Examination['stacks'][number]> {
  if (name === 'simulated') return { name, starts: true, note: 'nothing to start, it is all in memory' };
  if (name === 'external' && servers === undefined)
    return { name, starts: null, note: 'your own servers; to try them: npm run planebench -- doctor --servers FILE' };
  const scratch = await openScratch();
  const supervisor = supervise({ lullStartUs: 0, restartDelayUs: 0, scratch });
  const startUs = monotonicUs();
  try {
    await demandStack(name, { servers });
    const stack = await startServers(name, {
      supervisor,
      directory: scratch.directory,
      uses: ['changeLog', 'onlineStore', 'tables', 'warehouse'],
      servers,
      wired: [],
    });
    await stack.close?.();
    return { name, starts: true, note: `started in ${((monotonicUs() - startUs) / 1e6).toFixed(1)} s` };
  } catch (error) {
    return { name, starts: false, note: messageOf(error) };
  } finally {
    await supervisor.stopAll();
    await scratch.close();
  }
}

function advise({
  machine,
  freeMemoryBytes,
  freeDiskBytes,
  loadAverage,
  noise,
}: Omit<Examination, 'advice'>): string[] {
  const advice: string[] = [];
  if (machine.cores < 2)
    advice.push('One core: planes, servers and load generators share it, and all figures suffer. Use two or more.');
  if (freeMemoryBytes < wantedMemoryBytes)
    advice.push('Less than 4 GiB of free memory: the headline suite may be killed or swap.');
  if (freeDiskBytes < wantedDiskBytes)
    advice.push(
      `Less than 4 GiB free in ${tmpdir()}: a run keeps its servers' data there. Set TMPDIR to another disk.`,
    );
  if (loadAverage !== null && loadAverage > machine.cores / 2)
    advice.push('Other programs are running: their noise widens every interval. Stop them or expect "inconclusive".');
  if (!machine.loadGoesFirst)
    advice.push(
      'Load generators may not have real-time priority: calls start some milliseconds late beside busy planes. Permit it: run as root, or `ulimit -r 2` first.',
    );
  if (noise.timerLagP99Us > 5_000)
    advice.push('Timers fire late here: runs may be invalid because the load generator falls behind.');
  if (noise.workSpread > 3) advice.push('Equal work takes unequal time here: use more repetitions.');
  return advice;
}

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

export function printExamination(examination: Examination): string {
  const { machine, noise, stacks, programs, advice, versions } = examination;
  return [
    `machine   ${machine.cpu}, ${machine.cores} cores, ${gib(machine.memoryBytes)}, ${machine.platform}`,
    `limits    ${machine.cgroup ?? 'no control group limits found'}`,
    `priority  load generators ${machine.loadGoesFirst ? 'go before all others, then what answers users (real-time)' : 'and what answers users go first by their niceness alone'}`,
    `free      ${gib(examination.freeMemoryBytes)} memory, ${gib(examination.freeDiskBytes)} disk in ${tmpdir()}`,
    `load      ${examination.loadAverage?.toFixed(2) ?? 'unknown'}`,
    `noise     timers late by ${(noise.timerLagP99Us / 1000).toFixed(1)} ms at p99; equal work varies by a factor of ${noise.workSpread.toFixed(1)}`,
    `node      ${versions.node}, planebench ${versions.planebench}`,
    ...stacks.map(
      ({ name, starts, note }) =>
        `stack     ${name}: ${starts === null ? 'not tried' : starts ? 'ready' : 'DOES NOT START'}, ${note}`,
    ),
    ...programs.map(({ name, isFor, found }) =>
      isFound(found)
        ? `program   ${name} (${isFor}): ${found.version}, ${found.path}`
        : `program   ${name} (${isFor}): MISSING, ${found.missing} Get it: ${found.toGet}`,
    ),
    ...(advice.length === 0 ? ['advice    none: go ahead'] : advice.map((line) => `advice    ${line}`)),
  ].join('\n');
}
