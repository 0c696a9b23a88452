/**
 * Hit ratio: looked-up keys answered without a store read / looked-up keys, counted at the ports over the whole load,
 * panel probes apart on both sides. A store read is a key asked of the online store or of the warehouse by a role that
 * answers reads; those are the roles whose ports were also asked on behalf of probes, which come through the same door.
 *
 * A plane that needs several reads for one key (Lambda, one a view) can reach more reads than keys: then no key was
 * answered without a store read, and the ratio is 0.
 */
import type { PortCounter, RunFacts } from '../record/facts.js';
import { type MeasureOf, notMeasured, notOffered } from './measured.js';

const isStoreRead = ({ port, operation }: PortCounter) =>
  (port === 'onlineStore' && operation === 'get') || (port === 'warehouse' && operation === 'read');

export function measureCache({ ports, operations }: RunFacts): { 'serving.cache_hit_ratio': MeasureOf<'ratio'> } {
  const answering = new Set(ports.filter((counter) => counter.probe).map(({ role }) => role));
  const storeReads = ports.filter((counter) => isStoreRead(counter) && answering.has(counter.role));
  const keys = operations.keys.reduce((sum, count) => sum + count, 0);
  if (storeReads.length === 0) return { 'serving.cache_hit_ratio': notOffered('no store was read through a port') };
  if (keys === 0) return { 'serving.cache_hit_ratio': notMeasured('no key was looked up') };
  const asked = storeReads.filter((counter) => !counter.probe).reduce((sum, counter) => sum + counter.rows, 0);
  return {
    'serving.cache_hit_ratio': {
      kind: 'ratio',
      numerator: Math.max(0, keys - asked),
      denominator: keys,
      samples: keys,
    },
  };
}
