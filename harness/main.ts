#!/usr/bin/env node
/** argv -> exit code. */
import { runCommandLine } from './command-line.js';

process.exitCode = await runCommandLine(process.argv.slice(2));
