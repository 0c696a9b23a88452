/** `clean --servers FILE`: what killed runs have left on servers of yours, and `--remove`: away with it. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readServers } from '../stacks/external-settings.js';
import { counted } from '../summary/wording.js';
import type { Shell } from './shell.js';

interface CleanFlags {
  readonly servers: string;
  readonly remove?: boolean;
  readonly json?: boolean;
}

export function declareClean(program: Command, shell: Shell): void {
  program
    .command('clean')
    .description('what runs that were killed have left on servers of yours')
    .requiredOption('--servers <file>', 'where your servers are')
    .option('--remove', 'take it away; a run that goes on there loses everything')
    .option('--json', 'print it as JSON')
    .action(async (flags: CleanFlags) => {
      await clean(flags, shell);
      shell.finish('pass');
    });
}

async function clean({ servers: file, remove = false, json = false }: CleanFlags, shell: Shell): Promise<void> {
  const { findLeftovers, removeLeftover } = await import('../stacks/leftovers.js');
  const servers = await readServers(resolve(file));
  const found = await findLeftovers(servers);
  if (!json) for (const { guest, on } of found) shell.print(`${guest}  ${on.join(', ')}`);
  if (remove) for (const leftover of found) await removeLeftover(servers, leftover);
  if (json) shell.print(JSON.stringify({ found, removed: remove }, null, 2));
  if (found.length === 0) shell.complain('nothing was left there');
  else if (remove) shell.complain(`${counted(found.length, 'visit')} taken away`);
  else
    shell.complain(
      `${counted(found.length, 'visit')} left something, or still go on: --remove takes it away, whichever it is`,
    );
}
