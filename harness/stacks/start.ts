/** Who starts the servers of a stack. Apart from stack.ts, which every role loads when it starts: no role starts any. */
import { messageOf, UsageError } from '../errors.js';
import type { PortName } from '../ports/ports.js';
import type { MachineSupervisor } from '../processes/supervisor.js';
import { demandImage, imageOf } from '../servers/images.js';
import { demand } from '../servers/programs.js';
import { toxiproxy } from '../servers/toxiproxy.js';
import { containers, demandContainers } from './docker-servers.js';
import { startEmbedded } from './embedded.js';
import { visitServers } from './external-servers.js';
import { demandSecrets, type ExternalServers } from './external-settings.js';
import type { NativeConnection } from './native.js';
import { demandPrograms, programs } from './native-servers.js';
import { startRealServers } from './real-servers.js';
import { type BrokerCount, brokersOf, canBeWired, type Stack, type StackName } from './stack.js';
import { wireStack } from './wires.js';

/** Rejects with UsageError, before anything is started, where a stack can certainly not be. */
export async function demandStack(
  stack: StackName,
  {
    wired = false,
    brokers,
    servers,
  }: {
    readonly wired?: boolean;
    readonly brokers?: BrokerCount | undefined;
    readonly servers?: ExternalServers | undefined;
  } = {},
): Promise<void> {
  if (brokers !== undefined && brokersOf(stack, brokers) !== brokers)
    throw new UsageError(
      `${brokers} brokers are asked for, and the stack ${stack} starts no Kafka: name one that does, --stack native or docker`,
    );
  if (stack === 'native') await demandPrograms();
  if (stack === 'docker') await demandContainers();
  if (stack === 'external') demandSecrets(known(servers));
  if (wired && canBeWired(stack)) {
    const proxy = stack === 'native' ? demand(toxiproxy) : demandImage(imageOf(toxiproxy));
    await proxy.catch((error: unknown) => {
      throw new UsageError(messageOf(error), { cause: error });
    });
  }
}

function known(servers: ExternalServers | undefined): ExternalServers {
  if (servers !== undefined) return servers;
  throw new UsageError(
    'the stack external runs on your servers: say where they are with --servers FILE, as harness/stacks/README.md has it',
  );
}

/** Of a stack whose servers are processes; what is in memory needs no start. */
export async function startServers(
  stack: Exclude<StackName, 'simulated'>,
  options: {
    readonly supervisor: MachineSupervisor;
    readonly directory: string;
    readonly uses: readonly PortName[];
    /** Between whom and every server a proxy shall stand; empty: none stands anywhere. */
    readonly wired: readonly string[];
    /** Of Kafka, where the stack starts one; absent: 1. */
    readonly brokers?: BrokerCount | undefined;
    readonly servers?: ExternalServers | undefined;
  },
): Promise<Stack> {
  const started = await startUnwired(stack, options);
  if (options.wired.length === 0 || !canBeWired(stack)) return started;
  const { supervisor, directory, wired: clients } = options;
  const host = stack === 'docker' ? containers(supervisor) : programs(supervisor);
  const wires = await wireStack(started.connection as NativeConnection, { host, directory, clients });
  return { ...started, wires, versions: { ...started.versions, [toxiproxy.name]: wires.version } };
}

function startUnwired(
  stack: Exclude<StackName, 'simulated'>,
  given: Parameters<typeof startServers>[1],
): Promise<Stack> {
  const options = { ...given, brokers: given.brokers ?? 1 };
  switch (stack) {
    case 'embedded':
      return startEmbedded(options);
    case 'native':
      return startRealServers(programs(options.supervisor), options);
    case 'docker':
      return startRealServers(containers(options.supervisor), options);
    case 'external':
      return visitServers({ ...options, servers: known(options.servers) });
  }
}
