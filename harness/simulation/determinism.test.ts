/** The same seed says the same, byte for byte: twice here, and on every Node version that CI runs. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { secondUs } from '../../workloads/durations.js';
import { benchQuietly } from '../fixture-bench.js';
import { measuredScenario, threePlanes } from '../suites/measured.js';

const base = measuredScenario({
  name: 'determinism',
  customers: 200,
  historyFacts: 2_000,
  changesPerSecond: 300,
  predictionsPerSecond: 100,
  lookupsPerSecond: 100,
  warmUpUs: secondUs / 2,
  measureUs: 4 * secondUs,
  faultUs: 6 * secondUs,
  drainUs: 10 * secondUs,
});

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function simulate(seed: number): Promise<string> {
  const out = await mkdtemp(join(tmpdir(), 'planebench-determinism-'));
  folders.push(out);
  const suite = {
    name: 'determinism',
    scenarios: [{ ...base, stack: 'simulated' as const }],
    arms: threePlanes,
    repetitions: 2,
  };
  const { results, summary } = await benchQuietly(suite, { seed, out });
  expect(summary.validity.findings).toEqual([]);
  return readFile(join(results.directory, 'summary.json'), 'utf8');
}

const golden = fileURLToPath(new URL('../../../harness/simulation/golden-summary.sha256', import.meta.url));

it('the same seed gives the same summary, everywhere; another seed another', { timeout: 240_000 }, async () => {
  const [first, second, other] = [await simulate(1), await simulate(1), await simulate(2)];
  expect(second).toBe(first);
  expect(other).not.toBe(first);
  // Written anew by `vitest run -u` when planes, service times or measures have changed on purpose.
  await expect(`${createHash('sha256').update(first).digest('hex')}\n`).toMatchFileSnapshot(golden);
});
