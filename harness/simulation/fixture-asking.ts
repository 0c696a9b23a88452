import type { ArchitectureFactory } from '../architecture.js';

/** Lookups that a role has begun with; simulated roles share this process. */
export const begun = { lookups: 0 };

/** Each lookup asks the online store once, and so does a second role, by itself and at a steady pace. */
const asking: ArchitectureFactory = () => ({
  name: 'asking',
  params: null,
  uses: ['onlineStore'],
  roles: [
    {
      name: 'serving',
      ingests: true,
      async run({ ports, serve, ready, clock, signal }) {
        await serve({
          async lookup({ keys }) {
            begun.lookups++;
            await ports.onlineStore.get('t', keys);
            return [];
          },
        });
        ready();
        await clock.sleep(3_600_000_000_000, signal);
      },
    },
    {
      name: 'restless',
      ingests: false,
      async run({ ports, ready, clock, signal }) {
        ready();
        for (;;) {
          await clock.sleep(10_000, signal);
          await ports.onlineStore.get('t', ['k']).catch(() => {});
        }
      },
    },
  ],
});
export default asking;
