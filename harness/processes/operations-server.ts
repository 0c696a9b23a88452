/**
 * The door of a plane: its operations over HTTP on loopback, `POST /<operation>`, JSON in and out, answers of many
 * pages as NDJSON, one page a line. Any program that answers these can be a plane. Apart from who calls it
 * (endpoint.ts), so that a role that starts again need not load an HTTP client first.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Operation, Plane } from '../architecture.js';
import { HarnessError, messageOf } from '../errors.js';
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
