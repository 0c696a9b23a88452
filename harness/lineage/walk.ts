/** After the load: what is in storage, and what the plane says of it. */
import type { Json } from '../json.js';
import { lineageOf } from '../processes/answers.js';
import type { ArchitectureDescription } from '../processes/describe-architecture.js';
import type { PlaneClient } from '../processes/endpoint.js';
import type { LineageFacts } from '../record/facts.js';
import type { RunPlan } from '../scenario.js';
import type { Site } from '../site.js';
import { openPorts, type Stack } from '../stacks/stack.js';
import { coverAssets, findAssets } from './coverage.js';
import { hashConfiguration } from './origin.js';

const timeoutUs = 60_000_000;

/** Null: the plane does not offer it. */
export async function readLineage(options: {
  readonly plan: RunPlan;
  readonly architecture: ArchitectureDescription;
  readonly site: Site;
  readonly stack: Stack;
  readonly plane: PlaneClient;
}): Promise<LineageFacts | null> {
  const { plan, architecture, site, stack, plane } = options;
  if (!plane.offers('lineage')) return null;
  const { ports, close } = await site.host(() => openPorts(stack.connection, site.supervisor.clock));
  try {
    // First: what is stored has been recorded before.
    const assets = await findAssets(ports, architecture.uses);
    const events = lineageOf(await plane.call<unknown>('lineage', undefined, { timeoutUs }));
    const configurationSha256 = hashConfiguration(architecture.params as Json, plan.scenario.workload.contract);
    return coverAssets(assets, events, { build: site.build, configurationSha256 });
  } finally {
    await close();
  }
}
