/** The container runtime of this machine, by testcontainers, which is large and loaded only where there are containers. */
import type { ContainerRuntimeClient } from 'testcontainers';
import { HarnessError, messageOf } from '../errors.js';

export type Daemon = ContainerRuntimeClient['container']['dockerode'];
export type Container = ReturnType<ContainerRuntimeClient['container']['getById']>;

/** Rejects where no daemon answers. */
export async function containerRuntime(): Promise<ContainerRuntimeClient> {
  // Its reaper is an image of its own, and so is what it looks for the host with; our janitor needs neither.
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  process.env.TESTCONTAINERS_HOST_OVERRIDE = '127.0.0.1';
  const { getContainerRuntimeClient } = await import('testcontainers');
  const runtime = await getContainerRuntimeClient();
  const { socketPath } = runtime.container.dockerode.modem as { socketPath?: string };
  if (!isMeant(process.env.DOCKER_HOST, socketPath))
    throw new HarnessError(
      `no daemon answers at DOCKER_HOST=${process.env.DOCKER_HOST}; another one is at ${socketPath}`,
    );
  return runtime;
}

/** Where nobody answers at DOCKER_HOST, testcontainers takes any daemon that it finds. */
function isMeant(host: string | undefined, socketPath: string | undefined): boolean {
  if (!host) return true;
  return host.startsWith('unix://') ? socketPath === host.slice('unix://'.length) : !socketPath?.startsWith('/');
}

/** A network on which containers find each other by name; resolves with its own. */
export async function makeNetwork(label: string): Promise<string> {
  const [key, name] = label.split('=') as [string, string];
  const { dockerode } = (await containerRuntime()).container;
  await dockerode.createNetwork({ Name: name, Labels: { [key]: name } }).catch((error: unknown) => {
    throw new HarnessError(
      `the container daemon makes no network: ${messageOf(error)}. Remove those that nobody uses: docker network prune`,
      { cause: error },
    );
  });
  return name;
}

/** Whatever they do; with what they wrote outside the folders that they were given, and their network. */
export async function removeContainers(label: string): Promise<void> {
  const { dockerode } = (await containerRuntime()).container;
  const labelled = { filters: { label: [label] } };
  const left = await dockerode.listContainers({ all: true, ...labelled });
  await Promise.allSettled(left.map(({ Id }) => dockerode.getContainer(Id).remove({ force: true, v: true })));
  const networks = await dockerode.listNetworks(labelled);
  await Promise.allSettled(networks.map(({ Id }) => dockerode.getNetwork(Id).remove()));
}
