/** Runs a command in a process group of its own, and kills the group when stdin ends. See program.ts. */
import { spawn } from 'node:child_process';

const [command = '', ...args] = process.argv.slice(2);
const program = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], detached: true });

program.once('error', (error) => {
  process.stderr.write(`cannot start ${command}: ${error.message}\n`);
  process.exit(127);
});
// What it has started and left behind goes with it.
program.once('exit', (code, signal) => {
  process.stderr.write(`${command} ended: ${signal ?? `exit code ${code}`}\n`);
  end(code ?? 1);
});
// Ctrl-C reaches the whole group of the terminal; the pipe says when to end.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0));
process.stdin.on('close', () => end(0));
process.stdin.resume();

function end(code: number): never {
  try {
    if (program.pid !== undefined) process.kill(-program.pid, 'SIGKILL');
  } catch {
    // It was gone already.
  }
  process.exit(code);
}
