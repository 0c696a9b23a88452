import type { ArchitectureFactory } from '../architecture.js';

/** Waits for something that never comes. */
const neverReady: ArchitectureFactory = () => ({
  name: 'never-ready',
  params: null,
  uses: ['changeLog'],
  roles: [{ name: 'all', ingests: true, run: () => new Promise<void>(() => {}) }],
});
export default neverReady;
