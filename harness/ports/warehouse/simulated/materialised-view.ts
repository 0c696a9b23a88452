/**
 * A materialised feature view: the images of history and of the changes that apply, as of the last refresh. A refresh
 * finds out what is new and which entities it changes, without changing anything; then all of it takes effect at once.
 * Rows are computed when they are read, from what the last refresh left.
 */
import type { FeatureView } from '../../../../workloads/feature-view.js';
import { type Source, sourceColumns, type WindowedSource, windowStartUs } from '../feature-sources.js';
import type { ViewRows } from '../port.js';
import { addImage, findEntities, type Images, type TimeRange } from './images.js';
import type { StoredBatch, StoredColumn } from './stored-columns.js';
import { countRows, type StoredTable } from './stored-table.js';
import {
  createEntity,
  createImagesOf,
  type Entity,
  type Evaluation,
  evaluateAt,
  layOut,
  type ViewLayout,
} from './view-rows.js';

type ViewRow = NonNullable<ViewRows['rows'][number]>;

export interface MaterialisedView {
  readonly layout: ViewLayout;
  /** Null before the first refresh. */
  asOfUs: number | null;
  /** The first batch of the table of changes that has not been seen. */
  nextBatch: number;
  readonly historyRows: number;
  /** Merged changes that wait for an earlier seq of their entity. */
  waiting: readonly WaitingChange[];
  readonly entities: Map<number, Entity>;
  /** Per source with windows. */
  readonly images: readonly Images[];
  evaluation: Evaluation;
  /** Those that were read since the last refresh. */
  readonly rows: Map<number, ViewRow>;
}

interface WaitingChange {
  readonly batch: StoredBatch;
  readonly row: number;
  readonly customer: number;
  readonly seq: number;
}

export interface ViewSources {
  readonly history: Readonly<Record<Source, StoredTable>>;
  readonly changes: StoredTable;
}

/** A refresh that was found out but has not taken effect. */
export interface RefreshPlan {
  /** How many change. */
  readonly entities: number;
  /** Makes it so; the view is the one before or, if there was none or history has grown, a new one. */
  takeEffect(): MaterialisedView;
}

export function planRefresh(
  known: MaterialisedView | null,
  definition: FeatureView,
  { history, changes }: ViewSources,
  asOfUs: number,
): RefreshPlan {
  const historyRows = Object.values(history).reduce((sum, table) => sum + countRows(table), 0);
  const isNew = known === null || known.historyRows !== historyRows;
  const view = isNew ? buildView(definition, history, historyRows) : known;
  const queue = queueChanges(view, changes.batches.slice(view.nextBatch));
  const toUs = Math.max(asOfUs, known?.asOfUs ?? 0, queue.latestCommitUs);

  const touched = new Set(queue.lastSeqs.keys());
  for (const [i, source] of view.layout.windowed.entries()) {
    for (const range of crossedRanges(source, view.asOfUs, toUs)) findEntities(view.images[i]!, range, touched);
  }
  const nextBatch = changes.batches.length;
  return {
    entities: touched.size,
    takeEffect() {
      for (const { batch, rows } of queue.applying) applyChanges(view, batch, rows);
      for (const [customer, lastSeq] of queue.lastSeqs) entityOf(view, customer).lastSeq = lastSeq;
      view.waiting = queue.waiting;
      view.nextBatch = nextBatch;
      view.asOfUs = toUs;
      view.evaluation = evaluateAt(view.layout, view.images, toUs);
      view.rows.clear();
      return view;
    },
  };
}

/** The view's row of a customer; null if nothing is known of him. */
export function readRow(view: MaterialisedView, customer: number): ViewRow | null {
  const read = view.rows.get(customer);
  if (read) return read;
  const entity = view.entities.get(customer);
  if (!entity) return null;
  const row = { lastSeq: entity.lastSeq, features: view.evaluation(entity) };
  view.rows.set(customer, row);
  return row;
}

interface Queue {
  /** What applies: rows in the order of their seqs within each customer. */
  readonly applying: readonly { readonly batch: StoredBatch; readonly rows: number[] }[];
  /** What it moves each customer's last_seq to. */
  readonly lastSeqs: ReadonlyMap<number, number>;
  readonly waiting: readonly WaitingChange[];
  readonly latestCommitUs: number;
}

/** Of the changes that are new or were waiting, those that follow their customer's last_seq without a gap. */
function queueChanges({ entities, waiting }: MaterialisedView, batches: readonly StoredBatch[]): Queue {
  const applying: { batch: StoredBatch; rows: number[] }[] = [];
  const lastSeqs = new Map<number, number>();
  let latestCommitUs = 0;
  const applies = (batch: StoredBatch, row: number, customer: number, seq: number) => {
    const last = lastSeqs.get(customer) ?? entities.get(customer)?.lastSeq ?? 0;
    if (seq !== last + 1) return false;
    lastSeqs.set(customer, seq);
    if (applying.at(-1)?.batch !== batch) applying.push({ batch, rows: [] });
    applying.at(-1)!.rows.push(row);
    latestCommitUs = Math.max(latestCommitUs, ints(batch, 'commit_us')[row]!);
    return true;
  };

  const gaps = [...waiting];
  for (const batch of batches) {
    const customers = ints(batch, 'customer');
    const seqs = ints(batch, 'seq');
    for (let row = 0; row < batch.rows; row++) {
      const customer = customers[row]!;
      const seq = seqs[row]!;
      if (!applies(batch, row, customer, seq)) gaps.push({ batch, row, customer, seq });
    }
  }
  gaps.sort((a, b) => a.customer - b.customer || a.seq - b.seq);
  const stillWaiting = gaps.filter(({ batch, row, customer, seq }) => !applies(batch, row, customer, seq));
  return { applying, lastSeqs, waiting: stillWaiting, latestCommitUs };
}

/** Where an image changes a window that moves: it is in the new one or was in the old one, and not both. */
function crossedRanges({ windows }: WindowedSource, fromUs: number | null, toUs: number): TimeRange[] {
  const ranges = windows.flatMap((window): TimeRange[] => {
    const afterUs = windowStartUs(toUs, window);
    if (fromUs === null) return [{ afterUs, upToUs: toUs }];
    const beforeUs = windowStartUs(fromUs, window);
    return [
      { afterUs: beforeUs, upToUs: Math.min(afterUs, fromUs) },
      { afterUs: Math.max(afterUs, fromUs), upToUs: toUs },
    ];
  });
  return ranges.filter(
    ({ afterUs, upToUs }, i) =>
      afterUs < upToUs && ranges.findIndex((other) => other.afterUs === afterUs && other.upToUs === upToUs) === i,
  );
}

function buildView(definition: FeatureView, history: ViewSources['history'], historyRows: number): MaterialisedView {
  const layout = layOut(definition);
  const view: MaterialisedView = {
    layout,
    asOfUs: null,
    nextBatch: 0,
    historyRows,
    waiting: [],
    entities: new Map(),
    images: createImagesOf(layout),
    evaluation: () => [],
    rows: new Map(),
  };
  for (const [i, { source, values }] of layout.windowed.entries()) {
    const { eventTime } = sourceColumns[source];
    for (const batch of history[source].batches) {
      const customers = ints(batch, 'customer');
      const add = addTo(view, i, batch, eventTime, values, 1);
      for (let row = 0; row < batch.rows; row++) add(row, entityOf(view, customers[row]!));
    }
  }
  for (const [i, { source, column }] of layout.latest.entries()) {
    const { entity, eventTime } = sourceColumns[source];
    for (const batch of history[source].batches) {
      const customers = ints(batch, 'customer');
      const set = setCurrent(i, batch, entity, eventTime, column);
      for (let row = 0; row < batch.rows; row++) set(row, entityOf(view, customers[row]!));
    }
  }
  return view;
}

/** Changes that were refused count in last_seq only. */
function applyChanges(view: MaterialisedView, batch: StoredBatch, rows: readonly number[]): void {
  const { windowed, latest } = view.layout;
  const customers = ints(batch, 'customer');
  const [tables, ops, refused] = ['source_table', 'op', 'refused'].map((name) => batch.columns[name]!);
  const images = windowed.map(({ source, values }, i) => ({
    source,
    addAfter: addTo(view, i, batch, 'event_us', values, 1),
    retractBefore: addTo(
      view,
      i,
      batch,
      'before_event_us',
      values.map((value) => `before_${value}`),
      -1,
    ),
  }));
  const states = latest.map(({ source, column }, i) => ({
    source,
    set: setCurrent(i, batch, 'entity', 'event_us', column),
  }));
  for (const row of rows) {
    const entity = entityOf(view, customers[row]!);
    if (refused![row] !== null) continue;
    const table = tables![row];
    for (const { source, addAfter, retractBefore } of images) {
      if (source !== table) continue;
      if (ops![row] !== 'd') addAfter(row, entity);
      if (ops![row] !== 'c') retractBefore(row, entity);
    }
    for (const { source, set } of states) if (source === table) set(row, entity);
  }
}

/** Adds the image of a row to those of its entity. */
function addTo(
  view: MaterialisedView,
  sourceIndex: number,
  batch: StoredBatch,
  eventTime: string,
  values: readonly string[],
  sign: 1 | -1,
): (row: number, entity: Entity) => void {
  const images = view.images[sourceIndex]!;
  const customers = ints(batch, 'customer');
  const times = ints(batch, eventTime);
  const columns: StoredColumn[] = values.map((name) => batch.columns[name]!);
  return (row, entity) => {
    if (Number.isNaN(times[row])) return;
    const { lastImage } = entity;
    lastImage[sourceIndex] = addImage(
      images,
      customers[row]!,
      times[row]!,
      sign,
      columns,
      row,
      lastImage[sourceIndex]!,
    );
  };
}

/** Replaces what is known of the device of a row. */
function setCurrent(
  featureIndex: number,
  batch: StoredBatch,
  id: string,
  eventTime: string,
  column: string,
): (row: number, entity: Entity) => void {
  const [ids, times, values] = [ints(batch, id), ints(batch, eventTime), ints(batch, column)];
  return (row, entity) => {
    entity.current[featureIndex]!.set(ids[row]!, { eventUs: times[row]!, value: values[row]! });
  };
}

function entityOf(view: MaterialisedView, customer: number): Entity {
  let entity = view.entities.get(customer);
  if (!entity) {
    entity = createEntity(view.layout);
    view.entities.set(customer, entity);
  }
  return entity;
}

const ints = (batch: StoredBatch, column: string) => batch.columns[column] as Float64Array;
