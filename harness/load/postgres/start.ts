/** The database of a run whose source is one: found before anything starts, and part of the load, not of the plane. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.js';
import type { MachineSupervisor } from '../../processes/supervisor.js';
import { freePorts } from '../../servers/free-ports.js';
import { newPassword, postgres } from '../../servers/postgres.js';
import { demand, type Found, isFound, notStarted } from '../../servers/programs.js';
import type { PostgresConnection } from './connection.js';

/** Rejects with UsageError where it certainly cannot be started. */
export async function demandPostgres(): Promise<Found> {
  const found = await postgres.find();
  if (isFound(found)) return found;
  throw new UsageError(`--source postgres cannot be started here: ${found.missing} Get it: ${found.toGet}`);
}

export async function startPostgres(supervisor: MachineSupervisor, directory: string): Promise<PostgresConnection> {
  const [port] = (await freePorts(1)) as [number];
  const password = newPassword();
  const passwordFile = join(directory, 'source-password');
  await mkdir(directory, { recursive: true });
  await writeFile(passwordFile, password, { mode: 0o600 });
  const settings = { directory: join(directory, 'source'), port, password };
  const found = await demand(postgres);
  const spawn = await postgres.prepare(found, settings);
  try {
    await supervisor.startProgram({
      name: 'source',
      kind: 'load',
      // Nobody injures it: should it die, nothing that follows could be judged.
      restart: false,
      spawn,
      isReady: () => postgres.isReady(settings),
    });
  } catch (error) {
    throw notStarted(postgres, found, { port, spawn, error });
  }
  return { port, passwordFile };
}
