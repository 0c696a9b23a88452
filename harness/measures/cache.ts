/**
 * Hit ratio: keys answered without a store read / keys answered, counted at the ports over the whole load, panel probes
 * apart on both sides; a call that failed has answered none. A store read is a key asked of the online store or of the warehouse by a role that
 * answers reads; those are the roles whose ports were also asked on behalf of probes, which come through the same door.
 *
 * A plane that needs several reads for one key (Lambda, one a view) can reach more reads than keys: then no key was
 * answered without a store read, and the ratio is 0.
 *
 * The counters keep the probes' own reads apart, not what they do to a cache: its rows for the panel are never old. So a
 * ratio above 0 carries a note.
 */
import { outcomes, type PortCounter, type RunFacts } from '../record/facts.js';
import { type MeasureOf, notMeasured, notOffered } from './measured.js';

const isStoreRead = ({ port, operation }: PortCounter) =>
  (port === 'onlineStore' && operation === 'get') || (port === 'warehouse' && operation === 'read');

/** One sentence for all runs, so that the notes of runs that are pooled are one. */
const warmedNote =
  "not free of the panel: its probes keep the panel's rows in the cache, and of a store read shared by a probe and a call all keys count for the one that began it";

export function measureCache({ ports, operations }: RunFacts): { 'serving.cache_hit_ratio': MeasureOf<'ratio'> } {
  const answering = new Set(ports.filter((counter) => counter.probe).map(({ role }) => role));
  const storeReads = ports.filter((counter) => isStoreRead(counter) && answering.has(counter.role));
  const ok = outcomes.indexOf('ok');
  const keys = operations.keys.reduce((sum, count, i) => (operations.outcome[i] === ok ? sum + count : sum), 0);
  if (storeReads.length === 0) return { 'serving.cache_hit_ratio': notOffered('no store was read through a port') };
  if (keys === 0) return { 'serving.cache_hit_ratio': notMeasured('no call for keys was answered') };
  const asked = storeReads.filter((counter) => !counter.probe).reduce((sum, counter) => sum + counter.rows, 0);
  return {
    'serving.cache_hit_ratio': {
      kind: 'ratio',
      numerator: Math.max(0, keys - asked),
      denominator: keys,
      samples: keys,
      ...(asked < keys ? { note: warmedNote } : {}),
    },
  };
}
