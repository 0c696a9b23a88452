/** A harness for the test that kills it: two processes and two programs of others, one of each stopped, and a temporary folder. */
import { fileURLToPath } from 'node:url';
import { freePorts } from '../servers/free-ports.js';
import { openScratch } from './scratch.js';
import { supervise } from './supervisor.js';

const scratch = await openScratch();
const supervisor = supervise({ lullStartUs: 0, restartDelayUs: 0, scratch });
const module = new URL('./fixture-role.js', import.meta.url);
for (const name of ['running', 'stopped']) {
  await supervisor.start({ name, kind: 'role', module, init: () => ({ does: 'wait' }), restart: true });
}
const program = fileURLToPath(new URL('./fixture-program.js', import.meta.url));
const children: number[] = [];
for (const [i, port] of (await freePorts(2)).entries()) {
  await supervisor.startProgram({
    name: `program-${i}`,
    kind: 'server',
    restart: true,
    spawn: {
      command: process.execPath,
      args: [program, 'serve', String(port)],
      env: {},
      cwd: scratch.directory,
    },
    async isReady() {
      const response = await fetch(`http://127.0.0.1:${port}`).catch(() => null);
      if (response) children.push(((await response.json()) as { child: number }).child);
      return response !== null;
    },
  });
}
for (const name of ['stopped', 'program-1']) supervisor.pause(name);
const pids = [...supervisor.processes().map(({ pid }) => pid), ...children];
process.send?.({ pids, directory: scratch.directory });
