import type { ArchitectureFactory } from '../architecture.js';

/** Asks the machine what time it is. */
const clockReader: ArchitectureFactory = () => ({
  name: 'clock-reader',
  params: null,
  uses: ['changeLog'],
  roles: [
    {
      name: 'all',
      ingests: true,
      async run({ ready }) {
        if (Date.now() > 0) ready();
      },
    },
  ],
});
export default clockReader;
