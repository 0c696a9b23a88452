/** Errors are for the reader: what happened, where, what was expected, what to do next. */

/** Bad usage or configuration: nothing was started. Exit code 3. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * A call through a port or to a plane that did not succeed.
 * `failed`: it certainly had no effect. `indeterminate`: it may or may not have taken effect (a lost connection, a
 * time-out), and is accounted as neither success nor failure (after Jepsen's `:info`).
 */
export class CallError extends Error {
  override readonly name = 'CallError';
  constructor(
    readonly outcome: 'failed' | 'indeterminate',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** A call that breaks a rule of its port, as a row that is too large: it had no effect, and has none however often it is tried. */
export class RefusedCall extends CallError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('failed', message, options);
  }
}

/** The harness itself could not do its work (port taken, disk full, a server that did not start). Exit code 4. */
export class HarnessError extends Error {
  override readonly name = 'HarnessError';
}

/** A fault that could not be ended: its run is torn down and invalid, no other. */
export class HealError extends Error {
  override readonly name = 'HealError';
}

/** A plane that cannot be run: a role died or hung, or broke a rule of `architecture.ts`. Its run is invalid, no other. */
export class PlaneError extends Error {
  override readonly name = 'PlaneError';
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
