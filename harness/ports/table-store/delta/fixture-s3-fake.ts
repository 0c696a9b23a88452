/** As much of the S3 protocol as tables ask for, in memory, and what can go wrong with it, told request by request. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/**
 * What happens to a request: as it should; refused with a status before it did anything; done, but answered with a
 * status, or not at all; of an answer only the first half comes, or nothing, and the connection stays.
 */
export type Fate =
  | 'served'
  | { readonly refused: number }
  | { readonly doneBut: number | 'no answer' }
  | 'half'
  | 'silence';

export interface FakeS3 {
  readonly endpoint: string;
  /** By `/bucket/key`. */
  readonly objects: Map<string, { readonly body: Buffer; readonly id: string }>;
  /** `PUT`, `GET`, `HEAD`, `LIST`, `DELETE` of each request that came. */
  readonly asked: string[];
  /** Of the requests that come next; when there are no more, all are served. */
  readonly fates: Fate[];
  /** Requests that the user may not make. */
  readonly forbidden: Set<string>;
  /** Whether `If-None-Match: *` is obeyed. */
  isConditional: boolean;
  close(): Promise<void>;
}

const pageSize = 3;

export async function startFakeS3(): Promise<FakeS3> {
  const objects: FakeS3['objects'] = new Map();
  const asked: string[] = [];
  const fates: Fate[] = [];
  const forbidden = new Set<string>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, 'http://s3');
    const path = decodeURIComponent(pathname);
    const method = searchParams.has('list-type') ? 'LIST' : request.method!;
    asked.push(method);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const fate = fates.shift() ?? (forbidden.has(method) ? { refused: 403 } : 'served');
    if (fate === 'silence') return;
    if (typeof fate === 'object' && 'refused' in fate) return reply(response, fate.refused, errorBody(fate.refused));
    const [status, body, headers] = serve(method, path, searchParams, request.headers, Buffer.concat(chunks));
    if (fate === 'half') {
      response.writeHead(status, { ...headers, 'content-length': body.length });
      response.write(body.subarray(0, body.length / 2), () => response.destroy());
    } else if (fate === 'served') reply(response, status, body, headers);
    else if (fate.doneBut === 'no answer') response.destroy();
    else reply(response, fate.doneBut, errorBody(fate.doneBut));
  }

  function serve(
    method: string,
    path: string,
    query: URLSearchParams,
    headers: IncomingMessage['headers'],
    body: Buffer,
  ): [status: number, body: Buffer, headers?: Record<string, string>] {
    const object = objects.get(path);
    const isBucket = path.split('/').filter(Boolean).length === 1;
    switch (method) {
      case 'LIST':
        return [200, Buffer.from(list(path, query))];
      case 'PUT':
        if (object && fake.isConditional && headers['if-none-match'] === '*') return [412, errorBody(412)];
        objects.set(path, { body, id: String(headers['x-amz-meta-planebench-put'] ?? '') });
        return [200, Buffer.alloc(0)];
      case 'DELETE':
        objects.delete(path);
        return [204, Buffer.alloc(0)];
      default:
        if (isBucket) return [path.startsWith('/absent') ? 404 : 200, Buffer.alloc(0)];
        if (!object) return [404, method === 'HEAD' ? Buffer.alloc(0) : errorBody(404)];
        return [200, method === 'HEAD' ? Buffer.alloc(0) : object.body, { 'x-amz-meta-planebench-put': object.id }];
    }
  }

  function list(bucket: string, query: URLSearchParams): string {
    const root = `${bucket.replace(/\/$/, '')}/`;
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
    const entries = new Map<string, string>();
    for (const [path, { body }] of Array.from(objects).sort(([a], [b]) => (a < b ? -1 : 1))) {
      const key = path.slice(root.length);
      if (!path.startsWith(root + prefix)) continue;
      const slash = query.has('delimiter') ? key.indexOf('/', prefix.length) : -1;
      const entry = slash < 0 ? key : key.slice(0, slash + 1);
      if (entry <= after) continue;
      entries.set(
        entry,
        slash < 0
          ? `<Contents><Key>${key}</Key><Size>${body.length}</Size></Contents>`
          : `<CommonPrefixes><Prefix>${entry}</Prefix></CommonPrefixes>`,
      );
    }
    const page = Array.from(entries).slice(0, pageSize);
    const isTruncated = entries.size > pageSize;
    const token = isTruncated ? `<NextContinuationToken>${page.at(-1)![0]}</NextContinuationToken>` : '';
    return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${token}${page.map(([, xml]) => xml).join('')}</ListBucketResult>`;
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => response.destroy(error));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fake: FakeS3 = {
    endpoint: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    objects,
    asked,
    fates,
    forbidden,
    isConditional: true,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return fake;
}

const codes: Readonly<Record<number, string>> = {
  403: 'AccessDenied',
  404: 'NoSuchKey',
  412: 'PreconditionFailed',
  500: 'InternalError',
  501: 'NotImplemented',
  503: 'SlowDown',
};

function errorBody(status: number): Buffer {
  return Buffer.from(`<?xml version="1.0"?><Error><Code>${codes[status]}</Code><Message>as told</Message></Error>`);
}

function reply(response: ServerResponse, status: number, body: Buffer, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-length': body.length, ...headers }).end(body);
}
