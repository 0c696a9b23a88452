/**
 * Before any work: what a suite will start of others is started once, and stopped again. A server that is there and does
 * not start is a matter of this machine, and would make every run invalid one after the other.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HarnessError, UsageError } from './errors.js';
import { demandPostgres, startPostgres } from './load/postgres/start.js';
import type { PortName } from './ports/ports.js';
import type { Scratch } from './processes/scratch.js';
import { type MachineSupervisor, supervise } from './processes/supervisor.js';
import { isWired, type Scenario } from './scenario.js';
import { bundledStacks, type StackName } from './stacks/stack.js';
import { startServers } from './stacks/start.js';

export type Versions = Readonly<Record<string, string>>;

/** Resolves with the versions of servers that others wrote, by name; rejects with UsageError. */
export async function tryServers(
  scenarios: readonly Pick<Scenario, 'stack' | 'servers' | 'brokers' | 'source' | 'faults'>[],
  uses: readonly PortName[],
  scratch: Scratch,
): Promise<Versions> {
  const versions: Record<string, string> = {};
  for (const { stack, servers } of new Map(scenarios.map((scenario) => [scenario.stack, scenario])).values()) {
    if (isBundled(stack)) continue;
    const own = scenarios.filter((scenario) => scenario.stack === stack);
    const wired = own.some(isWired) ? ['trial'] : [];
    const brokers = own.find((scenario) => scenario.brokers === 3)?.brokers;
    const started = await startOnce(scratch, async (supervisor, directory) => {
      const tried = await startServers(stack, { supervisor, directory, uses, servers, brokers, wired });
      await tried.close?.();
      return tried;
    });
    Object.assign(versions, started.versions);
  }
  if (scenarios.some(({ source }) => source === 'postgres')) {
    const { version } = await demandPostgres();
    await startOnce(scratch, startPostgres);
    versions.postgres = version;
  }
  return versions;
}

type Bundled = (typeof bundledStacks)[number];

function isBundled(stack: StackName): stack is Bundled {
  return bundledStacks.some((name) => name === stack);
}

async function startOnce<T>(
  scratch: Scratch,
  start: (supervisor: MachineSupervisor, directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(scratch.directory, 'trial-'));
  const supervisor = supervise({ lullStartUs: 0, restartDelayUs: 0, scratch });
  try {
    return await start(supervisor, directory);
  } catch (error) {
    if (error instanceof HarnessError) throw new UsageError(error.message, { cause: error });
    throw error;
  } finally {
    await supervisor.stopAll();
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  }
}
