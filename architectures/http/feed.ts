/** The change feed, on loopback: the change log and the files of history as plain JSON, for whoever can speak HTTP. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RoleContext } from '../../harness/architecture.js';
import { HarnessError, messageOf } from '../../harness/errors.js';
import { historySchemas } from '../../workloads/fact-schemas.js';
import { rememberedHistory } from './history-files.js';
import { plainChanges } from './plain-changes.js';

const blockBytes = 1 << 20;
const waitUs = 500_000;

/** Resolves with its address. */
export async function openFeed(context: RoleContext, port: number): Promise<string> {
  const { signal } = context;
  const server = createServer((request, response) => {
    const address = `http://feed${request.url}`;
    if (!URL.canParse(address)) return refuse(response, 400, `expected a path, found ${request.url}`);
    answer(context, new URL(address), response).catch((error: unknown) => refuse(response, 500, messageOf(error)));
  });
  server.keepAliveTimeout = 60_000;
  await listen(server, port);
  signal.addEventListener('abort', () => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new HarnessError(
          `cannot serve the change feed on 127.0.0.1:${port}: ${messageOf(error)}; choose another feedPort, or 0`,
        ),
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
}

async function answer(context: RoleContext, url: URL, response: ServerResponse): Promise<void> {
  switch (url.pathname) {
    case '/changes':
      return answerChanges(context, url, response);
    case '/history':
      return answerHistory(context, url, response);
    default:
      return refuse(response, 404, `there are /changes and /history, found ${url.pathname}`);
  }
}

/** Waits half a second for changes, if there are none yet. */
async function answerChanges(context: RoleContext, url: URL, response: ServerResponse): Promise<void> {
  const { ports, contract, clock, signal } = context;
  const partition = countOf(url, 'partition');
  const after = countOf(url, 'after');
  if (partition === null || partition >= contract.partitions || after === null) {
    const expected = `/changes?partition=P&after=OFFSET, P below ${contract.partitions}, OFFSET 0 or the last answer's next`;
    return refuse(response, 400, `expected ${expected}; found ${url.pathname}${url.search}`);
  }
  const limits = { maxBytes: blockBytes, maxWaitUs: waitUs, signal };
  const { entries, endOffset } = await ports.changeLog.read(contract.topic, partition, after, limits);
  const changes = entries.flatMap(plainChanges);
  const body = JSON.stringify({ next: after + entries.length, end: endOffset, nowUs: clock.nowUs(), changes });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** A fact a line. */
async function answerHistory({ ports }: RoleContext, url: URL, response: ServerResponse): Promise<void> {
  const table = url.searchParams.get('table') ?? '';
  const schema = Object.hasOwn(historySchemas, table) ? historySchemas[table as keyof typeof historySchemas] : null;
  if (schema === null) {
    const expected = `/history?table=${Object.keys(historySchemas).join('|')}`;
    return refuse(response, 400, `expected ${expected}; found ${url.pathname}${url.search}`);
  }
  const files = await rememberedHistory(ports.tables);
  if (files === null) return refuse(response, 404, 'there is no history before the first backfill');
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  for await (const { rows, columns } of ports.tables.readParquet(files[table as keyof typeof files], schema)) {
    const lines = Array.from({ length: rows }, (_, i) =>
      JSON.stringify(Object.fromEntries(schema.map(({ name }) => [name, columns[name]?.[i]]))),
    );
    if (!response.write(`${lines.join('\n')}\n`) && !(await drained(response))) return;
  }
  response.end();
}

function countOf(url: URL, name: string): number | null {
  const text = url.searchParams.get(name);
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** False: the reader went away. */
async function drained(response: ServerResponse): Promise<boolean> {
  if (response.destroyed) return false;
  const left = new AbortController();
  const { signal } = left;
  try {
    return await Promise.race([
      once(response, 'drain', { signal }).then(() => true),
      once(response, 'close', { signal }).then(() => false),
    ]);
  } finally {
    left.abort();
  }
}

function refuse(response: ServerResponse, status: number, error: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error }));
}
