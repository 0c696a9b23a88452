/**
 * A command line in the process of the test, whose working directory it has: what main.ts would write and exit with,
 * without a start of Node.js.
 */
import { runCommandLine } from './command-line.js';
import type { Ended } from './fixture-command.js';

export async function callCommandLine(...args: string[]): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  const code = await runCommandLine(args, {
    print: (text) => {
      stdout += `${text}\n`;
    },
    complain: (text) => {
      stderr += `${text}\n`;
    },
  });
  return { code, stdout, stderr };
}
