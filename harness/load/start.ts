/** Starts the source of a run's changes: the emitter, or users of a database and the connector that follows it. */
import type { Supervisor } from '../processes/supervisor.js';
import { type EmitterInit, emitChanges } from './emitter.js';
import type { PostgresConnection } from './postgres/connection.js';
import type { ConnectorInit } from './postgres/connector.js';
import type { WriterInit } from './postgres/writer.js';
import { appendsOf, type RecordingPaths } from './recorded.js';

const modules = {
  emitter: new URL('./emitter-process.js', import.meta.url),
  writer: new URL('./postgres/writer-process.js', import.meta.url),
  connector: new URL('./postgres/connector-process.js', import.meta.url),
};

export interface StartedSource {
  /** Resolves when all that it has is in the change log, or was given up; of an emitter its end says so. */
  readonly drained: Promise<void>;
}

type OnReport = (kind: string, body: unknown) => void;

export async function startSource(options: {
  readonly supervisor: Supervisor;
  readonly emitter: EmitterInit;
  readonly postgres: PostgresConnection | null;
  readonly paths: RecordingPaths;
  readonly onReport: OnReport;
}): Promise<StartedSource> {
  const { supervisor, emitter, postgres, onReport } = options;
  if (postgres !== null) return startDatabaseSource({ ...options, postgres });
  await supervisor.start({
    name: 'emitter',
    kind: 'load',
    module: modules.emitter,
    main: emitChanges,
    init: () => emitter,
    restart: false,
    onReport,
  });
  return { drained: Promise.resolve() };
}

/** For reading a whole trace, and for making the tables. */
const readyWithinUs = 300_000_000;

async function startDatabaseSource({
  supervisor,
  emitter: { trace, contract, connection, seed, loadEndUs },
  postgres,
  paths,
  onReport,
}: Parameters<typeof startSource>[0] & { readonly postgres: PostgresConnection }): Promise<StartedSource> {
  const writer: WriterInit = { trace, contract, postgres, recording: paths.commits };
  await supervisor.start({
    name: 'emitter',
    kind: 'load',
    module: modules.writer,
    init: () => writer,
    restart: false,
    readyWithinUs,
    onReport,
  });
  let incarnation = 0;
  let drain: () => void = () => {};
  const drained = new Promise<void>((resolve) => {
    drain = resolve;
  });
  await supervisor.start({
    name: 'connector',
    kind: 'load',
    module: modules.connector,
    init: (): ConnectorInit => ({
      contract,
      postgres,
      connection,
      seed,
      loadEndUs,
      recording: appendsOf(paths.appends, incarnation++),
    }),
    restart: true,
    onReport(kind, body) {
      if (kind === 'captured') drain();
      else onReport(kind, body);
    },
  });
  return { drained };
}
