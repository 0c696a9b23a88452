#!/usr/bin/env node
/** argv -> exit code. */
import { runCommandLine } from './command-line.js';

const code = await runCommandLine(process.argv.slice(2));
// A run that was stopped leaves waits behind that nobody waits for: they are not to keep the shell.
process.stdout.write('', () => process.exit(code));
