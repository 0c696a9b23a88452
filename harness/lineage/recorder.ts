/**
 * How a role says what it writes, and from what: before it does. It knows when the record is durable, so nothing is
 * stored that has none; and it says so once a derivation, not once a batch.
 */
import { type Caller, untilDone } from '../ports/retries.js';
import { type Derivation, runEvent } from './event.js';
import type { Journal } from './journal.js';
import { jobOrigin, type Origin } from './origin.js';

export interface Lineage {
  /** Durable when it resolves. What was recorded of this run before is not recorded again. */
  record(...derivations: readonly Derivation[]): Promise<void>;
  /**
   * One execution of a job, each a run of its own. Durable when it resolves: to the id of that run, which the files that
   * the job writes shall tell, so that one that was not recorded is found by its files.
   */
  recordJob(job: string, ...derivations: readonly Derivation[]): Promise<string>;
}

export function openLineage(context: Caller & { readonly origin: Origin }, journal: Journal): Lineage {
  const { origin, clock } = context;
  const known = new Set<string>();
  let recorded = 0;
  let jobs = 0;
  let recording: Promise<void> = Promise.resolve();

  async function recordNew(derivations: readonly Derivation[]): Promise<void> {
    const fresh = derivations.filter((derivation) => !known.has(JSON.stringify(derivation)));
    if (fresh.length === 0) return;
    const events = fresh.map((derivation, i) =>
      runEvent(origin, recorded + i === 0 ? 'START' : 'RUNNING', clock.nowUs(), derivation),
    );
    await untilDone(context, () => journal.append(origin.runId, recorded, events));
    recorded += events.length;
    for (const derivation of fresh) known.add(JSON.stringify(derivation));
  }

  return {
    record(...derivations) {
      // One after the other: each append says how many events the run had before.
      const done = recording.then(() => recordNew(derivations));
      recording = done.catch(() => {}); // thrown to whoever asked for it
      return done;
    },
    async recordJob(job, ...derivations) {
      const own = jobOrigin(origin, job, ++jobs);
      const events = derivations.map((derivation, i) =>
        runEvent(own, i === 0 ? 'START' : 'RUNNING', clock.nowUs(), derivation),
      );
      await untilDone(context, () => journal.append(own.runId, 0, events));
      return own.runId;
    },
  };
}
