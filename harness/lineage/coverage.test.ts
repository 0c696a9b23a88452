/** Coverage with known answers: storage and events by hand, one thing wrong at a time. */
import { describe, expect, it } from 'vitest';
import type { FeatureView } from '../../workloads/feature-view.js';
import { type Asset, coverAssets } from './coverage.js';
import {
  type Dataset,
  featureView,
  type OpenLineageEvent,
  onlineTable,
  runEvent,
  storedTable,
  topic,
} from './event.js';
import { type Build, type Origin, simulatedBuild } from './origin.js';

const runs = {
  stream: '01234567-0000-4000-8000-000000000001',
  compactor: '01234567-0000-4000-8000-000000000002',
} as const;
const configurationSha256 = 'c'.repeat(64);
const expected = { build: simulatedBuild, configurationSha256 };
const at = ({ namespace, name }: Dataset, files: Asset['files'] = []): Asset => ({ namespace, name, files });

const changes = storedTable('changes');
const current = storedTable('current');
const rows = onlineTable('customer_activity');
const assets = [at(changes, [runs.stream, runs.stream, runs.compactor]), at(current, [runs.compactor]), at(rows)];

function events(origin: Partial<Origin> = {}): OpenLineageEvent[] {
  const by = (role: keyof typeof runs): Origin => ({
    architecture: 'mine',
    role,
    runId: runs[role],
    build: simulatedBuild,
    configurationSha256,
    ...origin,
  });
  return [
    runEvent(by('stream'), 'START', 0, { into: [changes, rows], from: [topic('changes', [0, 7])] }),
    runEvent(by('compactor'), 'START', 0, { into: [changes, current], from: [storedTable('changes', 3)] }),
  ];
}

describe('coverage', () => {
  it('is whole when every run of every file resolves', () => {
    expect(coverAssets(assets, events(), expected)).toEqual({
      assets: 3,
      covered: 3,
      files: 4,
      events: 2,
      runs: 2,
      gaps: [],
    });
  });

  it('is nothing when there are no events, whatever is stored', () => {
    expect(coverAssets(assets, [], expected)).toMatchObject({ assets: 3, covered: 0 });
  });

  it('leaves out a table that no event names', () => {
    const { covered, gaps } = coverAssets(assets, events().slice(0, 1), expected);
    expect(covered).toBe(1);
    expect(gaps).toEqual([
      `planebench://tables/changes: run ${runs.compactor} wrote a data file of it, and no event of that run names it as an output`,
      'planebench://tables/current: no event names it as an output',
    ]);
  });

  it('leaves out a table of which a file names no run', () => {
    const { covered, gaps } = coverAssets([at(current, [runs.compactor, null])], events(), expected);
    expect({ covered, gaps }).toEqual({
      covered: 0,
      gaps: ['planebench://tables/current: a data file of it names no run'],
    });
  });

  it('leaves out what comes from nothing, or from what nobody wrote', () => {
    const [stream, compactor] = events() as [OpenLineageEvent, OpenLineageEvent];
    const gaps = (inputs: OpenLineageEvent['inputs']) =>
      coverAssets([at(current)], [stream, { ...compactor, inputs }], expected).gaps;
    expect(gaps([])[0]).toMatch('an event without inputs');
    expect(gaps([{ ...storedTable('elsewhere'), facets: {} }])[0]).toMatch(
      'its input planebench://tables/elsewhere is no source, and no event says what wrote it',
    );
  });

  it('leaves out what is made of itself, of each other, or of what is not stored, and of nothing else', () => {
    const by = events()[0]!;
    const asEvent = (into: Dataset, ...from: Dataset[]): OpenLineageEvent => ({
      ...by,
      inputs: from.map((input) => ({ ...input, facets: {} })),
      outputs: [{ ...into, facets: {} }],
    });
    const ghost = storedTable('ghost');
    const view = featureView({ name: 'view', version: 1 } as FeatureView);
    const covered = (...made: OpenLineageEvent[]) => {
      const found = coverAssets([at(changes), at(current)], made, expected);
      return [found.covered, found.gaps[0]];
    };
    const none = expect.stringMatching(/tables.changes: .*nothing that it is made of leads to (a source|one)$/);
    expect(covered(asEvent(changes, changes), asEvent(current, current))).toEqual([0, none]);
    expect(covered(asEvent(changes, current), asEvent(current, changes))).toEqual([0, none]);
    expect(covered(asEvent(changes, current, view), asEvent(current, changes, view))).toEqual([0, none]);
    expect(covered(asEvent(changes, ghost), asEvent(ghost, changes), asEvent(current, ghost))).toEqual([0, none]);
    // One source is enough for all that comes from it, whatever the order of the events, and its own rows beside it.
    expect(covered(asEvent(changes, changes), asEvent(current, current, changes), asEvent(changes, view))).toEqual([
      2,
      undefined,
    ]);
    expect(covered(asEvent(changes, view, changes, ghost), asEvent(ghost, ghost), asEvent(current, changes))).toEqual([
      2,
      undefined,
    ]);
    // A run of a table that others have grounded still has to say what it read.
    const half = [asEvent(changes, view), asEvent(changes, current), asEvent(current, current)];
    expect(covered(...half)).toEqual([
      0,
      expect.stringMatching(
        /its input planebench:..tables.current is no source, and nothing that it is made of leads to one$/,
      ),
    ]);
  });

  it.each<[string, Partial<Build>, RegExp]>([
    ['another commit', { commit: '1'.repeat(40) }, /its code is 1{40}, expected 0{40}/],
    ['changes that were not committed', { dirty: true }, /its code is/],
    ['no repository', { commit: null, dirty: null }, /its code is not recorded/],
    ['another Node.js', { node: 'v1' }, /its environment is another one/],
    ['no lock file', { lockFileSha256: null }, /its environment is not recorded/],
  ])('leaves out runs of %s', (_, build, gap) => {
    const found = coverAssets(assets, events({ build: { ...simulatedBuild, ...build } }), expected);
    expect(found.covered).toBe(0);
    expect(found.gaps[0]).toMatch(gap);
  });

  it('covers nothing where the harness itself does not know the commit', () => {
    const build = { ...simulatedBuild, commit: null, dirty: null };
    const found = coverAssets(assets, events({ build }), { build, configurationSha256 });
    expect(found.gaps[0]).toMatch(/expected a git commit, and there is none/);
  });

  it('leaves out runs with another configuration, or of none', () => {
    const gapsOf = (facets: OpenLineageEvent['run']['facets']) =>
      coverAssets(
        assets,
        events().map((event) => ({ ...event, run: { ...event.run, facets } })),
        expected,
      ).gaps;
    const { planebench_configuration: configuration, ...others } = events()[0]!.run.facets;
    expect(gapsOf({ ...others, planebench_configuration: { ...configuration!, sha256: 'd'.repeat(64) } })[0]).toMatch(
      'its configuration is another one',
    );
    expect(gapsOf(others)[0]).toMatch('its configuration is not recorded');
  });
});
