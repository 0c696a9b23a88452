/**
 * The doors of simulated roles: who serves an operation is found by a number, as by a port on loopback. Arguments and
 * answers are copied through JSON, as HTTP would; a call to a role that is dead or dies meanwhile is indeterminate.
 */
import type { Operation, Plane } from '../architecture.js';
import type { Clock } from '../clock.js';
import { CallError, messageOf } from '../errors.js';
import type { CallOptions, PlaneClient, Routes } from '../processes/endpoint.js';
import { onBehalfOf } from '../processes/request.js';
import type { Costs } from './costs.js';
import { asRole } from './guard.js';
import { copyAsJson } from './json-copy.js';
import { createResource, type Resource } from './resource.js';
import type { VirtualTime } from './virtual-time.js';
import type { SimulatedProcess } from './world.js';

export interface SimulatedDoor {
  serve(clock: Clock, operations: Partial<Plane>, port: number): Promise<number>;
  connect(clock: Clock, routes: Routes): PlaneClient;
  /** The process is gone: so is what it served, and whoever waited for it hears that. */
  forget(process: SimulatedProcess): void;
}

interface Served {
  readonly process: SimulatedProcess;
  readonly operations: Partial<Plane>;
  /** What HTTP costs, one answer at a time. */
  readonly network: Resource;
  readonly hangUps: Set<(error: CallError) => void>;
}

export function createDoor(options: {
  readonly time: VirtualTime;
  readonly clock: Clock;
  readonly costs: Costs;
  readonly processOf: (clock: Clock) => SimulatedProcess;
}): SimulatedDoor {
  const { time, clock, processOf } = options;
  const served = new Map<number, Served>();
  let ports = 0;

  /** Resolves with what `work` of the server answers, unless the time is over or the server is gone before. */
  function answered<T>(operation: Operation, port: number, timeoutUs: number, work: (served: Served) => Promise<T>) {
    return new Promise<T>((resolve, reject) => {
      const there = served.get(port);
      if (!there) return reject(new CallError('indeterminate', `${operation}: nobody answers, the role is not there`));
      const settle = (callback: () => void) => {
        cancel();
        there.hangUps.delete(hangUp);
        callback();
      };
      const hangUp = (error: CallError) => settle(() => reject(error));
      const cancel = time.after(timeoutUs, () => settle(() => reject(timedOut(operation, timeoutUs))));
      there.hangUps.add(hangUp);
      work(there).then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(asCallError(operation, error))),
      );
    });
  }

  async function* pagesOf<T>(
    operation: Operation,
    port: number,
    argument: unknown,
    { timeoutUs }: CallOptions,
  ): AsyncIterable<T> {
    const asked: unknown = argument === undefined ? undefined : JSON.parse(JSON.stringify(argument));
    let pages: AsyncIterator<T> | undefined;
    let server: Served | undefined;
    for (;;) {
      const page = await answered(operation, port, timeoutUs, async (there) => {
        const { process, operations, network } = there;
        server ??= there;
        if (server !== there) throw new CallError('indeterminate', `${operation}: the connection was lost`);
        await process.task.wait('a call', () => network.use(operation, 0, 0));
        pages ??= asRole(process.name, () =>
          (operations[operation] as (argument: unknown) => AsyncIterable<T>)
            .call(operations, asked)
            [Symbol.asyncIterator](),
        );
        const next = pages;
        return process.task.wait(`its own ${operation}`, () => asRole(process.name, () => next.next()));
      });
      if (page.done) return;
      yield page.value;
    }
  }

  return {
    async serve(of, operations, port) {
      const number = port === 0 ? ++ports : port;
      served.set(number, {
        process: processOf(of),
        operations,
        network: createResource({ clock, costs: options.costs.door }),
        hangUps: new Set(),
      });
      return number;
    },
    connect(of, routes) {
      const caller = processOf(of);
      const portOf = (operation: Operation): number => {
        const port = routes[operation];
        if (port === undefined) throw new CallError('failed', `the plane does not offer ${operation}`);
        return port;
      };
      return {
        offers: (operation) => routes[operation] !== undefined,
        async call<T>(operation: Operation, argument: unknown, { timeoutUs, probe = false }: CallOptions): Promise<T> {
          const port = portOf(operation);
          const asked = argument === undefined ? undefined : copyAsJson(argument);
          const keys = (argument as { keys?: readonly string[] } | undefined)?.keys?.length ?? 0;
          return caller.task.wait(`${operation} of the plane`, () =>
            answered(operation, port, timeoutUs, async ({ process, operations, network }) => {
              // One that stands still does not even begin.
              await process.task.wait('a call', () => process.processor.use('call', keys, asked?.length ?? 0));
              const serve = operations[operation] as (argument: unknown) => Promise<T>;
              const answer = await process.task.wait(`its own ${operation}`, () =>
                asRole(process.name, async () => onBehalfOf(probe, () => serve.call(operations, asked?.value))),
              );
              const { value, length } = copyAsJson(answer ?? null);
              await network.use(operation, keys, length);
              return value as T;
            }),
          );
        },
        pages: <T>(operation: Operation, argument: unknown, callOptions: CallOptions) =>
          pagesOf<T>(operation, portOf(operation), argument, callOptions),
        async close() {},
      };
    },
    forget(process) {
      for (const [port, there] of served) {
        if (there.process !== process) continue;
        served.delete(port);
        for (const hangUp of [...there.hangUps])
          hangUp(new CallError('indeterminate', `${process.name} died before it had answered`));
      }
    },
  };
}

function timedOut(operation: Operation, timeoutUs: number): CallError {
  const cause = Object.assign(new Error(`no answer within ${timeoutUs / 1e6} s`), { name: 'TimeoutError' });
  return new CallError('indeterminate', `${operation}: ${cause.message}`, { cause });
}

function asCallError(operation: Operation, error: unknown): CallError {
  if (error instanceof CallError && error.outcome === 'indeterminate') return error;
  return new CallError('failed', `${operation}: ${messageOf(error)}`, { cause: error });
}
