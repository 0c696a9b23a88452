/** A process of the load as its main sees it, without a supervisor. */
import type { Clock, SystemClock } from '../clock.js';
import type { Child } from '../processes/child.js';
import type { LoadErrors } from './recorded.js';

export function childOf(
  clock: Clock,
  within: { host?: Child['host']; wait?: (work: () => Promise<void>) => Promise<void> } = {},
): { child: Child; errors: LoadErrors['errors'][number][] } {
  const errors: LoadErrors['errors'][number][] = [];
  const start = async () => {};
  return {
    errors,
    child: {
      clock: clock as SystemClock,
      signal: new AbortController().signal,
      stopped: new Promise(() => {}),
      clockSet: within.wait?.(start) ?? start(),
      ready: () => {},
      report: (_, body) => errors.push(...(body as LoadErrors).errors),
      onTold: () => {},
      onGone: () => {},
      host: within.host ?? (async (work) => work()),
    },
  };
}
