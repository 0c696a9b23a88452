/** The database of a run whose source is one: found before anything starts, and part of the load, not of the plane. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HarnessError, messageOf, UsageError } from '../../errors.js';
import type { MachineSupervisor } from '../../processes/supervisor.js';
import { freePorts } from '../../servers/free-ports.js';
import { newPassword, postgres } from '../../servers/postgres.js';
import { demand, isFound } from '../../servers/programs.js';
import type { PostgresConnection } from './connection.js';

/** Rejects with UsageError where it cannot be started. */
export async function demandPostgres(): Promise<void> {
  const found = await postgres.find();
  if (isFound(found)) return;
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
    throw new HarnessError(
      `PostgreSQL ${found.version} (${postgres.isFor}) did not start at 127.0.0.1:${port}, by ${spawn.command} in ${spawn.cwd}: ${messageOf(error)}`,
    );
  }
  return { port, passwordFile };
}
