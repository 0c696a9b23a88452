/** The plane as the harness calls it: its operations at the doors of its roles (operations-server.ts). */
import { createRequire } from 'node:module';
import type { Pool } from 'undici';
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
 * A call that is due is sent, however many are under way: beyond so many connections nobody is served in time anyway. With few
 * of them calls would wait here instead of at the plane, and calls that hang would take the place of those that do not.
 */
const mostConnections = 4_096;
/**
 * A call that was given up is not broken off at once: its connection is good for others when the answer has come. Under too much
 * load nearly every call would else cost a new connection, and what was a moment's backlog would never end. If no answer comes
 * for so many time-outs, none will.
 */
const timeoutsUntilBroken = 2;

const load = createRequire(import.meta.url);

export function connectPlane(routes: Routes): PlaneClient {
  // Not with this module: it takes a sixth of a second, and those who simulate planes call none.
  const undici = load('undici') as typeof import('undici');
  const pools = new Map<number, Pool>();
  const poolOf = (operation: Operation): Pool => {
    const port = routes[operation];
    if (port === undefined) throw new CallError('failed', `the plane does not offer ${operation}`);
    const pool =
      pools.get(port) ??
      new undici.Pool(`http://127.0.0.1:${port}`, {
        connections: mostConnections,
        pipelining: 1,
        bodyTimeout: 0,
        headersTimeout: 0,
      });
    pools.set(port, pool);
    return pool;
  };
  const post = (operation: Operation, argument: unknown, options: CallOptions, until: Until) =>
    poolOf(operation).request({
      path: `/${operation}`,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(options.probe ? { [probeHeader]: '1' } : {}) },
      body: argument === undefined ? null : JSON.stringify(argument),
      ...until,
    });
  return {
    offers: (operation) => routes[operation] !== undefined,
    async call<T>(operation: Operation, argument: unknown, options: CallOptions): Promise<T> {
      const brokenAfterMs = Math.ceil((timeoutsUntilBroken * options.timeoutUs) / 1000);
      const ask = async () => {
        const until = { headersTimeout: brokenAfterMs, bodyTimeout: brokenAfterMs };
        const { statusCode, body } = await post(operation, argument, options, until);
        if (statusCode !== 200) throw new CallError('failed', `${operation}: ${errorOf(await body.text())}`);
        return (await body.json()) as T;
      };
      try {
        const answer = ask();
        answer.catch(() => {}); // of one that was given up nobody hears
        return await withDeadline(
          hostClock,
          options.timeoutUs,
          answer,
          () => new DOMException(`no answer within ${options.timeoutUs / 1000} ms`, 'TimeoutError'),
        );
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
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
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
  // Nothing was sent where nobody listens.
  const outcome = (error as { code?: unknown }).code === 'ECONNREFUSED' ? 'failed' : 'indeterminate';
  return new CallError(outcome, `${operation}: ${messageOf(error)}`, { cause: error });
}
