import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeLogContract } from './contract.js';
import { connectChangeLog } from './embedded.js';
import { startChangeLogServer } from './embedded-process.js';

changeLogContract('the embedded change log', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'change-log-'));
  let server = await startChangeLogServer({ directory, port: 0 });
  const changeLog = connectChangeLog({ port: server.port });
  return {
    changeLog,
    async reopen() {
      server.child.signal('SIGKILL');
      await server.child.exited;
      server = await startChangeLogServer({ directory, port: server.port });
    },
    async close() {
      await changeLog.close();
      await server.child.stop();
      await rm(directory, { recursive: true });
    },
  };
});
