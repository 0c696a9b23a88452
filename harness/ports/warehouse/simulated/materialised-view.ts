/**
 * A materialised feature view: what is known of each entity as of the last refresh. A refresh first finds out what is
 * new, which images enter or leave a window and which entities that changes, without changing anything; then all of it
 * takes effect at once. Rows are made up when they are read.
 */
import type { FeatureView } from '../../../../workloads/feature-view.js';
import { type Source, sourceColumns, type WindowedSource, windowStartUs } from '../feature-sources.js';
import type { ViewRows } from '../port.js';
import {
  createEntity,
  createImagesOf,
  type Entity,
  type EntityLayout,
  layOut,
  moveImage,
  recordImage,
  setDevice,
} from './entity.js';
import { addImage, type Images, imagesBetween } from './images.js';
import { intBytes, type StoredBatch } from './stored-columns.js';
import { countRows, type StoredTable } from './stored-table.js';

export interface MaterialisedView {
  readonly layout: EntityLayout;
  /** Null before the first refresh. */
  asOfUs: number | null;
  refreshes: number;
  /** The first batch of the table of changes that has not been seen. */
  nextBatch: number;
  readonly historyRows: number;
  /** Merged changes that wait for an earlier seq of their entity. */
  waiting: readonly WaitingChange[];
  readonly entities: Map<number, Entity>;
  /** Per source with windows. */
  readonly images: readonly Images[];
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
  const moves = view.layout.windowed.map((source, i) => findMoves(source, view.images[i]!, view.asOfUs, toUs));
  for (const [i, { entity }] of view.images.entries()) {
    for (const { moved } of moves[i]!) for (const image of moved) touched.add(entity[image]!.customer);
  }
  const nextBatch = changes.batches.length;
  return {
    entities: touched.size,
    takeEffect() {
      for (const [i, ofSource] of moves.entries()) for (const move of ofSource) moveAll(view, i, move);
      for (const { batch, rows } of queue.applying) applyChanges(view, batch, rows, toUs);
      for (const [customer, lastSeq] of queue.lastSeqs) entityOf(view, customer).lastSeq = lastSeq;
      view.waiting = queue.waiting;
      view.nextBatch = nextBatch;
      view.asOfUs = toUs;
      view.refreshes++;
      return view;
    },
  };
}

/** The view's row of a customer; null if nothing is known of him. */
export function readRow(
  { layout, entities, asOfUs, refreshes }: MaterialisedView,
  customer: number,
): ViewRows['rows'][number] {
  const entity = entities.get(customer);
  if (!entity) return null;
  if (entity.rowOfRefresh !== refreshes) {
    const features = new Array<number | null>(layout.read.length);
    for (let i = 0; i < features.length; i++) features[i] = layout.read[i]!(entity, asOfUs!);
    entity.row = { lastSeq: entity.lastSeq, features };
    entity.rowOfRefresh = refreshes;
  }
  return entity.row;
}

/** Of its rows as they are served, with customer and `last_seq`, and of its images. */
export function viewBytes({ layout, entities, images }: MaterialisedView): number {
  const served = entities.size * (2 + layout.read.length);
  const kept = images.reduce((values, image) => values + image.count * (3 + image.values.length), 0);
  return intBytes * (served + kept);
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

/** Images that enter a window (n: 1) or leave it (-1). */
interface WindowMove {
  readonly window: number;
  readonly n: 1 | -1;
  readonly moved: readonly number[];
}

/** Between two times of the view; from null, all that are in the windows enter. */
function findMoves({ windows }: WindowedSource, images: Images, fromUs: number | null, toUs: number): WindowMove[] {
  return windows.flatMap((bounds, window): WindowMove[] => {
    const startUs = windowStartUs(toUs, bounds);
    if (fromUs === null) return [{ window, n: 1, moved: imagesBetween(images, startUs, toUs) }];
    const formerStartUs = windowStartUs(fromUs, bounds);
    return [
      { window, n: -1, moved: imagesBetween(images, formerStartUs, Math.min(startUs, fromUs)) },
      { window, n: 1, moved: imagesBetween(images, Math.max(startUs, fromUs), toUs) },
    ];
  });
}

function moveAll({ layout, images }: MaterialisedView, source: number, { window, n, moved }: WindowMove): void {
  const own = images[source]!;
  for (const image of moved)
    moveImage(layout.windowed[source]!, own.entity[image]!.events[source]!, own, image, window, n);
}

/** All history, of which nothing is in a window yet. */
function buildView(definition: FeatureView, history: ViewSources['history'], historyRows: number): MaterialisedView {
  const layout = layOut(definition);
  const view: MaterialisedView = {
    layout,
    asOfUs: null,
    refreshes: 0,
    nextBatch: 0,
    historyRows,
    waiting: [],
    entities: new Map(),
    images: createImagesOf(layout),
  };
  for (const [i, { source, values }] of layout.windowed.entries()) {
    const { eventTime } = sourceColumns[source];
    for (const batch of history[source].batches) {
      const customers = ints(batch, 'customer');
      const add = addTo(view, i, batch, eventTime, values, 1, null);
      for (let row = 0; row < batch.rows; row++) add(row, entityOf(view, customers[row]!));
    }
  }
  for (const [i, { source, column }] of layout.latest.entries()) {
    const { entity, eventTime } = sourceColumns[source];
    for (const batch of history[source].batches) {
      const customers = ints(batch, 'customer');
      const set = setFrom(i, batch, entity, eventTime, column);
      for (let row = 0; row < batch.rows; row++) set(row, entityOf(view, customers[row]!));
    }
  }
  return view;
}

/** Changes that were refused count in last_seq only. */
function applyChanges(view: MaterialisedView, batch: StoredBatch, rows: readonly number[], asOfUs: number): void {
  const { windowed, latest } = view.layout;
  const customers = ints(batch, 'customer');
  const [tables, ops, refused] = ['source_table', 'op', 'refused'].map((name) => batch.columns[name]!);
  const images = windowed.map(({ source, values }, i) => ({
    source,
    addAfter: addTo(view, i, batch, 'event_us', values, 1, asOfUs),
    retractBefore: addTo(
      view,
      i,
      batch,
      'before_event_us',
      values.map((value) => `before_${value}`),
      -1,
      asOfUs,
    ),
  }));
  const states = latest.map(({ source, column }, i) => ({
    source,
    set: setFrom(i, batch, 'entity', 'event_us', column),
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

/** Adds the image of a row to those of its entity, and to the windows that it is in as of a time; null: to none. */
function addTo(
  { layout, images }: MaterialisedView,
  index: number,
  batch: StoredBatch,
  eventTime: string,
  values: readonly string[],
  sign: 1 | -1,
  asOfUs: number | null,
): (row: number, entity: Entity) => void {
  const source = layout.windowed[index]!;
  const own = images[index]!;
  const times = ints(batch, eventTime);
  const columns = values.map((name) => batch.columns[name]!);
  const startsUs = asOfUs === null ? [] : source.windows.map((window) => windowStartUs(asOfUs, window));
  return (row, entity) => {
    const eventUs = times[row]!;
    if (Number.isNaN(eventUs)) return;
    const events = entity.events[index]!;
    const image = addImage(own, entity, eventUs, sign, columns, row);
    recordImage(events, eventUs, sign);
    if (asOfUs === null || eventUs > asOfUs) return;
    for (let w = 0; w < startsUs.length; w++) {
      if (eventUs > startsUs[w]!) moveImage(source, events, own, image, w, 1);
    }
  };
}

/** Replaces what is known of the device of a row. */
function setFrom(
  index: number,
  batch: StoredBatch,
  id: string,
  eventTime: string,
  column: string,
): (row: number, entity: Entity) => void {
  const [ids, times, values] = [ints(batch, id), ints(batch, eventTime), ints(batch, column)];
  return (row, entity) => setDevice(entity.devices[index]!, ids[row]!, times[row]!, values[row]!);
}

function entityOf(view: MaterialisedView, customer: number): Entity {
  let entity = view.entities.get(customer);
  if (!entity) {
    entity = createEntity(view.layout, customer);
    view.entities.set(customer, entity);
  }
  return entity;
}

const ints = (batch: StoredBatch, column: string) => batch.columns[column] as Float64Array;
