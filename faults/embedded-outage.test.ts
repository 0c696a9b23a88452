/** The real change log killed under the real load. */
import { expect, it } from 'vitest';
import { secondUs } from '../workloads/durations.js';
import { expectNothingLost, runOutages } from './fixture-outage.js';

it('an outage of the change log loses nothing and leaves nobody behind', { timeout: 240_000 }, async () => {
  const schedule = { kind: 'once', afterUs: secondUs / 2, jitterUs: 0 } as const;
  const fault = { kind: 'change-log-outage', lastsUs: secondUs, schedule } as const;
  const facts = await runOutages('embedded', [fault], 4 * secondUs);
  expectNothingLost(facts);
  expect(facts.faults[0]?.saw).toBe('the server change-log was gone (SIGKILL)');
  // Somebody was refused or left in doubt, and all of it was taken in the end.
  expect((facts.ledger?.failed ?? 0) + (facts.ledger?.indeterminate ?? 0)).toBeGreaterThan(0);
});
