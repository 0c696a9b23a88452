/** Who starts the servers of a stack. Apart from stack.ts, which every role loads when it starts: no role starts any. */
import type { PortName } from '../ports/ports.js';
import type { MachineSupervisor } from '../processes/supervisor.js';
import { demandContainers, startDocker } from './docker-servers.js';
import { startEmbedded } from './embedded.js';
import { demandPrograms, startNative } from './native-servers.js';
import type { Stack, StackName } from './stack.js';

/** Rejects with UsageError, before anything is started, where a stack can certainly not be. */
export async function demandStack(stack: StackName): Promise<void> {
  if (stack === 'native') await demandPrograms();
  if (stack === 'docker') await demandContainers();
}

/** Of a stack whose servers are processes; what is in memory needs no start. */
export function startServers(
  stack: Exclude<StackName, 'simulated'>,
  options: {
    readonly supervisor: MachineSupervisor;
    readonly directory: string;
    readonly uses: readonly PortName[];
  },
): Promise<Stack> {
  switch (stack) {
    case 'embedded':
      return startEmbedded(options);
    case 'native':
      return startNative(options);
    case 'docker':
      return startDocker(options);
  }
}
