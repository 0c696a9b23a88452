/** A run for the tests of whatever records its lineage. */

import type { Random } from '../random.js';
import { drawRunId, type Origin, simulatedBuild } from './origin.js';

export function testOrigin(role: string, random: Random): Origin {
  return {
    architecture: 'under-test',
    role,
    runId: drawRunId(random),
    build: simulatedBuild,
    configurationSha256: '1'.repeat(64),
  };
}
