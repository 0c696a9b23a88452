/** A process that starts a program as the adapter does, for the test of who dies with whom. */
import { startProgram } from './program.js';

startProgram(process.argv.slice(2));
process.stdin.resume();
