/**
 * The role that loads history is killed in the middle of it, by SIGKILL; asked again it goes on. In the end no row is lost
 * or doubled, and what is served equals the oracle: on this machine, with the real servers.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { journalInTables, journalInWarehouse } from '../harness/lineage/journal.js';
import { simulatedBuild } from '../harness/lineage/origin.js';
import { loadHistory } from '../harness/load-history.js';
import { inventoryOf } from '../harness/processes/answers.js';
import { descriptionOf, loadArchitecture } from '../harness/processes/load-architecture.js';
import { startPlane } from '../harness/processes/plane.js';
import { openScratch, type Scratch } from '../harness/processes/scratch.js';
import { machineSite } from '../harness/site.js';
import { openPorts } from '../harness/stacks/stack.js';
import { measuredScenario } from '../harness/suites/measured.js';
import { loadTrace, type OwnedTrace } from '../harness/traces.js';
import { secondUs } from '../workloads/durations.js';
import { historyFiles } from '../workloads/trace.js';

const scenario = measuredScenario({
  name: 'killed-backfill',
  customers: 1_000,
  historyFacts: 20_000,
  changesPerSecond: 100,
  predictionsPerSecond: 1,
  lookupsPerSecond: 1,
  warmUpUs: secondUs / 10,
  measureUs: secondUs / 10,
  faultUs: 0,
  drainUs: secondUs,
});
const timeoutUs = 120 * secondUs;
const lookEveryUs = 20_000;

/** Of the rows that history has, so many are there when the role is killed. */
const shareAtDeath = 0.3;

let scratch: Scratch;
let trace: OwnedTrace;
beforeAll(async () => {
  scratch = await openScratch();
  trace = await loadTrace(scenario, 3, scratch.directory);
}, 300_000);
afterAll(() => scratch.close());

/** `beside`: the other roles that a backfill and its answers need. */
describe.each([
  { plane: 'lakehouse', role: 'stream', beside: ['serving'] },
  { plane: 'warehouse', role: 'loader', beside: ['serving'] },
  { plane: 'lambda', role: 'batch', beside: ['speed', 'serving'] },
])('$plane', ({ plane: name, role, beside }) => {
  it(`loses and doubles nothing of a history in the midst of which ${role} is killed`, {
    timeout: 60_000,
  }, async () => {
    const site = machineSite(scenario, scratch, simulatedBuild);
    const { supervisor } = site;
    const plan = {
      id: name,
      scenario,
      arm: { architecture: name, specifier: name, params: null },
      repetition: 1,
      seed: trace.info.seed,
    };
    try {
      const described = descriptionOf(await loadArchitecture(name, undefined));
      const roles = described.roles.filter((other) => other.name === role || beside.includes(other.name));
      const architecture = { ...described, roles };
      const directory = join(scratch.directory, name);
      const stack = await site.startStack({ directory, uses: architecture.uses, clients: [] });
      const own = await openPorts(stack.connection, supervisor.clock);
      const { topic, partitions } = scenario.workload.contract;
      await own.ports.changeLog.createTopic(topic, partitions);
      const journal =
        name === 'warehouse' ? journalInWarehouse(own.ports.warehouse) : journalInTables(own.ports.tables);
      const { client } = await startPlane({ supervisor, plan, architecture, stack, build: simulatedBuild });
      const rows = trace.info.history.facts + trace.info.contract.customers;

      const held = async () => inventoryOf(await client.call('inventory', undefined, { timeoutUs })).rows;

      const request = { files: historyFiles(trace.directory) };
      const died = expect(client.call('backfill', request, { timeoutUs })).rejects.toThrow();
      while ((await held()) <= shareAtDeath * rows) await supervisor.clock.sleep(lookEveryUs);
      const since = supervisor.eventCount();
      await supervisor.kill(role);
      await died;
      await supervisor.waitFor(role, 'ready', since, timeoutUs);

      const loaded = await loadHistory({ plane: client, trace, plan, clock: supervisor.clock });
      expect(loaded).toMatchObject({ rows, wrongRows: 0 });
      // Where the rows come from is in rows of its own.
      const events = (await journal.events()).length;
      expect(events).toBeGreaterThan(0);
      expect(await held()).toBe(rows + events);
      await client.close();
      await own.close();
    } finally {
      await supervisor.stopAll();
    }
  });
});
