/** The change log of the embedded stack: a client of its server process. */
import { connectRpc } from '../../rpc/client.js';
import { packBlobs, unpackBlobs } from '../../rpc/packed.js';
import type { ChangeLog } from './port.js';

/** After this, a call is given up; a read has its own waiting time on top. */
const timeoutUs = 10_000_000;

export function connectChangeLog(options: { readonly port: number }): ChangeLog {
  const rpc = connectRpc({ port: options.port, timeoutUs, name: 'change log' });
  return {
    async createTopic(topic, partitions) {
      await rpc.call('createTopic', { head: { topic, partitions } });
    },
    async append(topic, partition, entries) {
      const head = { topic, partition, count: entries.length };
      return (await rpc.call('append', { head, body: packBlobs(entries) })).head as number;
    },
    async read(topic, partition, offset, { maxBytes, maxWaitUs, signal }) {
      const head = { topic, partition, offset, maxBytes, maxWaitUs };
      const waiting = { timeoutUs: timeoutUs + maxWaitUs, ...(signal ? { signal } : {}) };
      try {
        const answer = await rpc.call('read', { head }, waiting);
        const { endOffset, count } = answer.head as { endOffset: number; count: number };
        return { baseOffset: offset, entries: unpackBlobs(answer.body, count), endOffset };
      } catch (error) {
        throw signal?.aborted ? signal.reason : error;
      }
    },
    async endOffsets(topic) {
      return (await rpc.call('endOffsets', { head: topic })).head as number[];
    },
    async commit(group, topic, offsets) {
      const body = new Uint8Array(Float64Array.from(offsets).buffer);
      await rpc.call('commit', { head: { group, topic }, body });
    },
    async committed(group, topic) {
      const { head, body } = await rpc.call('committed', { head: { group, topic } });
      return head ? [...new Float64Array(body.buffer, body.byteOffset, body.length / 8)] : null;
    },
    async close() {
      rpc.close();
    },
  };
}
