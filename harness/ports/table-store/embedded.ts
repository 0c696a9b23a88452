/** Tables on the local disk, shared by the processes of a host. */
import type { Clock } from '../../clock.js';
import { localObjects } from './delta/local-objects.js';
import { deltaTableStore } from './delta-table-store.js';
import { type CountRequest, countRequests } from './object-requests.js';
import type { TableStore } from './port.js';

export function openTableStore(options: {
  readonly directory: string;
  readonly clock: Clock;
  /** Of DuckDB; more than one takes processor time from the other roles of the host. */
  readonly threads?: number;
  readonly onRequest?: CountRequest;
  /** Id of the run of which the files that are written shall tell. */
  readonly run?: string | undefined;
}): TableStore {
  const objects = localObjects(options.directory);
  return deltaTableStore({
    objects: options.onRequest ? countRequests(objects, options.onRequest) : objects,
    clock: options.clock,
    threads: options.threads ?? 1,
    run: options.run,
  });
}
