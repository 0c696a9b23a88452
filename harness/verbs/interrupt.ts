/** What Ctrl-C means to a verb. */
import type { Decision } from '../../reports/gate.js';
import type { Shell } from './shell.js';

/** Ctrl-C aborts the work, which comes to an end of its own. */
export async function interruptible(
  { complain }: Pick<Shell, 'complain'>,
  words: string,
  work: (signal: AbortSignal) => Promise<Decision>,
): Promise<Decision> {
  const interrupt = new AbortController();
  const onInterrupt = () => {
    complain(`\n${words}`);
    interrupt.abort(new Error('interrupted'));
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onInterrupt);
  try {
    return await work(interrupt.signal);
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}
