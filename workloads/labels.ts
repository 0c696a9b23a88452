/**
 * Labels of a training set: what became of a customer, at a moment of event time, told some time later. Most are there
 * when the load has ended; the late ones come in a file of their own, as a source delivers them. Where a label lies in
 * time is all that a plane must respect: its features are those of that moment, whenever it arrived.
 */
import type { ColumnBatch, Schema } from '../harness/ports/columns.js';
import { seededRandom } from '../harness/random.js';
import { keySampler } from './keys.js';
import type { Workload } from './workload.js';

export const labelSchema = [
  { name: 'label_id', type: 'int', nullable: false },
  { name: 'customer', type: 'int', nullable: false },
  { name: 'label_us', type: 'int', nullable: false },
  /** 0 or 1. */
  { name: 'label', type: 'int', nullable: false },
  { name: 'arrived_us', type: 'int', nullable: false },
] as const satisfies Schema;

export interface LabelWorkload {
  readonly rows: number;
  /** Share of ones, in millionths. The paper's imbalance is 5 to 20 % (section 4.2). */
  readonly positivePpm: number;
  /** Share that arrives only after the load, in millionths. */
  readonly latePpm: number;
}

export interface LabelOptions {
  readonly labels: LabelWorkload;
  readonly workload: Workload;
  readonly seed: number;
  /** Labels lie from here on: history has no order in which it became known. */
  readonly startUs: number;
  readonly endUs: number;
}

export interface Labels {
  /** Those that had arrived at `endUs`. */
  readonly onTime: ColumnBatch;
  readonly late: ColumnBatch;
}

export function generateLabels(options: LabelOptions): Labels {
  const { labels, workload, startUs, endUs } = options;
  const { customers } = workload.contract;
  const random = seededRandom(options.seed, '/labels');
  // Half of them of customers as they are drawn by activity: a training set is full of those with many changes.
  const drawActive = keySampler({ seed: options.seed, customers, zipfMilli: workload.changes.zipfMilli });
  const kept = { onTime: emptyColumns(), late: emptyColumns() };
  const spanUs = endUs - startUs;
  for (let id = 0; id < labels.rows; id++) {
    const isLate = random.below(1_000_000) < labels.latePpm;
    const labelUs = startUs + random.below(spanUs);
    const waitsUs = isLate ? endUs - labelUs + random.below(spanUs) : random.below(endUs - labelUs);
    const { label_id, customer, label_us, label, arrived_us } = isLate ? kept.late : kept.onTime;
    label_id.push(id);
    customer.push(random.below(2) === 0 ? drawActive(random) : random.below(customers));
    label_us.push(labelUs);
    label.push(random.below(1_000_000) < labels.positivePpm ? 1 : 0);
    arrived_us.push(labelUs + waitsUs);
  }
  return { onTime: batchOf(kept.onTime), late: batchOf(kept.late) };
}

type LabelColumns = Record<(typeof labelSchema)[number]['name'], number[]>;

function emptyColumns(): LabelColumns {
  return { label_id: [], customer: [], label_us: [], label: [], arrived_us: [] };
}

const batchOf = (columns: LabelColumns): ColumnBatch => ({ rows: columns.label_id.length, columns });
