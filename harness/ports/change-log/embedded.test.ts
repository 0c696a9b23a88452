import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from '../../processes/child-process.js';
import { changeLogContract } from './contract.js';
import { connectChangeLog } from './embedded.js';

export async function startChangeLogServer(directory: string, port: number) {
  const child = startChild({
    name: 'change-log server',
    module: new URL('./embedded-server.js', import.meta.url),
    init: { directory, port },
    origin: { epochUs: 0, zeroNs: null },
  });
  return { child, port: ((await child.ready) as { port: number }).port };
}

changeLogContract('the embedded change log', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'change-log-'));
  let server = await startChangeLogServer(directory, 0);
  const changeLog = connectChangeLog({ port: server.port });
  return {
    changeLog,
    async reopen() {
      server.child.signal('SIGKILL');
      await server.child.exited;
      server = await startChangeLogServer(directory, server.port);
    },
    async close() {
      await changeLog.close();
      await server.child.stop();
      await rm(directory, { recursive: true });
    },
  };
});
