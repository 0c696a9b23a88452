/** Loading history: from the request until the rows that are served equal the oracle's. A terabyte is 10^12 bytes. */
import type { BackfillFact, RunFacts } from '../record/facts.js';
import { type MeasureOf, notMeasured, notOffered } from './measured.js';

const bytesPerTb = 1e12;

export function measureBackfill({ backfill }: RunFacts) {
  const offered = (measure: (fact: BackfillFact) => MeasureOf<'ratio'>): MeasureOf<'ratio'> => {
    if (backfill === null) return notOffered('the plane loads no history');
    if (backfill.wrongRows > 0) {
      return notMeasured(`${backfill.wrongRows} of ${backfill.checkedRows} served rows never equalled the oracle`);
    }
    return measure(backfill);
  };
  const perTb = (bytesOf: (fact: BackfillFact) => number) =>
    offered((fact) => ({
      kind: 'ratio',
      numerator: fact.hostUs,
      denominator: bytesOf(fact) / bytesPerTb,
      samples: fact.rows,
      ...(fact.filesByReference === 0 ? {} : { note: `${fact.filesByReference} files were taken by reference` }),
    }));
  const wrong: MeasureOf<'count'> =
    backfill === null ? notOffered('the plane loads no history') : { kind: 'count', count: backfill.wrongRows };
  return {
    'backfill.time_per_tb': perTb(({ parquetBytes }) => parquetBytes),
    'backfill.time_per_tb_columns': perTb(({ columnBytes }) => columnBytes),
    'backfill.rows_per_s': offered(({ rows, toldRows, hostUs }) => ({
      kind: 'ratio',
      numerator: rows,
      denominator: hostUs / 1e6,
      samples: rows,
      ...(toldRows === rows ? {} : { note: `rows of the files; the plane tells of ${toldRows}` }),
    })),
    'backfill.wrong_rows': wrong,
  };
}
