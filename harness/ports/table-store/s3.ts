/** Tables in a bucket of an S3 server, shared by whoever may write to it. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../clock.js';
import type { ObjectStore } from './delta/object-store.js';
import type { S3Credentials } from './delta/s3-client.js';
import { deltaTableStore } from './delta-table-store.js';
import type { CountRequest } from './object-requests.js';
import type { TableStore } from './port.js';

/** Plain data, without a secret. */
export interface S3Tables {
  /** With scheme and port. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Of the keys of all tables: empty, or with a slash at its end. */
  readonly prefix: string;
  /** JSON that only this user may read: `accessKeyId` and `secretAccessKey`. */
  readonly credentialsFile: string;
  /** A local folder for files on their way, and for copies of those that were read. */
  readonly cacheDirectory: string;
}

/** Copies of one process. */
const usualKeptBytes = 512 * 2 ** 20;

interface S3TableStoreOptions {
  readonly tables: S3Tables;
  readonly clock: Clock;
  /** Of DuckDB; more than one takes processor time from the other roles of the host. */
  readonly threads?: number;
  readonly keptBytes?: number;
  /** Of each request that is really sent: attempts and pages count, copies that are at hand do not. */
  readonly onRequest?: CountRequest;
}

export function openS3TableStore(options: S3TableStoreOptions): TableStore {
  const { objects, close } = connectedAtFirstUse(options);
  const store = deltaTableStore({ objects, clock: options.clock, threads: options.threads ?? 1 });
  return {
    ...store,
    async close() {
      await store.close();
      await close();
    },
  };
}

export function readCredentials({ credentialsFile }: S3Tables): () => Promise<S3Credentials> {
  return async () => JSON.parse(await readFile(credentialsFile, 'utf8')) as S3Credentials;
}

/** Amazon's client takes half a second of processor time to load, which roles on other stacks need not spend. */
function connectedAtFirstUse({ tables, keptBytes = usualKeptBytes, onRequest }: S3TableStoreOptions): {
  readonly objects: ObjectStore;
  close(): Promise<void>;
} {
  const connect = async () => {
    const [{ connectS3 }, { s3Objects }] = await Promise.all([
      import('./delta/s3-client.js'),
      import('./delta/s3-objects.js'),
    ]);
    const server = { ...tables, credentials: readCredentials(tables) };
    const connection = connectS3(server, onRequest ? { count: onRequest } : {});
    const objects = s3Objects(connection, tables, { directory: tables.cacheDirectory, keptBytes });
    return { connection, objects };
  };
  let connecting: ReturnType<typeof connect> | undefined;
  const connected = async () => {
    connecting ??= connect();
    return (await connecting).objects;
  };
  return {
    objects: {
      putIfAbsent: async (path, text) => (await connected()).putIfAbsent(path, text),
      put: async (path, text) => (await connected()).put(path, text),
      get: async (path) => (await connected()).get(path),
      list: async (folder, from) => (await connected()).list(folder, from),
      folders: async (path) => (await connected()).folders(path),
      delete: async (path) => (await connected()).delete(path),
      stage: async () => (await connected()).stage(),
      publish: async (staged, path) => (await connected()).publish(staged, path),
      discard: async (staged) => (await connected()).discard(staged),
      localFiles: async (paths, reading) => (await connected()).localFiles(paths, reading),
      release(reading) {
        // Whoever has local files is connected.
        void connecting?.then(({ objects }) => objects.release(reading));
      },
    },
    async close() {
      if (!connecting) return;
      const { connection, objects } = await connecting;
      objects.forgetCopies();
      connection.close();
    },
  };
}
