/** After the load: what the tables have become, as the plane tells it, and what lies in storage, as the harness found it. */
import type { PriceBook } from '../../reports/summary.js';
import type { Inventory } from '../architecture.js';
import type { RunFacts, StoredBytes } from '../record/facts.js';
import { type AbsentMeasure, type MeasureOf, notMeasured, notOffered } from './measured.js';

export function measureStorage(run: RunFacts, { prices }: Pick<PriceBook, 'prices'>) {
  const inventory = run.inventories.afterLoad;
  const absent: AbsentMeasure | null = inventory === null ? notOffered('the plane gives no inventory') : null;
  return {
    'storage.small_files_per_million_rows': absent ?? smallFiles(run),
    'storage.files': absent ?? once(inventory?.files ?? Number.NaN),
    ...measureStored(run),
    ...measureTiers(absent ?? inventory?.tiers, prices),
  };
}

const once = (figure: number): MeasureOf<'ratio'> => ({ kind: 'ratio', numerator: figure, denominator: 1, samples: 1 });

function measureStored({ outside, stored }: RunFacts) {
  const absent = outside
    ? notMeasured('what the system behind the roles stores lies elsewhere')
    : stored === null
      ? notMeasured('nobody could look at all that is stored')
      : null;
  const of = (ports: readonly (StoredBytes[keyof StoredBytes] | undefined)[]) => {
    const used = ports.flatMap((bytes) => bytes ?? []);
    if (absent !== null) return absent;
    return used.length === 0
      ? notOffered('the plane stores nothing there')
      : once(used.reduce((sum, { hot, warm, cold }) => sum + hot + warm + cold, 0));
  };
  const { onlineStore, tables, warehouse } = stored ?? {};
  return {
    'storage.bytes': of([onlineStore, tables, warehouse]),
    'storage.bytes_online_store': of([onlineStore]),
    'storage.bytes_tables': of([tables]),
    'storage.bytes_warehouse': of([warehouse]),
  };
}

type Tiers = NonNullable<Inventory['tiers']>;

/** What lies in lower tiers and what that saves, against the same rows left hot. */
function measureTiers(tiers: Tiers | AbsentMeasure | undefined, prices: PriceBook['prices']) {
  const share = (part: (of: Tiers) => number, whole: (of: Tiers) => number): MeasureOf<'ratio'> => {
    if (tiers === undefined) return notOffered('the plane has no tiers');
    if ('kind' in tiers) return tiers;
    if (whole(tiers) === 0) return notMeasured('the tables hold no bytes');
    const { warm, cold } = tiers;
    const note = [
      `warm ${warm.files} files of ${warm.bytes} bytes, ${warm.hotBytes} when hot`,
      `cold ${cold.files} of ${cold.bytes}, ${cold.hotBytes} when hot`,
    ].join('; ');
    const samples = warm.files + cold.files;
    return { kind: 'ratio', numerator: part(tiers), denominator: whole(tiers), samples, note };
  };
  const bytes = ({ hot, warm, cold }: Tiers) => hot.bytes + warm.bytes + cold.bytes;
  const hotBytes = ({ hot, warm, cold }: Tiers) => hot.hotBytes + warm.hotBytes + cold.hotBytes;
  const { storage, storageWarm, storageCold } = prices;
  const cost = ({ hot, warm, cold }: Tiers) =>
    hot.bytes * storage.value + warm.bytes * storageWarm.value + cold.bytes * storageCold.value;
  const costIfHot = (of: Tiers) => hotBytes(of) * storage.value;
  return {
    'storage.tiered': share(({ warm, cold }) => warm.bytes + cold.bytes, bytes),
    'storage.tier_bytes_saved': share((of) => hotBytes(of) - bytes(of), hotBytes),
    'storage.tier_cost_saved': share((of) => costIfHot(of) - cost(of), costIfHot),
  };
}

function smallFiles({ inventories: { afterLoad } }: RunFacts): MeasureOf<'ratio'> {
  if (afterLoad === null || afterLoad.rows === 0) return notMeasured('the tables hold no rows');
  return {
    kind: 'ratio',
    numerator: afterLoad.smallFiles,
    denominator: afterLoad.rows / 1e6,
    samples: afterLoad.files,
    note: `data files below ${afterLoad.smallFileBytes} bytes`,
  };
}
