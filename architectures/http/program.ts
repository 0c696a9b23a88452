/**
 * The user's own program, as a child of the role. A keeper stands between the two and holds a pipe from the role: when
 * the role is gone, even by SIGKILL, the pipe ends and the keeper kills the program and all it has started.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PlaneError } from '../../harness/errors.js';

export interface Program {
  /** Rejects when the program ends by itself. */
  readonly ended: Promise<never>;
  /** Resolves when it is gone. */
  kill(): Promise<void>;
}

const keeper = fileURLToPath(new URL('./keeper.js', import.meta.url));

export function startProgram(command: readonly string[]): Program {
  const child = spawn(process.execPath, [keeper, ...command], { stdio: ['pipe', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  const ended = exited.then(([code, signal]) => {
    // Its other words may hold a secret.
    throw new PlaneError(`the program ${command[0]} ended by itself: ${signal ?? `exit code ${code}`}`);
  });
  ended.catch(() => {});
  // The role may end before the keeper has read anything.
  child.stdin.on('error', () => {});
  return {
    ended,
    async kill() {
      child.stdin.end();
      await exited;
    },
  };
}
