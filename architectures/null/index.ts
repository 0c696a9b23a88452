/** Does nothing, correctly: what it costs to ask a plane that has no work is the floor under every other figure. */
import type { ArchitectureFactory, RoleContext } from '../../harness/architecture.js';
import { UsageError } from '../../harness/errors.js';
import { emptyFeatures, type FeatureRow } from '../../workloads/feature-view.js';
import { modelVersion, predict } from '../../workloads/model.js';

const nothing: ArchitectureFactory = (params) => {
  if (params !== undefined && params !== null && Object.keys(params).length > 0)
    throw new UsageError(`null: it has no parameters. Given: ${JSON.stringify(params)}`);
  return { name: 'null', params: {}, uses: [], roles: [{ name: 'serving', priority: 'high', run: serve }] };
};

export default nothing;

async function serve(context: RoleContext): Promise<void> {
  const { clock, contract, signal } = context;
  const features = emptyFeatures(contract.view);
  const score = predict(features);
  const rowsOf = (keys: readonly string[]): FeatureRow[] => {
    const asOfUs = clock.nowUs();
    return keys.map((key) => ({ key, lastSeq: 0, asOfUs, features }));
  };
  await context.serve({
    lookup: async ({ keys }) => rowsOf(keys),
    predict: async ({ keys }) =>
      rowsOf(keys).map(({ key, lastSeq, asOfUs }) => ({ key, score, modelVersion, lastSeq, asOfUs })),
  });
  context.ready();
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
