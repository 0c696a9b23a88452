/** Runs a command in a process group of its own, and kills the group when stdin ends. See program.ts. */
import { spawn } from 'node:child_process';

const [command = '', ...args] = process.argv.slice(2);
const program = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], detached: true });

program.once('error', (error) => {
  process.stderr.write(`cannot start ${command}: ${error.message}\n`);
  process.exit(127);
});
program.once('exit', (code, signal) => {
  process.stderr.write(`${command} ended: ${signal ?? `exit code ${code}`}\n`);
  process.exit(code ?? 1);
});
// Ctrl-C reaches the whole group of the terminal; the pipe says when to end.
process.on('SIGINT', () => {});
process.stdin.on('close', () => {
  try {
    if (program.pid !== undefined) process.kill(-program.pid, 'SIGKILL');
  } catch {
    // It was gone already.
  }
  process.exit(0);
});
process.stdin.resume();
