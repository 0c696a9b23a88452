/** A server in a container under the supervisor: held still, started again, cleared away, however its harness ends. */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pingRedis, withRedis } from '../ports/online-store/redis.js';
import { freePorts } from '../servers/free-ports.js';
import { imageOrSkipped } from '../servers/program.fixture.js';
import { redis } from '../servers/redis.js';
import { containerRuntime } from './containers.js';
import { startRedisContainer } from './fixture-container.js';
import { openScratch, type Scratch } from './scratch.js';
import { type MachineSupervisor, supervise } from './supervisor.js';

const image = await imageOrSkipped(redis);

async function containersOf(label: string): Promise<readonly string[]> {
  const { dockerode } = (await containerRuntime()).container;
  return (await dockerode.listContainers({ all: true, filters: { label: [label] } })).map(({ Id }) => Id);
}

describe.skipIf(image === null)('a server in a container', () => {
  let scratch: Scratch;
  let supervisor: MachineSupervisor;
  beforeEach(async () => {
    scratch = await openScratch();
    supervisor = supervise({ lullStartUs: 1_000, restartDelayUs: 0, scratch });
  });
  afterEach(async () => {
    await supervisor.stopAll();
    await scratch.close();
  });

  it('stands still while it is paused, uses what is seen, is published on loopback only, and is gone at the end', async () => {
    const { port } = await startRedisContainer(supervisor, scratch, image!);
    const [id] = (await containersOf(scratch.watchContainers())) as [string];
    const { container } = await containerRuntime();
    expect((await container.getById(id).inspect()).NetworkSettings.Ports).toEqual({
      [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(port) }],
    });
    supervisor.pause('redis');
    await expect.poll(() => supervisor.isPaused('redis'), { timeout: 10_000 }).toBe(true);
    const asked = pingRedis({ port });
    supervisor.resume('redis');
    await expect.poll(() => supervisor.isPaused('redis'), { timeout: 10_000 }).toBe(false);
    expect(await asked.then((answered) => answered || pingRedis({ port }))).toBe(true);
    await expect.poll(() => supervisor.usage().rssBytes.at(-1) ?? 0, { timeout: 10_000 }).toBeGreaterThan(1e6);
    // Who stands still would not hear that it is to end.
    supervisor.pause('redis');
    await supervisor.stopAll();
    expect(await containersOf(scratch.watchContainers())).toEqual([]);
  });

  it('is found by its peers under its name, also after it was off their network, and takes the network along', async () => {
    const [first, second] = await Promise.all(
      ['first', 'second'].map((name) => startRedisContainer(supervisor, scratch, image!, { name, on: 'peers' })),
    );
    const copies = async () => {
      await withRedis(second!, (client) => client.call('REPLICAOF', 'NO', 'ONE'));
      await withRedis(second!, (client) => client.call('REPLICAOF', 'first', first!.port));
      const state = () => withRedis(second!, (client) => client.info('replication'));
      await expect.poll(state, { timeout: 50_000 }).toMatch(/master_link_status:up/);
    };
    await copies();
    await supervisor.cutOff('first');
    expect(await pingRedis(first!).catch(() => false)).toBe(false);
    await supervisor.rejoin('first');
    await copies();
    await supervisor.stopAll();
    const label = scratch.watchContainers();
    await scratch.close();
    const { dockerode } = (await containerRuntime()).container;
    expect(await dockerode.listNetworks({ filters: { label: [label] } })).toEqual([]);
  });

  it('that cannot have its port says so, and leaves nothing behind', async () => {
    const [port] = (await freePorts(1)) as [number];
    const taken = createServer().listen(port, '127.0.0.1');
    await expect(startRedisContainer(supervisor, scratch, image!, { at: port })).rejects.toThrow(
      new RegExp(`redis died \\(not started: .*${port}.*\\), for the 6th time in a row`, 's'),
    );
    taken.close();
    await supervisor.stopAll();
    expect(await containersOf(scratch.watchContainers())).toEqual([]);
  });

  it('is removed when the harness is killed', async () => {
    const harness = fork(new URL('./fixture-container-harness.js', import.meta.url), [image!], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const { label, directory } = await new Promise<{ label: string; directory: string }>((resolve) =>
      harness.once('message', (message) => resolve(message as never)),
    );
    expect(await containersOf(label)).toHaveLength(1);
    harness.kill('SIGKILL');
    await expect.poll(() => containersOf(label), { timeout: 50_000 }).toEqual([]);
    await expect.poll(() => existsSync(directory), { timeout: 50_000 }).toBe(false);
  });
});
