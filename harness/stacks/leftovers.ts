/**
 * What visits to the stack external have left on its servers, because they were killed before they could take it away: found by
 * the names that only visits have. A visit that goes on has such a name too, and nobody can tell it from one that is over.
 */
import { tmpdir } from 'node:os';
import { HarnessError, messageOf, UsageError } from '../errors.js';
import { namesAt, removeTopics } from '../ports/change-log/kafka-guest.js';
import { namesIn, removeStore } from '../ports/online-store/redis-guest.js';
import { brokersOf, bucketOf, guestPrefix, redisOf } from './external-servers.js';
import type { ExternalServers } from './external-settings.js';

const places = ['kafka', 'redis', 's3'] as const;
type Place = (typeof places)[number];

export interface Leftover {
  /** The name under which the visit kept everything. */
  readonly guest: string;
  readonly on: readonly Place[];
}

/** Rejects with UsageError where a server cannot be asked. */
export async function findLeftovers(servers: ExternalServers): Promise<Leftover[]> {
  const { foldersOf } = await import('../ports/table-store/s3-guest.js');
  const found = {
    kafka: await asked('kafka', () => namesAt(brokersOf(servers, ''), guestPrefix)),
    redis: await asked('redis', () => namesIn(servers.redis, guestPrefix)),
    s3: await asked('s3', () => foldersOf({ ...servers.s3, cacheDirectory: tmpdir() }, guestPrefix)),
  };
  const guests = new Map<string, Set<Place>>();
  for (const place of places) {
    for (const name of found[place]) {
      const guest = guestOf(name);
      if (guest !== null) guests.set(guest, (guests.get(guest) ?? new Set()).add(place));
    }
  }
  return [...guests].sort(([a], [b]) => (a < b ? -1 : 1)).map(([guest, on]) => ({ guest, on: [...on] }));
}

export async function removeLeftover(servers: ExternalServers, { guest, on }: Leftover): Promise<void> {
  const { removeObjects } = await import('../ports/table-store/s3-guest.js');
  const remove: Readonly<Record<Place, () => Promise<void>>> = {
    kafka: () => removeTopics(brokersOf(servers, guest)),
    redis: () => removeStore(redisOf(servers, guest)),
    s3: () => removeObjects(bucketOf(servers, guest, tmpdir())),
  };
  for (const place of on)
    try {
      await remove[place]();
    } catch (error) {
      throw new HarnessError(
        `what ${guest} left on ${place} could not be taken away: ${messageOf(error)}. Permit it, and repeat the command.`,
        { cause: error },
      );
    }
}

/** As `visitServers` names itself, whatever follows. */
function guestOf(name: string): string | null {
  return /^planebench_[0-9a-f]{8}(?![0-9A-Za-z_])/.exec(name)?.[0] ?? null;
}

async function asked<T>(place: Place, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${place} cannot be asked what was left there: ${messageOf(error)}`, { cause: error });
  }
}
