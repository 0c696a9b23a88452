/** Every fault as it is unless somebody says otherwise, and what may be said: one table for suites and for `--fault`. */
import { z } from 'zod';
import { secondUs } from '../../workloads/durations.js';
import type { Json } from '../json.js';
import { resolveParams } from '../params.js';
import { portNames } from '../ports/ports.js';
import type { FaultKind, FaultSpec, Schedule, SpecOf } from '../scenario.js';

/** Shorter than the freshness SLO at time scale 60, and over within the fault phase of every suite. */
const lasting = {
  lastsUs: z
    .int()
    .positive()
    .default(2 * secondUs),
};
const onRole = { role: z.string().min(1).exactOptional() };
const onPort = { port: z.enum(portNames).default('onlineStore') };
const perMillion = (share: number) => z.int().min(1).max(1_000_000).default(share);
const onWire = { ...onRole, ...onPort, ...lasting };
const dirtied = { ...lasting, ppm: perMillion(200_000) };

export const faultFields = {
  'role-crash': z.strictObject(onRole),
  'role-pause': z.strictObject({ ...onRole, ...lasting }),
  // Long enough to come up again and be killed once more on a slow machine.
  'crash-loop': z.strictObject({
    ...onRole,
    lastsUs: z
      .int()
      .positive()
      .default(3 * secondUs),
  }),
  'clock-jump': z.strictObject({
    ...onRole,
    ...lasting,
    byUs: z
      .int()
      // What is less cannot be told from how long a role takes to say what it reads.
      .refine((byUs) => Math.abs(byUs) >= secondUs / 2, {
        error: 'expected a jump forward, or back where it is negative, by 500,000 or more',
      })
      .default(3_600 * secondUs),
  }),
  'change-log-outage': z.strictObject(lasting),
  'online-store-outage': z.strictObject(lasting),
  'online-store-loss': z.strictObject(lasting),
  'table-store-outage': z.strictObject(lasting),
  'full-disk': z.strictObject(lasting),
  'slow-port': z.strictObject({
    ...onPort,
    ...lasting,
    latencyUs: z.int().positive().default(50_000),
    jitterUs: z.int().min(0).default(50_000),
  }),
  'failing-port': z.strictObject({ ...onPort, ...lasting, errorPpm: perMillion(300_000) }),
  'duplicate-delivery': z.strictObject(dirtied),
  reordering: z.strictObject(dirtied),
  'late-events': z.strictObject(dirtied),
  'poison-records': z.strictObject(dirtied),
  'incompatible-schema': z.strictObject(dirtied),
  'load-burst': z.strictObject({ ...lasting, times: z.number().gt(1).max(100).default(10) }),
  'wire-latency': z
    .strictObject({
      ...onWire,
      latencyUs: z.int().positive().default(100_000),
      jitterUs: z.int().min(0).default(50_000),
    })
    // What comes no later than usual is no proof of it.
    .refine(({ latencyUs, jitterUs }) => jitterUs < latencyUs, {
      path: ['jitterUs'],
      error: 'expected less than latencyUs',
    }),
  // 20 rows of a customer a second: no stream keeps up with it.
  'wire-bandwidth': z.strictObject({ ...onWire, bytesPerSecond: z.int().min(1_024).default(16_384) }),
  'wire-timeout': z.strictObject({ ...onWire, afterUs: z.int().min(1_000).default(200_000) }),
  'wire-reset': z.strictObject(onWire),
  'wire-slow-close': z
    .strictObject({ ...onWire, delayUs: z.int().min(1_000).default(500_000) })
    // With the fault the delay ends, too.
    .refine(({ delayUs, lastsUs }) => delayUs < lastsUs, { path: ['delayUs'], error: 'expected less than lastsUs' }),
  partition: z.strictObject(onWire),
  'server-pause': z.strictObject({ ...onPort, ...lasting }),
  'server-disconnect': z.strictObject({ ...onPort, ...lasting }),
  'leader-kill': z.strictObject({ ...lasting, partition: z.int().min(0).default(0) }),
} satisfies { readonly [Kind in FaultKind]: z.ZodObject & z.ZodType<Omit<SpecOf<Kind>, 'kind'>> };

export const faultKinds = Object.keys(faultFields) as FaultKind[];

/** Throws a UsageError that says which field is wrong, what was given and which fields there are. */
export function faultOf<Kind extends FaultKind>(
  kind: Kind,
  given: Partial<Omit<SpecOf<Kind>, 'kind'>> = {},
): SpecOf<Kind> {
  return { kind, ...resolveParams(kind, faultFields[kind], given as Json) } as unknown as SpecOf<Kind>;
}

/** How long the harm is done; 0: it is done at once. */
export const lastsUs = (fault: FaultSpec): number => ('lastsUs' in fault ? fault.lastsUs : 0);

/** Until a broker that was started again has joined the others and caught up: on a busy machine a JVM takes 5 to 14 s. */
const brokerBackUs = 12 * secondUs;

/** From the end of a fault on, how long a server that it killed may be away still; 0: none of which there are others. */
export const awayUs = ({ kind }: FaultSpec): number => (kind === 'leader-kill' ? brokerBackUs : 0);

const moment = z.int().min(0);
export const scheduleFields: { readonly [Kind in Schedule['kind']]: z.ZodObject } = {
  once: z.strictObject({ kind: z.literal('once'), afterUs: moment, jitterUs: moment }),
  every: z.strictObject({
    kind: z.literal('every'),
    afterUs: moment,
    everyUs: z.int().positive(),
    jitterUs: moment,
  }),
  random: z.strictObject({ kind: z.literal('random'), afterUs: moment, count: z.int().min(1).max(1_000) }),
};
