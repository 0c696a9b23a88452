/** The faults there are, by the name that a scenario gives them. */
import type { Fault, FaultKind } from '../harness/fault.js';
import { changeLogOutage } from './change-log-outage.js';
import { clockJump } from './clock-jump.js';
import { crashLoop } from './crash-loop.js';
import { duplicateDelivery } from './duplicate-delivery.js';
import { failingPort } from './failing-port.js';
import { fullDisk } from './full-disk.js';
import { incompatibleSchema } from './incompatible-schema.js';
import { lateEvents } from './late-events.js';
import { leaderKill } from './leader-kill.js';
import { loadBurst } from './load-burst.js';
import { onlineStoreLoss } from './online-store-loss.js';
import { onlineStoreOutage } from './online-store-outage.js';
import { partition } from './partition.js';
import { poisonRecords } from './poison-records.js';
import { reordering } from './reordering.js';
import { roleCrash } from './role-crash.js';
import { rolePause } from './role-pause.js';
import { serverDisconnect } from './server-disconnect.js';
import { serverPause } from './server-pause.js';
import { slowPort } from './slow-port.js';
import { tableStoreOutage } from './table-store-outage.js';
import { wireBandwidth } from './wire-bandwidth.js';
import { wireLatency } from './wire-latency.js';
import { wireReset } from './wire-reset.js';
import { wireSlowClose } from './wire-slow-close.js';
import { wireTimeout } from './wire-timeout.js';

// biome-ignore lint/suspicious/noExplicitAny: what a fault hands from `inject` to `heal` is its own affair.
export const faults: { readonly [Kind in FaultKind]: Fault<Kind, any> } = {
  'role-crash': roleCrash,
  'role-pause': rolePause,
  'crash-loop': crashLoop,
  'clock-jump': clockJump,
  'change-log-outage': changeLogOutage,
  'online-store-outage': onlineStoreOutage,
  'online-store-loss': onlineStoreLoss,
  'table-store-outage': tableStoreOutage,
  'full-disk': fullDisk,
  'slow-port': slowPort,
  'failing-port': failingPort,
  'duplicate-delivery': duplicateDelivery,
  reordering,
  'late-events': lateEvents,
  'poison-records': poisonRecords,
  'incompatible-schema': incompatibleSchema,
  'load-burst': loadBurst,
  'wire-latency': wireLatency,
  'wire-bandwidth': wireBandwidth,
  'wire-timeout': wireTimeout,
  'wire-reset': wireReset,
  'wire-slow-close': wireSlowClose,
  partition,
  'server-pause': serverPause,
  'server-disconnect': serverDisconnect,
  'leader-kill': leaderKill,
};
