/** What a verb in a file of its own gets from the command line. */
import type { Decision } from '../../reports/gate.js';
import type { Summary } from '../../reports/summary.js';
import { renderTerminal, type TerminalOptions } from '../../reports/terminal.js';

export interface Shell {
  /** On stdout: results. */
  print(text: string): void;
  /** On stderr: everything else. */
  complain(text: string): void;
  terminal(): TerminalOptions;
  /** What the verb came to, as exit code. */
  finish(decision: Decision): void;
}

export function printSummary(summary: Summary, json: boolean, { print, terminal }: Shell): void {
  print(json ? JSON.stringify(summary, null, 2) : renderTerminal(summary, terminal()));
}

/** As a shell takes it for one word. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
