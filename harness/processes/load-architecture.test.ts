import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UsageError } from '../errors.js';
import { loadArchitecture } from './load-architecture.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planebench-load-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const role = '{ name: "all", async run() {} }';

it.each([
  ['number', '5', /expected a default export .* found number/],
  ['no-roles', '() => ({ name: "mine", roles: [] })', /with at least one role/],
  ['bigint', `() => ({ name: "mine", params: { a: [10n] }, uses: [], roles: [${role}] })`, /params\.a\.0 is a bigint/],
  ['nan', `() => ({ name: "mine", params: { a: NaN }, uses: [], roles: [${role}] })`, /params\.a is NaN/],
  ['date', `() => ({ name: "mine", params: new globalThis.Date(0), uses: [], roles: [${role}] })`, /params is a Date/],
  ['port', `() => ({ name: "mine", uses: ["toaster"], roles: [${role}] })`, /the port "toaster"; there are changeLog/],
  ['no-run', '() => ({ name: "mine", uses: [], roles: [{ name: "all" }] })', /every role must be/],
  ['twice', `() => ({ name: "mine", uses: [], roles: [${role}, ${role}] })`, /two roles are named all/],
  [
    'priority',
    '() => ({ name: "mine", uses: [], roles: [{ name: "all", priority: "urgent", async run() {} }] })',
    /role all has the priority "urgent"; there are high, normal, low/,
  ],
  [
    'in-first',
    '() => ({ name: "mine", uses: [], roles: [{ name: "all", ingests: true, priority: "high", async run() {} }] })',
    /role all takes changes in and has the priority "high"/,
  ],
  [
    'taken',
    '() => ({ name: "mine", uses: [], roles: [{ name: "reader", async run() {} }] })',
    /cannot be named reader/,
  ],
  [
    'settles',
    `() => ({ name: "mine", uses: [], settlesWithinUs: "soon", roles: [${role}] })`,
    /settlesWithinUs must be/,
  ],
  [
    'outside',
    `() => ({ name: "mine", uses: [], outside: "there", roles: [${role}] })`,
    /outside must be true or false/,
  ],
])('refuses what is no plane, saying what it expected: %s', async (name, factory, sentence) => {
  const path = join(folder, `${name}.mjs`);
  await writeFile(path, `export default ${factory};\n`);
  const loading = loadArchitecture(path, undefined);
  await expect(loading).rejects.toBeInstanceOf(UsageError);
  await expect(loading).rejects.toThrow(sentence);
});
