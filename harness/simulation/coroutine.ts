/**
 * What a coroutine carries along, through whatever it awaits. AsyncLocalStorage does the same on top of async_hooks, which
 * until Node 24 cost several times what an await does; V8's own hooks
 * (https://nodejs.org/api/v8.html#promise-hooks) cost a property of a promise. They do not follow callbacks that come
 * from the event loop, and no simulated role has one: guard.ts refuses them.
 */
import { promiseHooks } from 'node:v8';
import type { Request } from '../processes/request.js';

export interface Carried {
  /** Undefined: code of the harness. */
  readonly role?: string | undefined;
  readonly request?: Request | undefined;
}

const nothing: Carried = {};
const carriedBy = Symbol('carried');
type Carrier = Promise<unknown> & { [carriedBy]?: Carried };

let current = nothing;

export function carried(): Carried {
  return current;
}

export function carry<T>(what: Carried, work: () => T): T {
  const before = current;
  current = what;
  try {
    return work();
  } finally {
    current = before;
  }
}

/** From here on, for the life of this process. */
export function followCoroutines(): void {
  promiseHooks.createHook({
    init(promise) {
      if (current !== nothing) (promise as Carrier)[carriedBy] = current;
    },
    before(promise) {
      current = (promise as Carrier)[carriedBy] ?? nothing;
    },
    after() {
      current = nothing;
    },
  });
}
