/** What a fault makes of the source, in whole runs: witnessed, survived, and accounted for to the last change. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measureRun } from '../harness/measures/metrics.js';
import { standardPrices } from '../harness/prices/prices.js';
import { descriptionOf, loadArchitecture } from '../harness/processes/load-architecture.js';
import type { RunFacts } from '../harness/record/facts.js';
import type { FaultSpec, Scenario } from '../harness/scenario.js';
import { type Costs, defaultCosts } from '../harness/simulation/costs.js';
import { readHistory, simulateRun } from '../harness/simulation/simulate.js';
import { measuredScenario } from '../harness/suites/measured.js';
import { loadTrace } from '../harness/traces.js';
import { secondUs } from '../workloads/durations.js';

const plane = 'lakehouse';
const base: Scenario = {
  ...measuredScenario({
    name: 'source faults',
    customers: 100,
    historyFacts: 400,
    changesPerSecond: 200,
    predictionsPerSecond: 20,
    lookupsPerSecond: 20,
    warmUpUs: secondUs / 2,
    measureUs: 2 * secondUs,
    faultUs: 7 * secondUs,
    drainUs: 20 * secondUs,
  }),
  stack: 'simulated',
};
const once = { kind: 'once', afterUs: secondUs / 2, jitterUs: secondUs / 4 } as const;
const withFaults = (...faults: readonly FaultSpec[]): Scenario => ({
  ...base,
  faults: faults.map((fault) => ({ ...fault, schedule: once })),
});

let parent: string;
let runs = 0;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'planebench-source-faults-'));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

/** `offered`: whose trace is replayed, where it is another one's. */
async function simulate(
  scenario: Scenario,
  { offered = scenario, costs = defaultCosts }: { offered?: Scenario; costs?: Costs } = {},
): Promise<RunFacts> {
  const seed = 1;
  const owned = await loadTrace(offered, seed, parent);
  try {
    return await simulateRun(
      {
        id: `${plane}-${runs++}`,
        scenario,
        arm: { architecture: plane, specifier: plane, params: null },
        repetition: 1,
        seed,
      },
      {
        trace: await readHistory(owned),
        architecture: descriptionOf(await loadArchitecture(plane, undefined)),
        costs,
        parent,
        signal: new AbortController().signal,
      },
    );
  } finally {
    await owned.close();
  }
}

function expectSound(facts: RunFacts): void {
  expect(measureRun(facts, standardPrices).invalid).toEqual([]);
  const { ledger } = facts;
  expect(ledger?.examples).toEqual([]);
  expect(ledger).toMatchObject({
    tables: { lost: 0, duplicated: 0, unexpected: 0, quarantineMissing: 0, quarantineUnexpected: 0 },
    behind: 0,
    monotonicViolations: 0,
  });
  for (const rows of [ledger?.final, ledger?.live]) {
    expect(rows?.checked).toBeGreaterThan(0);
    expect(rows?.right).toBe(rows?.checked);
  }
}

const lastsUs = secondUs;
const sourceFaults: readonly FaultSpec[] = [
  { kind: 'duplicate-delivery', ppm: 200_000, lastsUs },
  { kind: 'reordering', ppm: 200_000, lastsUs },
  { kind: 'late-events', ppm: 200_000, lastsUs },
  { kind: 'poison-records', ppm: 200_000, lastsUs },
  { kind: 'incompatible-schema', ppm: 200_000, lastsUs },
  { kind: 'load-burst', times: 10, lastsUs },
];

describe.each(sourceFaults)('$kind', (fault) => {
  it('is witnessed, and the lakehouse accounts for every change', async () => {
    const facts = await simulate(withFaults(fault));
    expect(facts.faults).toHaveLength(1);
    expect(facts.faults[0]?.saw).toMatch(/were acknowledged/);
    expect(facts.faults[0]?.witnessedUs).toBeGreaterThanOrEqual(facts.faults[0]?.injectedUs ?? Number.NaN);
    expectSound(facts);
    expect(facts.ledger).toMatchObject({ failed: 0, indeterminate: 0 });
  });

  it('is not witnessed where the source goes on as usual: its run is invalid', async () => {
    const facts = await simulate(withFaults(fault), { offered: { ...base, faults: [] } });
    expect(facts.faults[0]).toMatchObject({ witnessedUs: null, saw: null });
    expect(measureRun(facts, standardPrices).invalid.map(({ code }) => code)).toEqual(['INVALID_INJECTION']);
  });
});

it('all of them at once: each is witnessed, and the lakehouse accounts for every change', async () => {
  const shared = sourceFaults.map((fault) => ('ppm' in fault ? { ...fault, ppm: 120_000 } : fault));
  const facts = await simulate(withFaults(...shared));
  expect(facts.faults.map(({ saw }) => saw)).not.toContain(null);
  expectSound(facts);
});

it('an outage of the change log: the source offers again what was not taken, and nothing is lost or behind', async () => {
  const facts = await simulate(withFaults({ kind: 'change-log-outage', lastsUs: 2 * secondUs }));
  expectSound(facts);
  expect(facts.faults[0]?.saw).toBe('the server of changeLog was gone');
  expect(facts.ledger?.failed).toBeGreaterThan(0);
  expect(facts.panel.changes.acknowledged.every((acknowledged) => acknowledged === 1)).toBe(true);
});

it('an outage that meets appends under way: those in doubt are offered again, and their copies are told apart', async () => {
  const { changeLog } = defaultCosts;
  // So slow that the source is hardly ever without an append under way.
  const costs = { ...defaultCosts, changeLog: { ...changeLog, append: { ...changeLog.append, fixedUs: 5_500 } } };
  const facts = await simulate(withFaults({ kind: 'change-log-outage', lastsUs: secondUs }), { costs });
  expectSound(facts);
  expect(facts.ledger?.indeterminate).toBeGreaterThan(0);
  expect(facts.panel.changes.acknowledged.every((acknowledged) => acknowledged === 1)).toBe(true);
});

it('an outage of the change log under a source that delivers much twice: copies of both kinds are told apart', async () => {
  const facts = await simulate(
    withFaults(
      { kind: 'change-log-outage', lastsUs: secondUs },
      { kind: 'duplicate-delivery', ppm: 300_000, lastsUs: 2 * secondUs },
    ),
  );
  expectSound(facts);
});
