/**
 * What a simulated role must not touch: real time, real input and output, chance without a seed. Each would make a run
 * depend on the machine, so each throws, and its stack says who called. Code of the harness beside the roles is free.
 */
import childProcess from 'node:child_process';
import crypto from 'node:crypto';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import tls from 'node:tls';
import workerThreads from 'node:worker_threads';
import { PlaneError } from '../errors.js';
import { carryRequestsBy, type Request } from '../processes/request.js';
import { carried, carry, followCoroutines } from './coroutine.js';

/** Runs `work` as the role of this name: what it calls, and whatever that awaits, is held to the rules. */
export function asRole<T>(name: string, work: () => T): T {
  return carry({ ...carried(), role: name }, work);
}

/** Runs `work` of the harness, on whoever's behalf. */
export function asHarness<T>(work: () => T): T {
  return carry({ ...carried(), role: undefined }, work);
}

type Module = Record<string, unknown>;

const everything = (module: object) =>
  Object.keys(module).filter((name) => typeof (module as Module)[name] === 'function');
const named =
  (...names: string[]) =>
  () =>
    names;

/** Doors to the world, by what to use in their place. */
const doors: readonly (readonly [
  module: object,
  name: string,
  calls: (module: object) => string[],
  instead: string,
])[] = [
  [fs, 'fs', everything, 'context.ports'],
  [fsPromises, 'fs/promises', everything, 'context.ports'],
  [net, 'net', named('connect', 'createConnection', 'createServer'), 'context.ports and context.serve'],
  [tls, 'tls', named('connect', 'createServer'), 'context.ports and context.serve'],
  [http, 'http', named('request', 'get', 'createServer'), 'context.ports and context.serve'],
  [https, 'https', named('request', 'get', 'createServer'), 'context.ports and context.serve'],
  [http2, 'http2', named('connect', 'createServer'), 'context.ports and context.serve'],
  [dgram, 'dgram', named('createSocket'), 'context.ports'],
  [dns, 'dns', named('lookup', 'resolve'), 'context.ports'],
  [childProcess, 'child_process', everything, 'another role'],
  [workerThreads, 'worker_threads', named('Worker'), 'another role'],
  [crypto, 'crypto', named('randomBytes', 'randomInt', 'randomUUID', 'randomFill', 'randomFillSync'), 'context.random'],
  [timers, 'timers', named('setTimeout', 'setInterval', 'setImmediate'), 'context.clock'],
  [timersPromises, 'timers/promises', named('setTimeout', 'setInterval', 'setImmediate'), 'context.clock'],
  [
    globalThis,
    '',
    named('setTimeout', 'setInterval', 'setImmediate', 'fetch', 'WebSocket'),
    'context.clock or context.ports',
  ],
  [Date, 'Date', named('now'), 'context.clock'],
  [performance, 'performance', named('now', 'mark', 'measure'), 'context.clock'],
  [process, 'process', named('hrtime', 'uptime', 'cpuUsage', 'memoryUsage'), 'context.clock'],
  [process.hrtime, 'process.hrtime', named('bigint'), 'context.clock'],
  [Math, 'Math', named('random'), 'context.random'],
  [globalThis.crypto, 'crypto', named('getRandomValues', 'randomUUID'), 'context.random'],
];

/** For the life of this process: simulations have processes of their own. */
export function installGuard(): void {
  if (installed) return;
  installed = true;
  followCoroutines();
  carryRequestsBy({
    run: <T>(request: Request, work: () => T) => carry({ ...carried(), request }, work),
    getStore: () => carried().request,
  });
  for (const [module, moduleName, calls, instead] of doors) {
    for (const name of calls(module)) {
      const original = (module as Module)[name];
      if (typeof original !== 'function') continue;
      replace(module, name, guarded(original, moduleName ? `${moduleName}.${name}` : name, instead));
    }
  }
  guardDate();
  syncBuiltinESMExports();
}

let installed = false;

function guarded(original: object, name: string, instead: string): object {
  return new Proxy(original, {
    apply(target, self, args) {
      refuse(name, instead);
      return Reflect.apply(target as () => unknown, self, args);
    },
    construct(target, args, newTarget) {
      refuse(name, instead);
      return Reflect.construct(target as new () => object, args, newTarget);
    },
  });
}

/** `new Date()` asks for the time, `new Date(time)` only computes. */
function guardDate(): void {
  const original = Date;
  globalThis.Date = new Proxy(original, {
    apply(target, self, args) {
      refuse('Date()', 'context.clock');
      return Reflect.apply(target, self, args);
    },
    construct(target, args, newTarget) {
      if (args.length === 0) refuse('new Date()', 'context.clock');
      return Reflect.construct(target, args, newTarget === globalThis.Date ? target : newTarget);
    },
  });
}

function refuse(name: string, instead: string): void {
  const who = carried().role;
  if (who === undefined) return;
  throw new PlaneError(
    `role ${who} called ${name} in a simulated run: it would depend on the machine and the moment. Use ${instead}.`,
  );
}

function replace(module: object, name: string, value: object): void {
  const descriptor = Object.getOwnPropertyDescriptor(module, name);
  if (descriptor && !descriptor.configurable && !descriptor.writable) return;
  Object.defineProperty(module, name, {
    configurable: true,
    enumerable: descriptor?.enumerable ?? true,
    writable: true,
    value,
  });
}
