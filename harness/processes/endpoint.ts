/** The plane as the harness calls it: its operations at the doors of its roles (operations-server.ts). */
import { Pool } from 'undici';
import type { Operation } from '../architecture.js';
import { hostClock, timeLimit, withDeadline } from '../clock.js';
import { CallError, messageOf } from '../errors.js';
import { probeHeader } from './request.js';

/** Which port answers which operation. */
export type Routes = Readonly<Partial<Record<Operation, number>>>;

export interface CallOptions {
  readonly timeoutUs: number;
  readonly probe?: boolean;
}

export interface PlaneClient {
  offers(operation: Operation): boolean;
  call<T>(operation: Operation, argument: unknown, options: CallOptions): Promise<T>;
  pages<T>(operation: Operation, argument: unknown, options: CallOptions): AsyncIterable<T>;
  close(): Promise<void>;
}

/**
 * So many calls may be under way at a door; the others wait here, where one that nobody waits for any more is left out. In
 * the client's own queue it would be sent all the same, to be broken off with its connection: under too much load nearly
 * every call then costs a new connection, and what was a moment's backlog never ends.
 */
const mostUnderWay = 128;
/**
 * A call that was given up is not broken off: its connection is good for others once the answer has come. If none comes for
 * so many time-outs, none will.
 */
const timeoutsUntilBroken = 2;

interface Door {
  readonly pool: Pool;
  /** What `work` answers, in turn; never settles if the call was given up before its turn came. */
  inTurn<T>(call: Call, work: () => Promise<T>): Promise<T>;
}

interface Call {
  isGivenUp: boolean;
}

function openDoor(port: number): Door {
  const pool = new Pool(`http://127.0.0.1:${port}`, {
    connections: mostUnderWay,
    pipelining: 1,
    bodyTimeout: 0,
    headersTimeout: 0,
  });
  let waiting: { readonly call: Call; readonly begin: () => void }[] = [];
  let begun = 0;
  let underWay = 0;

  /** The turn goes to the next that still wants it. */
  function passOn(): void {
    while (begun < waiting.length) {
      const { call, begin } = waiting[begun++] as (typeof waiting)[number];
      if (call.isGivenUp) continue;
      begin();
      return;
    }
    waiting = [];
    begun = 0;
    underWay--;
  }

  return {
    pool,
    async inTurn(call, work) {
      if (underWay < mostUnderWay) underWay++;
      else await new Promise<void>((begin) => waiting.push({ call, begin }));
      try {
        return await work();
      } finally {
        passOn();
      }
    },
  };
}

export function connectPlane(routes: Routes): PlaneClient {
  const doors = new Map<number, Door>();
  const doorOf = (operation: Operation): Door => {
    const port = routes[operation];
    if (port === undefined) throw new CallError('failed', `the plane does not offer ${operation}`);
    const door = doors.get(port) ?? openDoor(port);
    doors.set(port, door);
    return door;
  };
  const post = (operation: Operation, argument: unknown, options: CallOptions, until: Until) =>
    doorOf(operation).pool.request({
      path: `/${operation}`,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(options.probe ? { [probeHeader]: '1' } : {}) },
      body: argument === undefined ? null : JSON.stringify(argument),
      ...until,
    });
  return {
    offers: (operation) => routes[operation] !== undefined,
    async call<T>(operation: Operation, argument: unknown, options: CallOptions): Promise<T> {
      const call: Call = { isGivenUp: false };
      const brokenAfterMs = Math.ceil((timeoutsUntilBroken * options.timeoutUs) / 1000);
      const until = { headersTimeout: brokenAfterMs, bodyTimeout: brokenAfterMs };
      try {
        const answer = doorOf(operation).inTurn(call, async () => {
          const { statusCode, body } = await post(operation, argument, options, until);
          if (statusCode !== 200) throw new CallError('failed', `${operation}: ${errorOf(await body.text())}`);
          return (await body.json()) as T;
        });
        answer.catch(() => {}); // of one that was given up nobody hears
        return await withDeadline(hostClock, options.timeoutUs, answer, () => {
          call.isGivenUp = true;
          return new DOMException(`no answer within ${options.timeoutUs / 1000} ms`, 'TimeoutError');
        });
      } catch (error) {
        throw asCallError(operation, error);
      }
    },
    async *pages<T>(operation: Operation, argument: unknown, options: CallOptions): AsyncIterable<T> {
      const { signal, clear } = timeLimit(hostClock, options.timeoutUs);
      try {
        const { statusCode, body } = await post(operation, argument, options, { signal });
        if (statusCode !== 200) throw new CallError('failed', `${operation}: ${errorOf(await body.text())}`);
        let complete = false;
        for await (const line of linesOf(body)) {
          if (complete) throw new CallError('failed', `${operation}: a line after the last one`);
          if (line === 'null') complete = true;
          else yield JSON.parse(line) as T;
        }
        if (!complete) throw new CallError('indeterminate', `${operation}: the answer was cut short`);
      } catch (error) {
        throw asCallError(operation, error);
      } finally {
        clear();
      }
    },
    async close() {
      await Promise.all([...doors.values()].map(({ pool }) => pool.destroy()));
    },
  };
}

/** When a call is broken off, with its connection. */
type Until = { readonly signal: AbortSignal } | { readonly headersTimeout: number; readonly bodyTimeout: number };

async function* linesOf(body: AsyncIterable<Buffer>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest) yield rest;
}

function errorOf(body: string): string {
  try {
    return String((JSON.parse(body) as { error: unknown }).error);
  } catch {
    return body.slice(0, 200);
  }
}

/** True for calls that found no answer in time: they count as at least the time-out. */
export function isTimeout(error: unknown): boolean {
  const cause = error instanceof CallError ? error.cause : error;
  return cause instanceof Error && cause.name === 'TimeoutError';
}

function asCallError(operation: Operation, error: unknown): CallError {
  if (error instanceof CallError) return error;
  return new CallError('indeterminate', `${operation}: ${messageOf(error)}`, { cause: error });
}
