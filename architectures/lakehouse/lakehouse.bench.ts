/** How fast the lakehouse's own work is, alone: what a change costs the stream, what a row costs serving. */
import { monotonicUs } from '../../harness/clock.js';
import { type Random, seededRandom } from '../../harness/random.js';
import { tableNames } from '../../workloads/change-batch.js';
import { hourUs } from '../../workloads/durations.js';
import { customerActivity } from '../../workloads/feature-view.js';
import { keySampler } from '../../workloads/keys.js';
import { createSeqIndex } from '../../workloads/seq-index.js';
import { type ChangeRows, createChangeRows, toColumns } from './change-rows.js';
import { newRow } from './customer-rows.js';
import { createState } from './customer-state.js';
import { createEvaluation } from './evaluation.js';
import { customersOf, foldBatch, groupByCustomer } from './fold.js';
import { decodeState } from './row-codec.js';

const customers = 100_000;
/** A second of the headline load in batches of 200 ms, on rows that hold a week of history. */
const rowsPerBatch = 4_000;
const batches = 60;
const historyRows = 1_000_000;
const epochUs = 1_768_478_400_000_000;
const drawCustomer = keySampler({ seed: 1, customers, zipfMilli: 800 });

export async function lakehouseBenchmarks(): Promise<{ name: string; perSecond: number; unit: string }[]> {
  const random = seededRandom(1, '/lakehouse');
  const seqs = new Uint32Array(customers);
  const rows = new Array<Uint8Array>(customers).fill(newRow);
  const seen = createSeqIndex(customers);
  const fold = (changes: ChangeRows) => {
    const groups = groupByCustomer(changes);
    const changed = foldBatch({
      rows: changes,
      fresh: changes.count,
      historyLoaded: false,
      prefix: seen.prefix,
      groups,
      customerRows: customersOf(groups).map((customer) => rows[customer] as Uint8Array),
    });
    for (const [i, customer] of changed.customers.entries()) rows[customer] = changed.values[i] as Uint8Array;
  };
  for (let done = 0; done < historyRows; done += 100_000)
    fold(drawChanges(random, seen, seqs, 100_000, () => epochUs - random.below(168 * 3600) * 1e6));

  const changes = Array.from({ length: batches }, (_, i) =>
    drawChanges(random, seen, seqs, rowsPerBatch, () => epochUs + i * 200_000 - random.below(2_000_000)),
  );
  const foldUs = timeUs(() => {
    for (const batch of changes) fold(batch);
  });
  const columnsUs = timeUs(() => {
    for (const batch of changes) toColumns(batch, batch.count);
  });

  const evaluate = createEvaluation(customerActivity);
  const state = createState();
  const reads = Array.from({ length: 100_000 }, () => rows[drawCustomer(random)] as Uint8Array);
  const evaluateUs = timeUs(() => {
    for (const row of reads) {
      decodeState(row, state);
      evaluate(state, epochUs + hourUs);
    }
  });
  return [
    {
      name: 'fold into rows, batches of 200 ms',
      perSecond: (batches * rowsPerBatch * 1e6) / foldUs,
      unit: 'changes/s',
    },
    { name: 'columns for the table', perSecond: (batches * rowsPerBatch * 1e6) / columnsUs, unit: 'changes/s' },
    { name: 'decode and evaluate a row', perSecond: (reads.length * 1e6) / evaluateUs, unit: 'rows/s' },
  ];
}

function timeUs(work: () => void): number {
  const startUs = monotonicUs();
  work();
  return Math.max(1, monotonicUs() - startUs);
}

function drawChanges(
  random: Random,
  seen: ReturnType<typeof createSeqIndex>,
  seqs: Uint32Array,
  count: number,
  drawEventUs: () => number,
): ChangeRows {
  const rows = createChangeRows(count);
  rows.count = count;
  for (let i = 0; i < count; i++) {
    const customer = drawCustomer(random);
    const seq = (seqs[customer] as number) + 1;
    seqs[customer] = seq;
    seen.add(customer, seq);
    const order = random.below(100) < 40;
    rows.customer[i] = customer;
    rows.seq[i] = seq;
    rows.table[i] = tableNames.indexOf(order ? 'orders' : 'clicks');
    rows.commitUs[i] = epochUs;
    rows.entity[i] = random.below(1 << 30);
    rows.eventUs[i] = drawEventUs();
    rows.beforeEventUs[i] = -1;
    rows.amountCents[i] = order ? random.below(100_000) : -1;
    rows.category[i] = order ? random.below(12) : -1;
    rows.emailToken.push(null);
    rows.phoneToken.push(null);
  }
  return rows;
}
