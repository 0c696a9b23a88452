/** A process for the tests: appends three entries at a time, as fast as it can, until it is killed. */
import { runChild } from '../../processes/child.js';
import { connectChangeLog } from './embedded.js';

runChild<{ port: number; topic: string; entryBytes: number }>(async ({ port, topic, entryBytes }, child) => {
  const log = connectChangeLog({ port });
  const entry = (call: number, part: number) => {
    const bytes = new Uint8Array(entryBytes).fill(part);
    new DataView(bytes.buffer).setUint32(0, call);
    return bytes;
  };
  child.ready(null);
  for (let call = 0; !child.signal.aborted; call++)
    await log.append(
      topic,
      0,
      [1, 2, 3].map((part) => entry(call, part)),
    );
});
