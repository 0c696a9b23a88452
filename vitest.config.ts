import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const folders = ['harness', 'architectures', 'workloads', 'faults', 'reports'];
const sources = folders.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path.replaceAll('\\', '/')}`),
);
/** What the sources of today are built to: the output of a test that was removed may still be there. */
const built = sources.filter((path) => path.endsWith('.test.ts')).map((path) => `dist/${path.replace(/ts$/, 'js')}`);

/** Those of a minute or more, the longest first: none is left over for one worker when the other has nothing to do. */
const longest = [
  'harness/readme',
  'architectures/crashes',
  'architectures/chaos',
  'harness/bench',
  'faults/embedded',
  'faults/native-outage',
  'architectures/warehouse/warehouse',
  'harness/simulation/determinism',
  'harness/gate/simulated-slowdown',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const rankOf = ({ moduleId }: TestSpecification) => {
      const rank = longest.findIndex((name) => moduleId.endsWith(`/dist/${name}.test.js`));
      return rank === -1 ? longest.length : rank;
    };
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b));
  }
}

// Tests run on the built code, so that the processes they start are the very files that users run. What they import is loaded
// by Node.js itself as well: nothing is transformed for each of them, and simulations run as fast as for a user.
export default defineConfig({
  test: {
    include: built,
    server: { deps: { external: [/\/dist\/(?!.*\.test\.js$)/] } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
});
