#!/usr/bin/env node
/** argv -> exit code. */
import { exitCodes, runCommandLine } from './command-line.js';

// Who read along may go away (`| head`): the results are in their folder all the same.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
// Node would exit with 1, which says that a plane failed. The janitor ends what is still running.
process.on('uncaughtException', (error) => {
  process.stderr.write(`planebench failed: ${error?.stack ?? error}\n`);
  process.exit(exitCodes.harness);
});

const code = await runCommandLine(process.argv.slice(2));
process.exitCode = code;
// A run that was stopped leaves waits behind that nobody waits for: they are not to keep the shell.
process.stdout.write('', () => process.exit(code));
