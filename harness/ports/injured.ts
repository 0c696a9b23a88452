/** Ports that can be hurt while a process uses them: what the network, the disk or a sick server would do to its calls. */
import type { Clock } from '../clock.js';
import { CallError } from '../errors.js';
import type { Random } from '../random.js';
import type { ReadLimits } from './change-log/port.js';
import { type PortName, type Ports, portNames, streams } from './ports.js';

export type PortInjury =
  /** Every call takes so much longer, and up to `jitterUs` more. */
  | { readonly kind: 'slow'; readonly latencyUs: number; readonly jitterUs: number }
  /** So many calls in a million fail: half of them before they have had any effect, half of them after. */
  | { readonly kind: 'failing'; readonly errorPpm: number }
  /** No call that needs room succeeds. */
  | { readonly kind: 'full' }
  /** No call succeeds. */
  | { readonly kind: 'down' }
  /**
   * Nothing is done here: the wire is hurt, of one role or of all, from `fromUs` on. A call of theirs that then fails, or
   * has no answer for `slowUs`, has met it, whenever it was made; of those that compute, see `computing`.
   */
  | { readonly kind: 'outside'; readonly fromUs: number; readonly slowUs: number; readonly role?: string };

export interface InjuredPort {
  readonly id: number;
  readonly port: PortName;
  readonly injury: PortInjury;
}

export interface Injurable {
  readonly ports: Ports;
  /** From now on these and no others. */
  suffer(injuries: readonly InjuredPort[]): void;
}

/** What takes room where it is stored; to delete frees some. */
const roomTaking: Readonly<Record<PortName, ReadonlySet<string>>> = {
  changeLog: new Set(['createTopic', 'append', 'commit']),
  onlineStore: new Set(['put']),
  tables: new Set([
    'create',
    'evolve',
    'append',
    'upsert',
    'remove',
    'fold',
    'derive',
    'compact',
    'tier',
    'pin',
    'unpin',
    'restore',
  ]),
  warehouse: new Set(['createTable', 'stage', 'merge', 'copy', 'refresh', 'insert']),
};
/**
 * Calls that compute, between requests that they send or send none: slow is what takes twice as long as the longest of its
 * operation did before, and a failure is the wire's only where it is in doubt or a connection broke, not a commit that lost.
 */
const computing: ReadonlySet<PortName> = new Set(['tables', 'warehouse']);
/** Of a connection that could not be made or was lost (errno(3)), or on which nothing came. */
const ofConnection = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|TimeoutError)/;
/** Every client has given up before. */
const longestCallUs = 15_000_000;
/** A refusal takes a moment too: who tries again at once must not spin. */
const refusalUs = 1_000;

type Call = (...args: unknown[]) => unknown;

/** `onStruck` hears of every call that was hurt. */
export function injurePorts(
  ports: Ports,
  options: {
    readonly clock: Clock;
    readonly random: Random;
    readonly onStruck: (injured: InjuredPort, operation: string) => void;
  },
): Injurable {
  const { clock, random, onStruck } = options;
  const active: Record<PortName, readonly InjuredPort[]> = {
    changeLog: [],
    onlineStore: [],
    tables: [],
    warehouse: [],
  };

  /** What is done to a call: throws, or tells whether its answer is to be lost. */
  async function hurt(name: PortName, operation: string): Promise<boolean> {
    let loseAnswer = false;
    for (const injured of active[name]) {
      const { injury } = injured;
      const refuse = async (why: string): Promise<never> => {
        onStruck(injured, operation);
        await clock.sleep(refusalUs);
        throw new CallError('failed', `${name}.${operation}: ${why}`);
      };
      switch (injury.kind) {
        case 'slow':
          onStruck(injured, operation);
          await clock.sleep(injury.latencyUs + (injury.jitterUs > 0 ? random.below(injury.jitterUs) : 0));
          break;
        case 'failing': {
          if (random.below(1_000_000) >= injury.errorPpm) break;
          if (random.below(2) === 0) await refuse('the request was refused');
          onStruck(injured, operation);
          loseAnswer = true;
          break;
        }
        case 'full':
          if (roomTaking[name].has(operation)) await refuse('no space left on device');
          break;
        case 'down':
          await refuse('nobody answers');
          break;
        case 'outside':
          break;
      }
    }
    return loseAnswer;
  }

  /** Of calls that compute, by operation: the longest that was over before the wire was hurt. */
  const longestUs = new Map<string, number>();

  /** Tells of calls that meet what is done elsewhere; of one that is never answered too. */
  async function watch<T>(name: PortName, operation: string, call: () => Promise<T>, waitsUs = 0): Promise<T> {
    const madeUs = clock.nowUs();
    const computes = computing.has(name);
    const usualUs = computes ? longestUs.get(`${name}.${operation}`) : 0;
    const lookouts = active[name];
    const watchers = active[name].flatMap((injured) => {
      const { injury } = injured;
      return injury.kind === 'outside' && injury.fromUs - madeUs < longestCallUs ? [{ injured, injury }] : [];
    });
    const timers =
      usualUs === undefined
        ? []
        : watchers.map(({ injured, injury: { fromUs, slowUs } }) =>
            clock.after(Math.max(0, fromUs - madeUs) + waitsUs + Math.max(slowUs, 2 * usualUs), () =>
              onStruck(injured, operation),
            ),
          );
    try {
      const answer = await call();
      const doneUs = clock.nowUs();
      if (computes && lookouts.every(({ injury }) => injury.kind !== 'outside' || doneUs < injury.fromUs))
        longestUs.set(`${name}.${operation}`, Math.max(usualUs ?? 0, doneUs - madeUs));
      return answer;
    } catch (error) {
      const failedUs = clock.nowUs();
      if (computes && !isOfWire(error)) throw error;
      for (const { injured, injury } of watchers) if (failedUs >= injury.fromUs) onStruck(injured, operation);
      throw error;
    } finally {
      for (const cancel of timers) cancel();
    }
  }

  function wrap(name: PortName, operation: string, call: Call, port: object): Call {
    if (operation === 'close') return (...args) => call.apply(port, args);
    if (streams.has(`${name}.${operation}`)) {
      return (...args) => {
        const open = () => call.apply(port, args) as AsyncIterable<unknown>;
        return active[name].length === 0 ? open() : hurtPages(name, operation, open);
      };
    }
    return (...args) =>
      active[name].length === 0 ? call.apply(port, args) : hurtCall(name, operation, call, port, args);
  }

  async function hurtCall(name: PortName, operation: string, call: Call, port: object, args: unknown[]) {
    const loseAnswer = await hurt(name, operation);
    const answer = await watch(name, operation, async () => call.apply(port, args), waitOf(name, operation, args));
    if (loseAnswer) throw new CallError('indeterminate', `${name}.${operation}: the connection was lost`);
    return answer;
  }

  /** For so long a read of the log waits for changes, as it was asked to. */
  function waitOf(name: PortName, operation: string, args: readonly unknown[]): number {
    if (name !== 'changeLog' || operation !== 'read') return 0;
    return (args[3] as ReadLimits | undefined)?.maxWaitUs ?? 0;
  }

  /** A stream is a read: whether it was refused or its answer lost is the same. */
  async function* hurtPages(name: PortName, operation: string, open: () => AsyncIterable<unknown>) {
    if (await hurt(name, operation)) throw new CallError('failed', `${name}.${operation}: the connection was lost`);
    const pages = open()[Symbol.asyncIterator]();
    const next = () => watch(name, operation, () => pages.next());
    try {
      for (let page = await next(); !page.done; page = await next()) yield page.value;
    } finally {
      await pages.return?.();
    }
  }

  const injured = {} as Record<PortName, unknown>;
  for (const name of portNames) {
    // Opened at its first use, like the port that it wraps.
    Object.defineProperty(injured, name, {
      configurable: true,
      enumerable: true,
      get() {
        const port = ports[name];
        const value = Object.fromEntries(
          Object.entries(port).map(([operation, call]) => [operation, wrap(name, operation, call as Call, port)]),
        );
        Object.defineProperty(injured, name, { value });
        return value;
      },
    });
  }
  return {
    ports: injured as unknown as Ports,
    suffer(injuries) {
      for (const name of portNames) active[name] = injuries.filter(({ port }) => port === name);
    },
  };
}

function isOfWire(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (cause instanceof CallError && cause.outcome === 'indeterminate') return true;
    if (ofConnection.test(code) || ofConnection.test(cause.name)) return true;
  }
  return false;
}
