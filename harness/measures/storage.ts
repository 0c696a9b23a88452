/** What the tables have become after the load, by the plane's own inventory. */
import type { RunFacts } from '../record/facts.js';
import { type AbsentMeasure, type MeasureOf, notMeasured, notOffered } from './measured.js';

export function measureStorage(run: RunFacts) {
  const inventory = run.inventories.afterLoad;
  const absent: AbsentMeasure | null = inventory === null ? notOffered('the plane gives no inventory') : null;
  const once = (figure: number): MeasureOf<'ratio'> => ({
    kind: 'ratio',
    numerator: figure,
    denominator: 1,
    samples: 1,
  });
  return {
    'storage.small_files_per_million_rows': absent ?? smallFiles(run),
    'storage.files': absent ?? once(inventory?.files ?? Number.NaN),
    'storage.bytes': absent ?? once(inventory?.bytes ?? Number.NaN),
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
