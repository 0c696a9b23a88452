/** A client of one S3 server: how often and how long it tries, and what is told of each request that is really sent. */
import { ListBucketsCommand, type PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { messageOf } from '../../../errors.js';
import type { CountRequest, RequestKind } from '../object-requests.js';

export interface S3Server {
  /** With scheme and port. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: S3Credentials | (() => Promise<S3Credentials>);
  readonly pathStyle?: boolean;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Connection {
  readonly client: S3Client;
  /** Sends a put, and remembers of its error whether one of the attempts may have taken effect all the same. */
  put(command: PutObjectCommand): Promise<void>;
  mayHaveHappened(error: unknown): boolean;
  close(): void;
}

// Its version is pinned: what later ones will ask of Node would only fill every role's stderr.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** With the pauses between them, about a second where nobody is there: planes have pauses of their own. */
const usualAttempts = 4;
const connectMs = 2_000;
/** Nothing goes or comes for so long: what a server that stands still looks like. However long the whole takes. */
const silenceMs = 5_000;

const kinds: Readonly<Record<string, RequestKind>> = {
  PutObjectCommand: 'put',
  GetObjectCommand: 'get',
  HeadObjectCommand: 'get',
  ListObjectsV2Command: 'list',
  DeleteObjectCommand: 'delete',
};

export function connectS3(
  { endpoint, region, credentials, pathStyle = true }: S3Server,
  { count = () => {}, attempts = usualAttempts }: { readonly count?: CountRequest; readonly attempts?: number } = {},
): S3Connection {
  const client = new S3Client({
    endpoint,
    region,
    credentials,
    forcePathStyle: pathStyle,
    maxAttempts: attempts,
    retryMode: 'standard',
    // Servers other than Amazon's need not know its newer checksums; lengths and signatures cover what is sent.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: silenceMs,
    },
  });
  // Inside the retries: once for each attempt.
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const kind = kinds[String(context.commandName)];
      try {
        const answer = await next(args);
        if (kind) count(kind, kind === 'put' ? lengthOf(args.request) : lengthOf(answer.response));
        return answer;
      } catch (error) {
        if (kind && !neverConnected(error)) count(kind, kind === 'put' ? lengthOf(args.request) : 0);
        throw error;
      }
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  const uncertain = new WeakSet<object>();
  return {
    client,
    async put(command) {
      let isUncertain = false;
      command.middlewareStack.add(
        (next) => (args) =>
          next(args).catch((error) => {
            isUncertain ||= !certainlyRefused(error);
            throw error;
          }),
        { step: 'finalizeRequest', priority: 'low' },
      );
      try {
        await client.send(command);
      } catch (error) {
        if (isUncertain) uncertain.add(error as object);
        throw error;
      }
    },
    mayHaveHappened: (error) => uncertain.has(error as object),
    close: () => client.destroy(),
  };
}

/** Whether the server answers to these credentials. */
export async function listsBuckets(server: S3Server): Promise<boolean> {
  const { client, close } = connectS3(server, { attempts: 1 });
  try {
    await client.send(new ListBucketsCommand({}));
    return true;
  } catch {
    return false;
  } finally {
    close();
  }
}

function lengthOf(message: unknown): number {
  const headers = (message as { headers?: Record<string, string> } | undefined)?.headers ?? {};
  return Number(headers['content-length'] ?? 0);
}

/** Nothing was sent. */
function neverConnected(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EHOSTUNREACH';
}

/** Servers say 5xx also of what they then go on with, but for 501: they do not know how. */
function certainlyRefused(error: unknown): boolean {
  const status = statusOf(error);
  return neverConnected(error) || status === 501 || (status !== undefined && status >= 400 && status < 500);
}

export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

/** In the words of the server, or of the connection: an AggregateError of both address families says nothing itself. */
export function describeS3Error(error: unknown): string {
  const status = statusOf(error);
  const attempts = (error as { $metadata?: { attempts?: number } }).$metadata?.attempts ?? 1;
  const { code } = error as NodeJS.ErrnoException;
  const text = messageOf(error) || code || 'no answer';
  const name = error instanceof Error && status !== undefined ? `${status} ${error.name}: ` : '';
  return `${name}${text}${attempts > 1 ? ` (after ${attempts} attempts)` : ''}`;
}
