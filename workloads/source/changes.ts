/**
 * The source database at work: one slot of changes after another, as columns. What a change is, which customer it falls
 * on and what dirt befalls it is drawn here; payloads.ts writes it as Avro.
 *
 * A change that will be refused leaves nothing behind that a later change builds on, so that no sound change retracts
 * what was never applied.
 */
import { UsageError } from '../../harness/errors.js';
import type { Random } from '../../harness/random.js';
import { bounds } from '../contracts/decoder.js';
import { hourUs } from '../durations.js';
import type { KeySampler } from '../keys.js';
import { refusals } from '../refusals.js';
import type { Workload } from '../workload.js';
import { products } from './history.js';
import type { Pools } from './pools.js';
import { dirtyPpm, type Regime, regimeAt, regimesOf } from './regime.js';
import {
  devicesOwned,
  drawAmountCents,
  drawCategory,
  forgetOrder,
  keepOrder,
  ordersKept,
  type SourceState,
} from './state.js';

export const channels = ['', 'web', 'app', 'shop'] as const;

/** The changes of a slot, in commit order; columns that a table does not have keep an earlier value. */
export interface SlotChanges {
  count: number;
  readonly slot: number;
  /** Slot in which the change is offered: `slot`, or a later one if it is held back. */
  readonly emitSlot: Int32Array;
  /** Slot in which its copy is offered; -1: it has none. */
  readonly copySlot: Int32Array;
  readonly commitUs: Float64Array;
  readonly lsn: Float64Array;
  readonly customer: Uint32Array;
  readonly seq: Uint32Array;
  readonly table: Uint8Array;
  readonly op: Uint8Array;
  readonly schemaVersion: Uint8Array;
  /** 0: sound, else what the contract will say (index into `refusals`). */
  readonly refusal: Uint8Array;
  /** How the bytes are broken (index into `damages`). */
  readonly damage: Uint8Array;
  /** Customer in the images; another than `customer` only in a violation. */
  readonly rowCustomer: Uint32Array;
  readonly entity: Float64Array;
  readonly eventUs: Float64Array;
  readonly beforeEventUs: Float64Array;
  readonly amountCents: Int32Array;
  readonly beforeAmountCents: Int32Array;
  readonly category: Uint8Array;
  readonly beforeCategory: Uint8Array;
  readonly status: Uint8Array;
  readonly beforeStatus: Uint8Array;
  readonly channel: Uint8Array;
  readonly beforeChannel: Uint8Array;
  readonly risk: Int32Array;
  readonly beforeRisk: Int32Array;
  readonly product: Int32Array;
  readonly page: Uint16Array;
  readonly email: Uint16Array;
  readonly beforeEmail: Uint16Array;
  readonly phone: Uint16Array;
  readonly beforePhone: Uint16Array;
}

export const damages = ['none', 'cut', 'bad union'] as const;

export interface ChangeSource {
  readonly slots: number;
  /** The last seq given to each customer. */
  readonly lastSeq: Uint32Array;
  /** The changes of the next slot; reused by the next call. */
  next(): SlotChanges;
}

export interface ChangeSourceOptions {
  readonly workload: Workload;
  readonly epochUs: number;
  readonly durationUs: number;
  readonly drawCustomer: KeySampler;
  readonly pools: Pools;
  readonly random: Random;
}

const [orders, clicks, devices, customers] = [0, 1, 2, 3] as const;
const [create, update, remove] = [0, 1, 2] as const;
const [cut, badUnion] = [1, 2] as const;
const late = refusals.indexOf('late');
const undecodable = refusals.indexOf('undecodable');
const outOfRange = refusals.indexOf('out_of_range');
const incompatible = refusals.indexOf('incompatible_schema');

/** Of a hundred changes, upper ends of the ranges: clicks, new orders, order updates, order deletes, devices, customers. */
const clicksUntil = 55;
const insertsUntil = 80;
const updatesUntil = 88;
const deletesUntil = 91;
const devicesUntil = 99;

/** For how long, and for one change in how many, the source tries the incompatible schema. */
const breakForUs = 1_000_000;
const breakEvery = 100;

/** An event happened up to this long before the source committed it. */
const eventLagUs = 2_000_000;
const heldBackUs = { from: 20_000, to: 300_000 } as const;
const copiedUs = { from: 10_000, to: 2_000_000 } as const;

type Fate = 'plain' | 'late' | 'violating' | 'held back' | 'copied' | 'poisoned' | 'incompatible';
/** Fates of changes that the contract accepts: later changes build on them. */
const soundFates: ReadonlySet<Fate> = new Set(['plain', 'held back', 'copied']);
/** What befalls a change by the shares of dirt, in the order in which they are drawn: a new kind comes last. */
const dirtyFates: readonly (readonly [Fate, keyof Regime['dirt']])[] = [
  ['late', 'latePpm'],
  ['violating', 'violationPpm'],
  ['held back', 'outOfOrderPpm'],
  ['copied', 'duplicatePpm'],
  ['poisoned', 'poisonPpm'],
  ['incompatible', 'incompatiblePpm'],
];

export function createChangeSource(options: ChangeSourceOptions, state: SourceState): ChangeSource {
  checkWorkload(options);
  const { epochUs, pools, drawCustomer } = options;
  const { slotUs, evolveAfterUs, breakAfterUs } = options.workload.changes;
  const { allowedLatenessUs } = options.workload.contract;
  const slots = Math.floor(options.durationUs / slotUs);
  const { random } = options;
  const lastSeq = new Uint32Array(state.customers);
  const columns = emptyColumns(slotCapacity(options.workload));

  let slot = -1;
  let lsn = 0;
  let commitUs = 0;
  /** Changes owed, in millionths. */
  let owed = 0;
  let sinceBreak = 0;
  let regime = regimeAt(options.workload.changes, 0);

  const next = (): SlotChanges => {
    slot++;
    const slotStartUs = slot * slotUs;
    regime = regimeAt(options.workload.changes, slotStartUs);
    owed += regime.perSecond * slotUs;
    const count = Math.floor(owed / 1_000_000);
    owed -= count * 1_000_000;
    // Commits of a slot are spread over a slot's length that ends up to another slot's length before the slot.
    const firstCommitUs = epochUs + slotStartUs - slotUs - random.below(slotUs);
    columns.slot = slot;
    columns.count = count;
    for (let i = 0; i < count; i++) {
      commitUs = Math.max(commitUs + 1, firstCommitUs + Math.floor((i * slotUs) / count));
      generate(i);
    }
    return columns;
  };

  const generate = (i: number): void => {
    let fate = drawFate();
    const lateSlot = fate === 'late' ? drawLateSlot() : slot;
    if (lateSlot >= slots) fate = 'plain';
    const uniform = fate === 'late' || fate === 'incompatible';
    const customer = uniform ? random.below(state.customers) : drawCustomer(random);
    const sound = soundFates.has(fate);
    columns.commitUs[i] = commitUs;
    columns.lsn[i] = ++lsn;
    columns.customer[i] = columns.rowCustomer[i] = customer;
    columns.seq[i] = lastSeq[customer] = (lastSeq[customer] as number) + 1;
    columns.emitSlot[i] = slot;
    columns.copySlot[i] = -1;
    columns.refusal[i] = 0;
    columns.damage[i] = 0;
    columns.schemaVersion[i] = 1;

    const kind = fate === 'incompatible' ? clicksUntil : random.below(100);
    if (kind < clicksUntil) click(i);
    else if (kind < insertsUntil) insertOrder(i, customer, sound);
    else if (kind < deletesUntil) touchOrder(i, customer, sound, kind < updatesUntil ? update : remove);
    else if (kind < devicesUntil) seeDevice(i, customer, sound);
    else updateCustomer(i, customer, sound);

    switch (fate) {
      case 'late':
        columns.refusal[i] = late;
        columns.emitSlot[i] = lateSlot;
        break;
      case 'violating':
        violate(i, customer);
        break;
      case 'poisoned':
        breakBytes(i);
        break;
      case 'incompatible':
        columns.refusal[i] = incompatible;
        columns.schemaVersion[i] = 3;
        break;
      case 'held back':
        columns.emitSlot[i] = Math.min(slots - 1, drawSoundSlot(heldBackUs));
        break;
      case 'copied': {
        const copySlot = Math.min(slots - 1, drawSoundSlot(copiedUs));
        if (copySlot > slot) columns.copySlot[i] = copySlot;
      }
    }
  };

  const drawFate = (): Fate => {
    const sinceBreakUs = slot * slotUs - breakAfterUs;
    if (sinceBreakUs >= 0 && sinceBreakUs < breakForUs && sinceBreak++ % breakEvery === 0) return 'incompatible';
    let draw = random.below(1_000_000);
    for (const [fate, share] of dirtyFates) {
      draw -= regime.dirt[share];
      if (draw < 0) return fate;
    }
    return 'plain';
  };

  /** The first slot after the commit's allowed lateness, and up to as long again. */
  const drawLateSlot = () =>
    Math.ceil((commitUs + allowedLatenessUs + 1 + random.below(allowedLatenessUs) - epochUs) / slotUs);

  /** A later slot at which the change is not late yet. */
  const drawSoundSlot = (delayUs: { readonly from: number; readonly to: number }) => {
    const lastUs = commitUs + allowedLatenessUs - epochUs;
    const span = Math.max(1, Math.min(delayUs.to, allowedLatenessUs - 2 * slotUs) - delayUs.from);
    const wished = slot + Math.ceil((delayUs.from + random.below(span)) / slotUs);
    return Math.max(slot, Math.min(wished, Math.floor(lastUs / slotUs)));
  };

  const drawEventUs = () => commitUs - random.below(eventLagUs + 1);

  const click = (i: number): void => {
    columns.table[i] = clicks;
    columns.op[i] = create;
    columns.entity[i] = state.nextClick++;
    columns.eventUs[i] = drawEventUs();
    columns.product[i] = random.below(products);
    columns.page[i] = random.below(pools.pages.length);
  };

  const evolved = () => slot * slotUs >= evolveAfterUs;

  const insertOrder = (i: number, customer: number, sound: boolean): void => {
    columns.table[i] = orders;
    columns.op[i] = create;
    columns.entity[i] = state.nextOrder++;
    columns.eventUs[i] = drawEventUs();
    columns.amountCents[i] = drawAmountCents(random);
    columns.category[i] = drawCategory(random, customer);
    columns.status[i] = 0;
    columns.schemaVersion[i] = evolved() ? 2 : 1;
    columns.channel[i] = evolved() ? 1 + random.below(channels.length - 1) : 0;
    if (sound) rememberOrder(i, keepOrder(state, customer, random));
  };

  const rememberOrder = (i: number, place: number): void => {
    state.orderId[place] = columns.entity[i] as number;
    state.orderPlacedUs[place] = columns.eventUs[i] as number;
    state.orderAmountCents[place] = columns.amountCents[i] as number;
    state.orderCategory[place] = columns.category[i] as number;
    state.orderStatus[place] = columns.status[i] as number;
    state.orderChannel[place] = columns.channel[i] as number;
  };

  const touchOrder = (i: number, customer: number, sound: boolean, op: typeof update | typeof remove): void => {
    const kept = state.orders[customer] as number;
    if (kept === 0) {
      insertOrder(i, customer, sound);
      return;
    }
    const place = customer * ordersKept + random.below(kept);
    columns.table[i] = orders;
    columns.op[i] = op;
    columns.entity[i] = state.orderId[place] as number;
    columns.eventUs[i] = columns.beforeEventUs[i] = state.orderPlacedUs[place] as number;
    columns.beforeAmountCents[i] = state.orderAmountCents[place] as number;
    columns.beforeCategory[i] = state.orderCategory[place] as number;
    columns.beforeStatus[i] = state.orderStatus[place] as number;
    columns.beforeChannel[i] = state.orderChannel[place] as number;
    columns.schemaVersion[i] = evolved() ? 2 : 1;
    columns.channel[i] = columns.beforeChannel[i] as number;
    if (op === update) {
      // Some updates only move the order along, some correct its amount, some also its category.
      const extent = random.below(4);
      columns.status[i] = Math.min(3, (columns.beforeStatus[i] as number) + 1);
      columns.amountCents[i] = extent >= 2 ? drawAmountCents(random) : (columns.beforeAmountCents[i] as number);
      columns.category[i] = extent === 3 ? drawCategory(random, customer) : (columns.beforeCategory[i] as number);
    }
    if (sound && op === update) rememberOrder(i, place);
    else forgetOrder(state, customer, place);
  };

  const seeDevice = (i: number, customer: number, sound: boolean): void => {
    const device = customer + state.customers * random.below(devicesOwned);
    const seenUs = state.deviceSeenUs[device] as number;
    columns.table[i] = devices;
    columns.op[i] = seenUs < 0 ? create : update;
    columns.entity[i] = device;
    columns.beforeEventUs[i] = seenUs;
    columns.beforeRisk[i] = state.deviceRisk[device] as number;
    // Whole milliseconds, so that two devices of a customer can tie; never back for the same device.
    const coarseUs = commitUs - (commitUs % 1_000);
    columns.eventUs[i] = coarseUs > seenUs ? coarseUs : commitUs;
    columns.risk[i] = random.below(bounds.risk + 1);
    if (!sound) return;
    state.deviceSeenUs[device] = columns.eventUs[i] as number;
    state.deviceRisk[device] = columns.risk[i] as number;
  };

  const updateCustomer = (i: number, customer: number, sound: boolean): void => {
    columns.table[i] = customers;
    columns.op[i] = update;
    columns.entity[i] = customer;
    columns.beforeEventUs[i] = state.updatedUs[customer] as number;
    columns.eventUs[i] = commitUs;
    columns.email[i] = columns.beforeEmail[i] = state.email[customer] as number;
    columns.phone[i] = columns.beforePhone[i] = state.phone[customer] as number;
    if (random.bits() & 1) columns.email[i] = random.below(pools.emails.length);
    else columns.phone[i] = random.below(pools.phones.length);
    if (!sound) return;
    state.updatedUs[customer] = commitUs;
    state.email[customer] = columns.email[i] as number;
    state.phone[customer] = columns.phone[i] as number;
  };

  /** Breaks the bytes of a change, or one of its values. */
  const violate = (i: number, customer: number): void => {
    if (random.bits() & 1) {
      breakBytes(i);
      return;
    }
    columns.refusal[i] = outOfRange;
    const table = columns.table[i] as number;
    const draw = random.below(3);
    if (table === orders && columns.op[i] !== remove && draw === 0) columns.amountCents[i] = -1 - random.below(10_000);
    else if (table === orders && columns.op[i] !== remove && draw === 1) columns.category[i] = 99;
    else if (table === devices && draw === 0) columns.risk[i] = bounds.risk + 1 + random.below(1_000);
    else if (columns.op[i] !== remove && draw === 2) columns.eventUs[i] = commitUs + hourUs;
    else columns.rowCustomer[i] = (customer + 1) % state.customers;
  };

  const breakBytes = (i: number): void => {
    columns.refusal[i] = undecodable;
    columns.damage[i] = random.bits() & 1 ? cut : badUnion;
  };

  return { slots, lastSeq, next };
}

type Columns = { -readonly [Name in keyof SlotChanges]: SlotChanges[Name] };

function emptyColumns(capacity: number): Columns {
  return {
    count: 0,
    slot: -1,
    emitSlot: new Int32Array(capacity),
    copySlot: new Int32Array(capacity),
    commitUs: new Float64Array(capacity),
    lsn: new Float64Array(capacity),
    customer: new Uint32Array(capacity),
    seq: new Uint32Array(capacity),
    table: new Uint8Array(capacity),
    op: new Uint8Array(capacity),
    schemaVersion: new Uint8Array(capacity),
    refusal: new Uint8Array(capacity),
    damage: new Uint8Array(capacity),
    rowCustomer: new Uint32Array(capacity),
    entity: new Float64Array(capacity),
    eventUs: new Float64Array(capacity),
    beforeEventUs: new Float64Array(capacity),
    amountCents: new Int32Array(capacity),
    beforeAmountCents: new Int32Array(capacity),
    category: new Uint8Array(capacity),
    beforeCategory: new Uint8Array(capacity),
    status: new Uint8Array(capacity),
    beforeStatus: new Uint8Array(capacity),
    channel: new Uint8Array(capacity),
    beforeChannel: new Uint8Array(capacity),
    risk: new Int32Array(capacity),
    beforeRisk: new Int32Array(capacity),
    product: new Int32Array(capacity),
    page: new Uint16Array(capacity),
    email: new Uint16Array(capacity),
    beforeEmail: new Uint16Array(capacity),
    phone: new Uint16Array(capacity),
    beforePhone: new Uint16Array(capacity),
  };
}

/** The most changes that a slot can hold. */
function slotCapacity({ changes }: Workload): number {
  const perSecond = Math.max(...regimesOf(changes).map((regime) => regime.perSecond));
  return Math.ceil((perSecond * changes.slotUs) / 1_000_000) + 1;
}

function checkWorkload({ workload, durationUs }: ChangeSourceOptions): void {
  const { changes, contract } = workload;
  const { slotUs, disturbances } = changes;
  const regimes = regimesOf(changes);
  const ppm = Math.max(...regimes.map(dirtyPpm));
  const isShare = (share: number) => share >= 0 && share <= 1_000_000;
  const strange = disturbances.find(
    ({ afterUs, forUs, times, dirt }) =>
      !(afterUs >= 0 && forUs > 0 && (times ?? 1) > 0) || !Object.values(dirt ?? {}).every(isShare),
  );
  const capacity = slotCapacity(workload);
  const wrong = [
    !(Number.isInteger(slotUs) && slotUs >= 1_000) && `changes.slotUs ${slotUs} (an integer of at least 1000)`,
    durationUs < slotUs && `durationUs ${durationUs} (at least one slot of ${slotUs})`,
    !(changes.perSecond > 0) && `changes.perSecond ${changes.perSecond} (positive)`,
    strange &&
      `changes.disturbances, ${JSON.stringify(strange)} (after the start, for longer than 0, times above 0, shares of 0 to 1000000 ppm)`,
    !(capacity <= slotUs) &&
      `changes.perSecond ${changes.perSecond} with its bursts and disturbances (fewer than one change a microsecond)`,
    ppm > 1_000_000 && `changes.dirt with its disturbances, ${ppm} ppm in sum (at most 1000000)`,
    contract.allowedLatenessUs < 4 * slotUs &&
      `contract.allowedLatenessUs ${contract.allowedLatenessUs} (at least four slots, or sound changes would be late)`,
  ].filter((text) => typeof text === 'string');
  if (wrong.length > 0) throw new UsageError(`workload: out of bounds: ${wrong.join(', ')}; correct the scenario.`);
}
