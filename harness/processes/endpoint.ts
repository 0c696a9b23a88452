/**
 * The door of a plane: its operations over HTTP on loopback, `POST /<operation>`, JSON in and out, answers of many
 * pages as NDJSON, one page a line. Any program that answers these can be a plane.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import type { Operation, Plane } from '../architecture.js';
import { CallError, HarnessError, messageOf } from '../errors.js';
import { onBehalfOf, probeHeader } from './request.js';

const requestBytes = 8 << 20;
const paged: ReadonlySet<Operation> = new Set<Operation>(['exportChanges', 'quarantine', 'scoredRows', 'trainingRows']);

/** What one role answers; `port` 0 takes a free one. */
export async function serveOperations(
  operations: Partial<Plane>,
  options: { readonly port: number; readonly signal: AbortSignal },
): Promise<number> {
  const server = createServer((request, response) => {
    answer(operations, request, response).catch((error: unknown) => refuse(response, 500, error));
  });
  server.keepAliveTimeout = 60_000;
  await listen(server, options.port);
  options.signal.addEventListener('abort', () => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new HarnessError(`cannot serve on 127.0.0.1:${port}: ${messageOf(error)}`, { cause: error })),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
}

async function answer(operations: Partial<Plane>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const operation = (request.url ?? '').slice(1) as Operation;
  const serve = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
  if (request.method !== 'POST' || !serve) return refuse(response, 404, `no operation ${request.method} /${operation}`);
  const argument = await readJson(request);
  const call = serve as (argument: unknown) => unknown;
  const answered = onBehalfOf(request.headers[probeHeader] === '1', () => call.call(operations, argument));
  if (paged.has(operation)) {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for await (const page of answered as AsyncIterable<unknown>) {
      if (!response.write(`${JSON.stringify(page)}\n`)) await drained(response);
    }
    response.end('null\n'); // the last line: an answer that was cut short is no answer
    return;
  }
  const body = JSON.stringify((await answered) ?? null);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function refuse(response: ServerResponse, status: number, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: messageOf(error) }));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > requestBytes) throw new Error(`request body exceeds ${requestBytes} bytes`);
    chunks.push(chunk);
  }
  return bytes === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

const drained = (response: ServerResponse) =>
  new Promise<void>((resolve, reject) => {
    response.once('drain', resolve);
    response.once('close', () => reject(new Error('the reader went away')));
  });

/** Which port answers which operation. */
export type Routes = Readonly<Partial<Record<Operation, number>>>;

export interface CallOptions {
  readonly timeoutUs: number;
  readonly probe?: boolean;
}

/** The plane as the harness calls it: the same operations, through the door. */
export interface PlaneClient {
  offers(operation: Operation): boolean;
  call<T>(operation: Operation, argument: unknown, options: CallOptions): Promise<T>;
  pages<T>(operation: Operation, argument: unknown, options: CallOptions): AsyncIterable<T>;
  close(): Promise<void>;
}

export function connectPlane(routes: Routes): PlaneClient {
  const pools = new Map<number, Pool>();
  const poolOf = (operation: Operation): Pool => {
    const port = routes[operation];
    if (port === undefined) throw new CallError('failed', `the plane does not offer ${operation}`);
    let pool = pools.get(port);
    if (!pool) {
      pool = new Pool(`http://127.0.0.1:${port}`, {
        connections: 128,
        pipelining: 1,
        bodyTimeout: 0,
        headersTimeout: 0,
      });
      pools.set(port, pool);
    }
    return pool;
  };
  const post = (operation: Operation, argument: unknown, options: CallOptions) =>
    poolOf(operation).request({
      path: `/${operation}`,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(options.probe ? { [probeHeader]: '1' } : {}) },
      body: argument === undefined ? null : JSON.stringify(argument),
      signal: AbortSignal.timeout(Math.ceil(options.timeoutUs / 1000)),
    });
  return {
    offers: (operation) => routes[operation] !== undefined,
    async call<T>(operation: Operation, argument: unknown, options: CallOptions): Promise<T> {
      try {
        const { statusCode, body } = await post(operation, argument, options);
        if (statusCode !== 200) throw new CallError('failed', `${operation}: ${errorOf(await body.text())}`);
        return (await body.json()) as T;
      } catch (error) {
        throw asCallError(operation, error);
      }
    },
    async *pages<T>(operation: Operation, argument: unknown, options: CallOptions): AsyncIterable<T> {
      try {
        const { statusCode, body } = await post(operation, argument, options);
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
      }
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

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
