/** A server process for the tests of this folder: something real to call, to overload and to kill. */
import { runChild } from '../processes/child.js';
import { serveRpc } from './server.js';

runChild<{ port: number }>(async ({ port }, child) => {
  const server = await serveRpc(
    {
      echo: async ({ head, body }) => ({ head, body }),
      /** The body's eight-byte numbers, read where they arrived. */
      sum: async ({ body }) => ({
        head: new Float64Array(body.buffer, body.byteOffset, body.length / 8).reduce((sum, value) => sum + value, 0),
      }),
      fail: async ({ head }) => {
        throw new Error(`cannot: ${head}`);
      },
      sleep: async ({ head }) => {
        await child.clock.sleep(head as number, child.signal);
        return { head: null };
      },
      zeros: async ({ head }) => ({ head: null, body: new Uint8Array(head as number) }),
      /** A body in parts. */
      many: async ({ head }) => ({
        head: null,
        body: Array.from({ length: head as number }, (_, i) => new Uint8Array(8).fill(i)),
      }),
    },
    { port },
  );
  child.ready({ port: server.port });
  await child.stopped;
  await server.close();
});
