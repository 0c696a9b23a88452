/** One run in virtual time: the same steps and the same roles as on a machine, in a world that is in memory. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { historySchemas } from '../../workloads/fact-schemas.js';
import { labelSchema } from '../../workloads/labels.js';
import { historyFiles } from '../../workloads/trace.js';
import { PlaneError } from '../errors.js';
import { simulatedBuild } from '../lineage/origin.js';
import type { LoadedTrace } from '../loaded-trace.js';
import type { ColumnBatch, Schema } from '../ports/columns.js';
import { withDuckDb } from '../ports/duckdb.js';
import { quoteText, readColumns } from '../ports/duckdb-columns.js';
import type { PortName } from '../ports/ports.js';
import type { ArchitectureDescription } from '../processes/describe-architecture.js';
import type { RunFacts, StoredBytes } from '../record/facts.js';
import { type Inspect, observeRun } from '../run.js';
import { gatherFacts } from '../run-facts.js';
import type { RunPlan } from '../scenario.js';
import { lullStartUs, type Site } from '../site.js';
import type { Stack, StackServer } from '../stacks/stack.js';
import { type ContractMemory, createContractMemory } from './contract-memory.js';
import type { Costs } from './costs.js';
import { installGuard } from './guard.js';
import { createEventClock, type SimulatedSupervisor, superviseSimulated } from './supervisor.js';
import { createVirtualTime } from './virtual-time.js';
import { createWorld, type World } from './world.js';

/** A trace whose Parquet files are in memory, where the ports of a simulation find them. */
export interface SimulatedTrace extends LoadedTrace {
  readonly history: ReadonlyMap<string, readonly ColumnBatch[]>;
  readonly contracts: ContractMemory;
}

export async function readHistory(trace: LoadedTrace): Promise<SimulatedTrace> {
  const history = new Map<string, readonly ColumnBatch[]>();
  await withDuckDb(async (connection) => {
    const read = async (path: string, schema: Schema) => {
      const batches: ColumnBatch[] = [];
      const query = `SELECT * FROM read_parquet(${quoteText(path)})`;
      for await (const batch of readColumns(connection, query, schema)) batches.push(batch);
      history.set(path, batches);
    };
    for (const [name, path] of Object.entries(historyFiles(trace.directory)))
      await read(path, historySchemas[name as keyof typeof historySchemas]);
    for (const path of Object.values(trace.labels?.files ?? {})) await read(path, labelSchema);
  });
  return { ...trace, history, contracts: createContractMemory() };
}

export interface SimulationOptions {
  readonly trace: SimulatedTrace;
  readonly architecture: ArchitectureDescription;
  readonly costs: Costs;
  /** Folder for what is recorded. */
  readonly parent: string;
  readonly signal: AbortSignal;
  readonly inspect?: Inspect | undefined;
  /** Called before the first process begins. */
  readonly prepare?: (world: World, supervisor: SimulatedSupervisor) => void;
}

const samplesInAll = 360;

export async function simulateRun(plan: RunPlan, options: SimulationOptions): Promise<RunFacts> {
  installGuard();
  const { trace, architecture, parent, signal } = options;
  const { scenario } = plan;
  const time = createVirtualTime();
  const eventClock = createEventClock(time, lullStartUs(scenario));
  const world = createWorld({
    time,
    nowUs: eventClock.nowUs,
    costs: options.costs,
    parquet: (path) => trace.history.get(path) ?? [],
    contracts: trace.contracts,
  });
  const { warmUpUs, measureUs, faultUs } = scenario.phases;
  const supervisor = superviseSimulated({
    world,
    eventClock,
    restartDelayUs: scenario.restartDelayUs,
    sampleEveryUs: Math.ceil((warmUpUs + measureUs + faultUs) / samplesInAll),
  });
  options.prepare?.(world, supervisor);
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const stored = join(parent, plan.id, 'stored');
  const site: Site = {
    build: simulatedBuild,
    supervisor,
    startStack: async ({ uses }) => ({
      connection: { stack: 'simulated', world },
      storedPaths: [stored],
      storedBytes: async () => onlyOf(uses, world.storedBytes()),
      servers: serversOf(world, uses),
    }),
    host: (work) => time.host(work),
    aside: (work) => ended.then(work),
  };
  const run = () =>
    observeRun(plan, {
      site,
      trace: { ...trace, oracle: hostedOracle(trace.oracle, site) },
      architecture,
      parent,
      quiet: Promise.resolve(),
      idle: () => {},
      progress: () => {},
      inspect: options.inspect,
      signal,
    });
  const observed = await time.run(run, ({ message }) => supervisor.giveUp(new PlaneError(message)));
  await writeFile(stored, Buffer.concat([...world.stored()].map((held) => Buffer.from(held))));
  end();
  return gatherFacts(observed, trace);
}

function onlyOf(uses: readonly PortName[], stored: StoredBytes): StoredBytes {
  return Object.fromEntries(Object.entries(stored).filter(([port]) => uses.includes(port as PortName)));
}

/** Every port has a server here, the harness itself uses the change log. */
function serversOf(world: World, uses: readonly PortName[]): Stack['servers'] {
  return Object.fromEntries(
    [...new Set<PortName>(['changeLog', ...uses])].map((port): [PortName, StackServer] => [
      port,
      {
        async takeDown() {
          world.setDown(port, true);
          return { atUs: world.nowUs(), saw: `the server of ${port} was gone` };
        },
        async bringUp() {
          world.setDown(port, false);
        },
        ...(port === 'onlineStore' && { empty: async () => world.emptyOnlineStore() }),
      },
    ]),
  );
}

/** The oracle is no part of the simulation: while it works, no time passes. */
function hostedOracle(oracle: LoadedTrace['oracle'], { host }: Site): LoadedTrace['oracle'] {
  return {
    evaluate: (rows) => host(() => oracle.evaluate(rows)),
    evaluateUndeleted: (rows) => host(() => oracle.evaluateUndeleted(rows)),
    findVersions: (rows, same) => host(() => oracle.findVersions(rows, same)),
  };
}
