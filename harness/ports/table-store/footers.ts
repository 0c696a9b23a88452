/** What Parquet files say of the bytes of their columns: how much of what a query read it had asked for. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteText } from '../duckdb-columns.js';
import type { Predicate } from './port.js';
import { conditionOf } from './predicate.js';

export interface MeasuredFiles {
  readonly liveBytes: number;
  readonly requestedBytes: number;
}

/** Bytes of `columns`, compressed: for the share of the rows for which `where` holds, and of the row groups that may have any. */
export async function measureFiles(
  connection: DuckDBConnection,
  options: {
    /** SQL of all rows of the files. */
    readonly rows: string;
    readonly where: Predicate | undefined;
    readonly paths: readonly string[];
    readonly columns: ReadonlySet<string>;
  },
): Promise<MeasuredFiles> {
  const { paths, columns, where } = options;
  const names = Array.from(columns, quoteText).join(', ');
  const bytes = `coalesce(sum(total_compressed_size) FILTER (WHERE path_in_schema IN (${names === '' ? 'NULL' : names})), 0)`;
  // Of texts and partition values nothing is ruled out here: their bounds may have been cut, or are not in the files.
  const bound = (which: string) =>
    where === undefined
      ? 'NULL::BIGINT'
      : `try_cast(any_value(stats_${which}_value) FILTER (WHERE path_in_schema = ${quoteText(where.column)}) AS BIGINT)`;
  const groups = `
    SELECT any_value(row_group_num_rows) AS rows, ${bytes} AS bytes,
      ${bound('min')} AS least, ${bound('max')} AS greatest
    FROM parquet_metadata([${paths.map(quoteText).join(', ')}]) GROUP BY file_name, row_group_id`;
  const summed = await connection.runAndReadAll(`
    SELECT coalesce(sum(rows), 0)::DOUBLE, coalesce(sum(bytes), 0)::DOUBLE,
      coalesce(sum(bytes) FILTER (WHERE ${mayHoldSql(where)}), 0)::DOUBLE FROM (${groups})`);
  const [rows, allBytes, requestedBytes] = summed.getRows()[0] as [number, number, number];
  if (where === undefined || rows === 0) return { liveBytes: allBytes, requestedBytes };
  const counted = await connection.runAndReadAll(
    `SELECT count(*)::DOUBLE FROM ${options.rows} WHERE ${conditionOf(where)}`,
  );
  const asked = counted.getRows()[0]?.[0] as number;
  return { liveBytes: Math.round((allBytes / rows) * asked), requestedBytes };
}

/** Of a row group with these bounds; null bounds are unknown. */
function mayHoldSql(where: Predicate | undefined): string {
  if (where === undefined) return 'true';
  if ('values' in where) {
    if (where.values.length === 0) return 'false';
    if (where.values.some((value) => typeof value === 'string')) return 'true';
    const within = `list_filter([${where.values.join(', ')}], value -> value BETWEEN least AND greatest)`;
    return `least IS NULL OR greatest IS NULL OR len(${within}) > 0`;
  }
  const { from, to } = where;
  const bounds = [
    ...(from === undefined ? [] : [`(greatest IS NULL OR greatest >= ${from})`]),
    ...(to === undefined ? [] : [`(least IS NULL OR least < ${to})`]),
  ];
  return bounds.length === 0 ? 'true' : bounds.join(' AND ');
}
