/**
 * Wires between clients and servers, each through a proxy of its own, so that one role can be cut off from one server.
 * A proxy stands in every link of every arm, or in none: it costs each call a few hundredths of a millisecond.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { type ICreateToxicBody, type Toxic, Toxiproxy } from 'toxiproxy-node-client';
import { hostClock, monotonicUs, withDeadline } from '../clock.js';
import { HarnessError, messageOf, UsageError } from '../errors.js';
import { apiOf } from './toxiproxy.js';

/** A client, or a group of them that share a fate, and a server at a port of this machine. */
export interface Wire {
  readonly client: string;
  readonly server: string;
  readonly port: number;
}

export interface Link extends Wire {
  /** Where the client finds the server. */
  readonly proxyPort: number;
}

export type WireFault =
  /** Answers come later, by so much and up to `jitterUs` more or less. */
  | { readonly kind: 'latency'; readonly latencyUs: number; readonly jitterUs: number }
  /** Of each direction. */
  | { readonly kind: 'bandwidth'; readonly bytesPerSecond: number }
  /** No answer comes, and so much later the connection is closed, however much is sent over it. */
  | { readonly kind: 'timeout'; readonly afterUs: number }
  /** The connection is reset as soon as something is sent over it. */
  | { readonly kind: 'reset' }
  /** Ends of connections arrive late. */
  | { readonly kind: 'slow close'; readonly delayUs: number }
  /** Nothing gets through either way and nobody is told. Connections of that time end when it is healed. */
  | { readonly kind: 'partition' };

export interface InjuredWires {
  readonly on: readonly Link[];
  /** The wires are as they were when it resolves. Safe to repeat. */
  heal(): Promise<void>;
  /** How long the end of a connection takes to arrive over one of them. */
  timeAnEnd(): Promise<{ readonly link: Link; readonly tookUs: number }>;
}

export interface Links {
  readonly links: readonly Link[];
  /** Where this client finds this server. */
  portOf(client: string, server: string): number;
  /** On every link of the client, of the server, or of both, but none of `except`; in place when it resolves. */
  inject(
    fault: WireFault,
    on: { readonly client?: string; readonly server?: string; readonly except?: string },
  ): Promise<InjuredWires>;
}

/** Of a Toxiproxy whose API is at this port. */
export async function openLinks(apiPort: number, wires: readonly Wire[]): Promise<Links> {
  const toxiproxy = new Toxiproxy(apiOf(apiPort));
  const asked = async <T>(what: string, request: () => Promise<T>): Promise<T> => {
    try {
      return await request();
    } catch (error) {
      throw new HarnessError(`Toxiproxy at 127.0.0.1:${apiPort}: ${what}: ${messageOf(error)}`, { cause: error });
    }
  };
  const opened = await Promise.all(
    wires.map(async (wire) => {
      const { client, server, port } = wire;
      // Of several servers of a name each has links of its own.
      const name = `${client} to ${server} at ${port}`;
      const body = { name, listen: '127.0.0.1:0', upstream: `127.0.0.1:${port}`, enabled: true };
      const proxy = await asked(`no proxy for ${name}`, () => toxiproxy.createProxy(body));
      const link: Link = { ...wire, proxyPort: Number(proxy.listen.split(':').at(-1)) };
      return { link, proxy };
    }),
  );
  let injections = 0;
  return {
    links: opened.map(({ link }) => link),
    portOf(client, server) {
      const found = opened.find(({ link }) => link.client === client && link.server === server);
      if (!found) throw new UsageError(`There is no link from ${client} to ${server}; ${listOf(wires)}.`);
      return found.link.proxyPort;
    },
    async inject(fault, { client, server, except }) {
      const struck = opened.filter(
        ({ link }) =>
          (client ?? link.client) === link.client && (server ?? link.server) === link.server && link.client !== except,
      );
      if (struck.length === 0)
        throw new UsageError(`No link is from ${client ?? 'anybody'} to ${server ?? 'anything'}; ${listOf(wires)}.`);
      const placed: Toxic<unknown>[] = [];
      const number = ++injections;
      const heal = async () => {
        for (let toxic = placed.at(-1); toxic !== undefined; toxic = placed.at(-1)) {
          await asked(`${fault.kind} was not taken off`, () => (toxic as Toxic<unknown>).remove());
          placed.pop();
        }
      };
      try {
        for (const { proxy } of struck) {
          for (const body of toxicsOf(fault, number)) {
            placed.push(await asked(`${fault.kind} was not put on ${proxy.name}`, () => proxy.addToxic(body)));
          }
        }
      } catch (error) {
        await heal();
        throw error;
      }
      const on = struck.map(({ link }) => link);
      return {
        on,
        heal,
        async timeAnEnd() {
          const [link] = on as [Link];
          return { link, tookUs: await timeEndOfConnection(link.proxyPort) };
        },
      };
    },
  };
}

const listOf = (wires: readonly Wire[]): string =>
  `there are ${wires.map(({ client, server }) => `${client} to ${server}`).join(', ') || 'none'}`;

/** Longer than any fault of a suite lasts. */
const endsWithinUs = 60_000_000;

async function timeEndOfConnection(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const sinceUs = monotonicUs();
  socket.resume().end();
  const late = () => new HarnessError(`a connection was not ended within ${endsWithinUs / 1e6} s of being closed`);
  try {
    await withDeadline(hostClock, endsWithinUs, once(socket, 'close'), late);
  } finally {
    socket.destroy();
  }
  return monotonicUs() - sinceUs;
}

const directions = ['upstream', 'downstream'] as const;
const msOf = (us: number) => Math.round(us / 1000);

/** As Toxiproxy has them, in milliseconds and kilobytes a second; of a name for each link, injection and direction. */
function toxicsOf(fault: WireFault, number: number): ICreateToxicBody<unknown>[] {
  const toxic = (
    type: ICreateToxicBody<unknown>['type'],
    attributes: unknown,
    streams: readonly (typeof directions)[number][] = ['downstream'],
  ) => streams.map((stream) => ({ name: `${fault.kind} ${number} ${stream}`, type, stream, toxicity: 1, attributes }));
  switch (fault.kind) {
    case 'latency':
      return toxic('latency', { latency: msOf(fault.latencyUs), jitter: msOf(fault.jitterUs) });
    case 'bandwidth':
      return toxic('bandwidth', { rate: Math.max(1, Math.round(fault.bytesPerSecond / 1024)) }, directions);
    case 'timeout':
      // `timeout` would count anew from each chunk, and never end a connection that is in use; this keeps back the first one,
      // and is not taken off before it has ended what it met.
      return toxic('reset_peer', { timeout: Math.max(1, msOf(fault.afterUs)) });
    case 'reset':
      return toxic('reset_peer', { timeout: 0 }, directions);
    case 'slow close':
      return toxic('slow_close', { delay: msOf(fault.delayUs) });
    case 'partition':
      return toxic('timeout', { timeout: 0 }, directions);
  }
}
