/** The container runtime of this machine, by testcontainers, which is large and loaded only where there are containers. */
import type { ContainerRuntimeClient } from 'testcontainers';
import { HarnessError } from '../errors.js';

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

/** Whatever they do; with what they wrote outside the folders that they were given. */
export async function removeContainers(label: string): Promise<void> {
  const { dockerode } = (await containerRuntime()).container;
  const left = await dockerode.listContainers({ all: true, filters: { label: [label] } });
  await Promise.allSettled(left.map(({ Id }) => dockerode.getContainer(Id).remove({ force: true, v: true })));
}
