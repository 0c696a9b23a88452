/** Who starts the servers of a stack. Apart from stack.ts, which every role loads when it starts: no role starts any. */
import { UsageError } from '../errors.js';
import type { PortName } from '../ports/ports.js';
import type { MachineSupervisor } from '../processes/supervisor.js';
import { startEmbedded } from './embedded.js';
import { visitServers } from './external-servers.js';
import { demandSecrets, type ExternalServers } from './external-settings.js';
import { demandPrograms, startNative } from './native-servers.js';
import type { Stack, StackName } from './stack.js';

/** Rejects with UsageError, before anything is started, where a stack can certainly not be. */
export async function demandStack(stack: StackName, servers?: ExternalServers): Promise<void> {
  if (stack === 'native') await demandPrograms();
  if (stack === 'external') demandSecrets(known(servers));
}

function known(servers: ExternalServers | undefined): ExternalServers {
  if (servers !== undefined) return servers;
  throw new UsageError(
    'the stack external runs on your servers: say where they are with --servers FILE, as harness/stacks/README.md has it',
  );
}

/** Of a stack whose servers are processes; what is in memory needs no start. */
export function startServers(
  stack: Exclude<StackName, 'simulated'>,
  options: {
    readonly supervisor: MachineSupervisor;
    readonly directory: string;
    readonly uses: readonly PortName[];
    readonly servers?: ExternalServers | undefined;
  },
): Promise<Stack> {
  if (stack === 'external') return visitServers({ ...options, servers: known(options.servers) });
  return stack === 'native' ? startNative(options) : startEmbedded(options);
}
