/** Events are what OpenLineage says they are, and nothing else passes for one. */
import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seededRandom } from '../random.js';
import { type OpenLineageEvent, runEvent, sourceFile, storedTable, topic } from './event.js';
import { whatIsWrong } from './event-check.js';
import { drawRunId, hashConfiguration, jobOrigin, simulatedBuild } from './origin.js';

const origin = {
  architecture: 'lakehouse',
  role: 'stream',
  runId: drawRunId(seededRandom(1)),
  build: simulatedBuild,
  configurationSha256: hashConfiguration({ a: 1 }, {} as never),
};
const derivation = {
  into: [storedTable('current', 4)],
  from: [topic('changes', [3, 0]), sourceFile('/x/orders.parquet')],
};
const event = runEvent(origin, 'START', 1_768_478_400_123_456, derivation);

it.each([
  'event.schema.json',
  'openlineage/OpenLineage.json',
  'openlineage/DatasetVersionDatasetFacet.json',
  'openlineage/ParentRunFacet.json',
])('is held against %s, which is a schema', async (name) => {
  const schema = JSON.parse(await readFile(new URL(name, import.meta.url), 'utf8'));
  expect(await new Ajv2020().validateSchema(schema)).toBe(true);
});

it('is an event of the specification', () => {
  expect(whatIsWrong(event)).toBeNull();
  expect(event).toMatchObject({
    eventType: 'START',
    eventTime: '2026-01-15T12:00:00.123456Z',
    schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
    job: { namespace: 'planebench://lakehouse', name: 'stream' },
    inputs: [
      { namespace: 'planebench://change-log', name: 'changes', facets: { version: { datasetVersion: '3,0' } } },
      { namespace: 'planebench://files', name: 'orders.parquet', facets: {} },
    ],
    outputs: [{ namespace: 'planebench://tables', name: 'current', facets: { version: { datasetVersion: '4' } } }],
  });
});

it('of a job is that of a run of its own, which names the run of its role', () => {
  const jobs = [1, 2].map((number) => runEvent(jobOrigin(origin, 'score', number), 'START', 0, derivation));
  expect(jobs.map(whatIsWrong)).toEqual([null, null]);
  for (const { job, run } of jobs) {
    expect(job.name).toBe('stream.score');
    expect(run.facets.parent).toMatchObject({ run: { runId: origin.runId }, job: { name: 'stream' } });
  }
  expect(new Set([origin.runId, ...jobs.map(({ run }) => run.runId)]).size).toBe(3);
});

it('is one whatever was not known of the code', () => {
  const build = { ...simulatedBuild, commit: null, dirty: null, lockFileSha256: null };
  const facets = runEvent({ ...origin, build }, 'RUNNING', 0, derivation).run.facets;
  expect(Object.keys(facets)).toEqual(['planebench_configuration']);
});

const versioned = (input: unknown, datasetVersion: unknown) => ({
  ...(input as object),
  facets: { version: { _producer: 'urn:x', _schemaURL: 'urn:x', datasetVersion } },
});

it.each<[string, (event: OpenLineageEvent) => unknown]>([
  ['/eventTime', (sound) => ({ ...sound, eventTime: 1 })],
  ['/eventTime', (sound) => ({ ...sound, eventTime: '2026-01-15 12:00' })],
  ['/eventType', (sound) => ({ ...sound, eventType: 'BEGIN' })],
  ['/schemaURL', (sound) => ({ ...sound, schemaURL: 'https://openlineage.io/spec/1-0-0/OpenLineage.json' })],
  ['/run/runId', (sound) => ({ ...sound, run: { ...sound.run, runId: '7' } })],
  ['/job', (sound) => ({ ...sound, job: { name: 'stream' } })],
  ['/outputs/0', (sound) => ({ ...sound, outputs: [{ namespace: 'planebench://tables' }] })],
  ["/ must have required property 'inputs'", ({ inputs: _, ...sound }) => sound],
  [
    '/run/facets/planebench_code',
    (sound) => ({ ...sound, run: { ...sound.run, facets: { planebench_code: { commit: '0'.repeat(40) } } } }),
  ],
  ['/inputs/0/facets/version', ({ inputs, ...sound }) => ({ ...sound, inputs: [versioned(inputs[0], 3)] })],
  ['/run/facets/parent', (sound) => ({ ...sound, run: { ...sound.run, facets: { parent: { job: {} } } } })],
  ['/run/facets/other', (sound) => ({ ...sound, run: { ...sound.run, facets: { other: {} } } })],
  ['/', () => null],
])('says what is wrong at %s', (place, spoil) => {
  expect(whatIsWrong(spoil(event))).toContain(place);
});

it('has an id that is a UUID of version 4, another for each start and the same for the same seed', () => {
  fc.assert(
    fc.property(fc.integer(), fc.string(), (seed, path) => {
      const id = drawRunId(seededRandom(seed, path));
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(drawRunId(seededRandom(seed, path))).toBe(id);
      expect(drawRunId(seededRandom(seed, `${path}/2`))).not.toBe(id);
    }),
  );
});

it('hashes a configuration by what it says, not by the order of its names', () => {
  const contract = { topic: 'changes', partitions: 4 } as never;
  const hash = hashConfiguration({ a: 1, b: { c: [1, 2], d: null } }, contract);
  expect(hashConfiguration({ b: { d: null, c: [1, 2] }, a: 1 }, contract)).toBe(hash);
  expect(hashConfiguration({ a: 1, b: { c: [2, 1], d: null } }, contract)).not.toBe(hash);
  expect(
    hashConfiguration({ a: 1, b: { c: [1, 2], d: null } }, { ...(contract as object), topic: 'x' } as never),
  ).not.toBe(hash);
});
