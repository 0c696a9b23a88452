/**
 * The ledger: what a plane must hold and serve, from the trace and the outcomes of the appends alone, against what it
 * does hold and serve. Reads from the top as the list of its accounts.
 */
import type { EmissionIndex } from '../../workloads/emissions.js';
import type { FeatureRow } from '../../workloads/feature-view.js';
import { readTrace } from '../../workloads/trace.js';
import type { ChangeKey, Quarantined } from '../architecture.js';
import type { AppendColumns, LedgerFacts, OperationColumns, ProbeColumns, ReadColumns } from '../record/facts.js';
import { collectExamples, type Examples } from './examples.js';
import { type Expectation, expectTables } from './expectation.js';
import { countMonotonicViolations } from './monotonic-reads.js';
import type { Oracle } from './oracle.js';
import { searchStored } from './personal-data.js';
import { judgeRows, type ServedRow } from './row-verdicts.js';
import { compareTables, type Pages } from './tables.js';

export interface LedgerInput {
  /** Folder of the trace that the run replayed. */
  readonly trace: string;
  /** Of that trace. */
  readonly oracle: Oracle;
  readonly emissions: EmissionIndex;
  readonly appends: AppendColumns;
  readonly operations: OperationColumns;
  readonly reads: ReadColumns;
  readonly probes: ProbeColumns;
  readonly panel: readonly number[];
  /** Null where the plane offers no export: its tables are then not accounted for. */
  readonly exported: Pages<ChangeKey> | null;
  readonly quarantined: Pages<Quarantined> | null;
  /** The last row of every customer that has changes; one that is absent counts as behind. */
  readonly finalRows: readonly FeatureRow[];
  readonly settledRows: readonly FeatureRow[] | null;
  readonly liveRows: Iterable<ServedRow>;
  /** Files and folders that the plane stored; searched for personal data once their owners have stopped. */
  readonly storedPaths: readonly string[];
}

export async function foldLedger(input: LedgerInput): Promise<LedgerFacts> {
  const info = await readTrace(input.trace);
  const { epochUs } = info;
  const { oracle, emissions } = input;
  const examples = collectExamples();
  // Reads files while the oracle works: neither waits for the other.
  const leaks = countLeaks(input.storedPaths, info.personalSamples, examples);
  leaks.catch(() => {});
  const expectation = await expectTables({ directory: input.trace, info, appends: input.appends });
  const tables = input.exported
    ? await compareTables({ ...input, exported: input.exported, expectation, epochUs, examples })
    : null;
  const judge = (what: string, rows: Iterable<ServedRow>) =>
    judgeRows({ what, rows, oracle, expectation, emissions, epochUs, examples });
  const final = await judge('final row', input.finalRows);
  const settled = input.settledRows && (await judge('settled row', input.settledRows));
  const live = await judge('live row', input.liveRows);
  const behind = countBehind(input.finalRows, expectation, examples);
  const monotonicViolations = countMonotonicViolations({
    ...input,
    customers: info.contract.customers,
    epochUs,
    examples,
  });
  const personalDataLeaks = await leaks;
  const { attempted, acknowledged, failed, indeterminate } = expectation;
  return {
    attempted,
    acknowledged,
    failed,
    indeterminate,
    tables,
    final,
    live,
    settled,
    behind,
    monotonicViolations,
    personalDataLeaks,
    examples: examples.chosen(),
  };
}

function countBehind(rows: readonly FeatureRow[], { numbers, certainSeq }: Expectation, examples: Examples): number {
  const shown = new Float64Array(numbers.customers).fill(-1);
  for (const { key, lastSeq } of rows) {
    const customer = Number(key);
    if (lastSeq > (shown[customer] ?? Number.POSITIVE_INFINITY)) shown[customer] = lastSeq;
  }
  let behind = 0;
  certainSeq.forEach((seq, customer) => {
    if (seq === 0 || shown[customer]! >= seq) return;
    behind++;
    const state = shown[customer]! < 0 ? 'could not be read' : `is at seq ${shown[customer]}`;
    examples.add('behind', () => `the final row of customer ${customer} ${state}, acknowledged are all up to ${seq}`);
  });
  return behind;
}

async function countLeaks(paths: readonly string[], needles: readonly string[], examples: Examples): Promise<number> {
  const leaks = await searchStored(paths, needles);
  for (const { path, place, needle } of leaks) {
    examples.add('personal data', () => `"${needle}" is stored in ${path}${place ? `, ${place}` : ''}`);
  }
  return leaks.length;
}
