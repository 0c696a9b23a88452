/**
 * The ledger: what a plane must hold and serve, from the trace and the outcomes of the appends alone, against what it
 * does hold and serve. Reads from the top as the list of its accounts.
 */
import type { EmissionIndex } from '../../workloads/emissions.js';
import type { FeatureRow } from '../../workloads/feature-view.js';
import { readTrace } from '../../workloads/trace.js';
import type { Quarantined } from '../architecture.js';
import type {
  AppendColumns,
  LedgerFacts,
  OperationColumns,
  ProbeColumns,
  ReadColumns,
  RowMistake,
  RowVerdicts,
} from '../record/facts.js';
import { collectExamples, type Examples } from './examples.js';
import { expectTables } from './expectation.js';
import { countBehind, countReordered, countSkewed, countVisible, finalSeqs } from './final-versions.js';
import type { LiveAnswers } from './live-sample.js';
import { checkMonotonicReads, type Span } from './monotonic-reads.js';
import type { Oracle } from './oracle.js';
import { searchStored } from './personal-data.js';
import { judgePredictions } from './prediction-verdicts.js';
import { judgeRows, type ServedRow } from './row-verdicts.js';
import { compareTables, type ListedChanges, type Pages } from './tables.js';

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
  readonly live: LiveAnswers;
  /** When the plane had been asked to serve an older state. */
  readonly rolledBack: readonly Span[];
  // What comes later is a promise: the accounts of what is there are made while the run drains.
  /** The last row of every customer that has changes; one that is absent counts as behind. */
  readonly finalRows: Promise<readonly FeatureRow[]>;
  /** Null where the plane offers no export: its tables are then not accounted for. */
  readonly exported: Promise<{
    readonly changes: Pages<ListedChanges> | null;
    readonly quarantined: Pages<readonly Quarantined[]> | null;
  }>;
  readonly settledRows: Promise<readonly FeatureRow[] | null>;
  /** Files and folders that the plane stored, once their owners have stopped; searched for personal data. */
  readonly storedPaths: Promise<readonly string[]>;
  /** What was found in these is then not all that there may be. */
  readonly storesElsewhere: boolean;
}

export async function foldLedger(input: LedgerInput): Promise<LedgerFacts> {
  const info = await readTrace(input.trace);
  const { epochUs } = info;
  const { oracle, emissions } = input;
  const examples = collectExamples();
  const expectation = await expectTables({ directory: input.trace, info, emissions, appends: input.appends });
  const judge = (what: string, rows: Iterable<ServedRow>) =>
    judgeRows({ what, rows, oracle, expectation, emissions, epochUs, seed: info.seed, examples });
  const live = together(
    await judge('live row', input.live.rows),
    await judgePredictions({ predictions: input.live.predictions, oracle, expectation, emissions, examples }),
  );
  const monotonic = checkMonotonicReads({
    ...input,
    customers: info.contract.customers,
    epochUs,
    examples,
  });
  const finalRows = await input.finalRows;
  const final = await judge('final row', finalRows);
  const seqs = finalSeqs(finalRows, expectation);
  const behind = countBehind(seqs, expectation, examples);
  const reordered = countReordered(seqs, monotonic.shownSeq, examples);
  const { changes, quarantined } = await input.exported;
  const tables = changes
    ? await compareTables({ exported: changes, quarantined, expectation, emissions, epochUs, examples })
    : null;
  const settledRows = await input.settledRows;
  const settled = settledRows && (await judge('settled row', settledRows));
  const leaks = await countLeaks(await input.storedPaths, info.personalSamples, examples);
  const { attempted, acknowledged, failed, indeterminate, unacknowledged } = expectation;
  return {
    attempted,
    acknowledged,
    failed,
    indeterminate,
    unacknowledged,
    tables: tables && { ...tables.facts, skewed: countSkewed(seqs, tables.held, expectation, examples) },
    final,
    live,
    settled,
    visible: countVisible(seqs, expectation),
    behind,
    reordered,
    monotonicViolations: monotonic.violations,
    personalDataLeaks: leaks === 0 && input.storesElsewhere ? null : leaks,
    examples: examples.chosen(),
  };
}

function together(one: RowVerdicts, other: RowVerdicts): RowVerdicts {
  const mistakes = { ...one.mistakes };
  for (const [mistake, count] of Object.entries(other.mistakes) as [RowMistake, number][])
    mistakes[mistake] = (mistakes[mistake] ?? 0) + count;
  return { checked: one.checked + other.checked, right: one.right + other.right, mistakes };
}

async function countLeaks(paths: readonly string[], needles: readonly string[], examples: Examples): Promise<number> {
  const leaks = await searchStored(paths, needles);
  for (const { path, place, needle } of leaks) {
    examples.add('personal data', () => `"${needle}" is stored in ${path}${place ? `, ${place}` : ''}`);
  }
  return leaks.length;
}
