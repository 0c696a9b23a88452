/**
 * A server in a container, with the face of one of our own processes. It is made once and started again when it died, so
 * that it finds its files and clients find it: its ports are published under the numbers that they have inside, on
 * loopback, and its folder lies at the same path inside and outside.
 */
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import type { WaitStrategy } from 'testcontainers';
import { type ClockOrigin, hostClock, monotonicUs, withDeadline } from '../clock.js';
import { HarnessError, messageOf } from '../errors.js';
import { type Exit, type FaultSignal, type StartedChild, stderrBytes } from './child-process.js';
import { type Container, containerRuntime, type Daemon } from './containers.js';
import type { ServerOptions } from './program-process.js';
import { enterService } from './service.js';
import { readUsage, type Usage } from './usage.js';

export interface ContainerOptions extends ServerOptions {
  /** That is on this machine. `spawn` is what is run in it; its `cwd` is the folder that it shares with this machine. */
  readonly image: string;
  readonly ports: readonly number[];
  /** `name=value`, by which it can be found. */
  readonly label: string;
  /** On which others find it by its name, or `host`: that of this machine, where nothing is published; absent: a bridge. */
  readonly network?: string;
}

type Networks = NonNullable<StartedChild['networks']>;
interface Running {
  readonly container: Container;
  readonly pid: number;
  /** Whether `pid` is a process of this machine, not of the virtual one that a daemon has on some systems. */
  readonly isLocal: boolean;
}

/** Each call starts it: at first the container is made, later it is the same one. */
export function containerLauncher(options: Omit<ContainerOptions, 'origin'>): (origin: ClockOrigin) => StartedChild {
  let made: Container | null = null;
  const start = async () => {
    if (made) await made.start();
    else await makeAndStart(options, (container) => (made = container));
    return made as unknown as Container;
  };
  // Of all its lives, as a container that is started again is where it was left.
  const networks = networksOf(() => made);
  return (origin) => startContainerProcess({ ...options, origin }, start, () => made, networks);
}

/** Those that it is on, or was before it left them. */
function networksOf(made: () => Container | null): Networks {
  const left = new Map<string, readonly string[] | null>();
  return {
    async leave() {
      const { container, networks } = await located(made);
      for (const [name, { Aliases = null }] of Object.entries(networks)) {
        left.set(name, Aliases);
        await (await networkOf(name)).disconnect({ Container: container.id, Force: true });
      }
      const still = Object.keys((await container.inspect()).NetworkSettings.Networks);
      if (still.length > 0) throw new HarnessError(`the container ${container.id} is still on ${still.join(', ')}`);
    },
    async join() {
      const { container, networks } = await located(made);
      for (const [name, aliases] of left) {
        // Only a network that somebody has made knows names.
        const endpoint = aliases === null ? {} : { Aliases: [...aliases] };
        if (!networks[name])
          await (await networkOf(name)).connect({ Container: container.id, EndpointConfig: endpoint });
        left.delete(name);
      }
    },
  };
}

async function located(made: () => Container | null) {
  const container = made();
  if (container === null) throw new HarnessError('a container that was never made is on no network');
  return { container, networks: (await container.inspect()).NetworkSettings.Networks };
}

async function networkOf(name: string) {
  return (await containerRuntime()).container.dockerode.getNetwork(name);
}

function startContainerProcess(
  options: ContainerOptions,
  start: () => Promise<Container>,
  made: () => Container | null,
  networks: Networks,
): StartedChild {
  let words = '';
  let pid = -1;
  let isUp = false;
  const running = start().then(async (container): Promise<Running> => {
    const { State } = await container.inspect();
    pid = State.Pid;
    isUp = true;
    await listen(container, State.StartedAt, (text) => {
      words = (words + text).slice(-stderrBytes);
    });
    return { container, pid, isLocal: await isOfContainer(pid, container.id) };
  });
  const exited = running.then(async ({ container }) => exitOf((await container.wait()).StatusCode)).catch(failed);
  const isReady = async () => isUp && options.isReady();

  // One after the other: what is asked of one that is just being started is done when it is.
  let last: Promise<unknown> = running;
  const order = (work: (container: Container) => Promise<unknown>): Promise<void> => {
    // The daemon refuses what is so already: to stop what has ended, to release what is not held.
    last = last.then(async () => work((await running).container)).catch(() => {});
    return last as Promise<void>;
  };

  return {
    name: options.name,
    networks,
    get pid() {
      return pid;
    },
    exited,
    ...enterService({ ...options, isReady }, exited, () => words),
    signal: (signal) => void order((container) => orders[signal](container)),
    isPaused: () =>
      running.then(
        async ({ container }) => (await container.inspect()).State.Paused,
        () => false,
      ),
    usage: () =>
      running.then(
        ({ container, isLocal }) => (isLocal ? readUsage(pid) : readStats(container)),
        () => null,
      ),
    async stop(graceUs = 5_000_000) {
      const stopped = order((container) => container.stop({ t: Math.ceil(graceUs / 1e6) })).then(() => exited);
      // A daemon that fails to stop it, or never answers, keeps nobody waiting.
      const exit = await withDeadline(
        hostClock,
        graceUs + stopWithinUs,
        stopped,
        () => new HarnessError('its container could not be stopped'),
      ).catch(failed);
      // Whatever is left is removed by the janitor.
      await made()
        ?.remove({ force: true, v: true })
        .catch(() => {});
      return exit;
    },
  };
}

/** Beyond the time that the process was given. */
const stopWithinUs = 15_000_000;

function failed(error: unknown): Exit {
  return { code: null, signal: null, atUs: monotonicUs(), failure: messageOf(error) };
}

const orders: Readonly<Record<FaultSignal, (container: Container) => Promise<unknown>>> = {
  SIGKILL: (container) => container.kill({ signal: 'SIGKILL' }),
  SIGSTOP: (container) => container.pause(),
  SIGCONT: (container) => container.unpause(),
};

/** `onMade` hears of it even if it cannot be started. */
async function makeAndStart(
  { name, image, spawn, ports, label, network }: Omit<ContainerOptions, 'origin'>,
  onMade: (container: Container) => void,
): Promise<void> {
  const { container: runtime } = await containerRuntime();
  const { GenericContainer } = await import('testcontainers');
  class Server extends GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      // By itself it would be published on every interface.
      this.hostConfig.PortBindings = Object.fromEntries(
        ports.map((port) => [`${port}/tcp`, [{ HostIp: '127.0.0.1', HostPort: String(port) }]]),
      );
      if (network !== undefined && network !== 'host')
        this.createOpts.NetworkingConfig = { EndpointsConfig: { [network]: { Aliases: [name] } } };
    }
    protected override async containerCreated(id: string): Promise<void> {
      onMade(runtime.getById(id));
    }
  }
  const [key, value] = label.split('=') as [string, string];
  const server = new Server(image)
    .withEntrypoint([spawn.command])
    .withCommand([...spawn.args])
    .withEnvironment(spawn.env)
    .withWorkingDir(spawn.cwd)
    .withBindMounts([{ source: spawn.cwd, target: spawn.cwd }])
    .withExposedPorts(...ports)
    .withLabels({ [key]: value, 'org.planebench.server': name })
    .withDefaultLogDriver()
    .withWaitStrategy(nothing);
  if (network !== undefined) server.withNetworkMode(network);
  const user = await userOf(runtime.dockerode);
  await (user === null ? server : server.withUser(user)).start();
}

/** The protocol is asked, by the supervisor. */
const nothing: WaitStrategy = {
  async waitUntilReady() {},
  withStartupTimeout: () => nothing,
  isStartupTimeoutSet: () => false,
  getStartupTimeout: () => 0,
};

/** Who writes into the shared folder: this user, so that it can be read and removed; null: root is that user already. */
async function userOf(dockerode: Daemon): Promise<string | null> {
  const { SecurityOptions } = (await dockerode.info()) as { SecurityOptions?: string[] };
  const isRootless = SecurityOptions?.some((option) => option.includes('rootless')) ?? false;
  return isRootless || !process.getuid || !process.getgid ? null : `${process.getuid()}:${process.getgid()}`;
}

/** What it writes from its latest start on, to either stream. */
async function listen(container: Container, startedAt: string, onText: (text: string) => void): Promise<void> {
  const { container: runtime } = await containerRuntime();
  const log = await runtime.logs(container, { since: Date.parse(startedAt) / 1000 });
  log.setEncoding('utf8').on('data', onText);
  log.on('error', () => {});
}

async function isOfContainer(pid: number, id: string): Promise<boolean> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  return groups.includes(id);
}

/** What ended by a signal has 128 more than its number (docker run, "exit status"); so has a JVM that heeded SIGTERM. */
function exitOf(status: number): Exit {
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0];
  return { code: signal ? null : status, signal: (signal as NodeJS.Signals) ?? null, atUs: monotonicUs() };
}

/** As the daemon counts it, of the whole container. */
async function readStats(container: Container): Promise<Usage | null> {
  const stats = await container.stats({ stream: false, 'one-shot': true }).catch(() => null);
  // Of one that has ended there are zeros, or nothing.
  if (!stats?.cpu_stats?.cpu_usage?.total_usage || stats.memory_stats?.usage === undefined) return null;
  const { cpu_stats, memory_stats, blkio_stats } = stats;
  const bytes = (op: string) =>
    (blkio_stats?.io_service_bytes_recursive ?? [])
      .filter((entry) => entry.op.toLowerCase() === op)
      .reduce((sum, { value }) => sum + value, 0);
  return {
    cpuUs: Math.round(cpu_stats.cpu_usage.total_usage / 1000),
    rssBytes: memory_stats.usage - (memory_stats.stats?.cache ?? memory_stats.stats?.inactive_file ?? 0),
    readBytes: bytes('read'),
    writeBytes: bytes('write'),
  };
}
