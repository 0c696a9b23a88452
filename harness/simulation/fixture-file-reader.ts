import { readFileSync } from 'node:fs';
import type { ArchitectureFactory } from '../architecture.js';

/** Reads a file for every answer. */
const fileReader: ArchitectureFactory = () => ({
  name: 'file-reader',
  params: null,
  uses: ['changeLog'],
  roles: [
    {
      name: 'all',
      ingests: true,
      async run({ clock, ready, serve, signal }) {
        await serve({
          lookup: async ({ keys }) => {
            readFileSync('package.json');
            return keys.map((key) => ({ key, lastSeq: 0, asOfUs: clock.nowUs(), features: [] }));
          },
        });
        ready();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    },
  ],
});
export default fileReader;
