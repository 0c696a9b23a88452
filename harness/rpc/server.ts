/** The answering end: calls arrive, handlers answer them, answers leave in whatever order they are ready. */
import { createServer, type Socket } from 'node:net';
import { CallError, HarnessError, messageOf } from '../errors.js';
import type { Json } from '../json.js';
import { encodeFrame, type Frame, frameReader, frameWriter, unsentLimitBytes } from './frames.js';
import type { RpcHandler } from './rpc.js';

/** Bytes of unanswered calls of one connection above which the server stops reading from it. */
const unansweredLimitBytes = 64 * 1024 * 1024;
/** What an unanswered call weighs beyond its body, so that many empty calls are bounded too. */
const callWeightBytes = 1024;

export interface RpcServer {
  readonly port: number;
  /** Drops every connection and stops listening; calls that are being answered get no answer. */
  close(): Promise<void>;
}

/** Listens on loopback; `port` 0 takes any free one. */
export async function serveRpc(
  methods: Readonly<Record<string, RpcHandler>>,
  options: { readonly port: number },
): Promise<RpcServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    answerCalls(socket, methods);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new HarnessError(`could not listen on 127.0.0.1:${options.port}: ${error.message}`, { cause: error })),
    );
    server.listen({ host: '127.0.0.1', port: options.port }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function answerCalls(socket: Socket, methods: Readonly<Record<string, RpcHandler>>): void {
  const write = frameWriter(socket);
  let unansweredBytes = 0;

  // A client that does not read its answers, or asks faster than it can be answered, is not read from.
  const regulate = () => {
    const full = socket.writableLength > unsentLimitBytes || unansweredBytes > unansweredLimitBytes;
    if (full && !socket.isPaused()) socket.pause();
    else if (!full && socket.isPaused()) socket.resume();
  };

  const answer = async (frame: Frame) => {
    const weight = frame.body.length + callWeightBytes;
    unansweredBytes += weight;
    const encoded = await handle(frame, methods);
    unansweredBytes -= weight;
    if (!socket.destroyed) {
      write(encoded);
      regulate();
    }
  };

  const read = frameReader((frame) => {
    if (frame.kind !== 'call') throw new Error(`expected a call, found a frame of kind '${frame.kind}'`);
    void answer(frame);
  });
  socket.on('data', (chunk) => {
    try {
      read(chunk);
      regulate();
    } catch {
      // Not one of ours, or broken: nothing that follows could be understood. The client sees a lost connection.
      socket.destroy();
    }
  });
  socket.on('drain', regulate);
  socket.on('error', () => socket.destroy());
}

async function handle(frame: Frame, methods: Readonly<Record<string, RpcHandler>>) {
  try {
    const [method, head] = frame.head as readonly [string, Json];
    const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (!handler)
      throw new Error(`there is no method '${method}' here; there are: ${Object.keys(methods).sort().join(', ')}`);
    const { head: answerHead, body } = await handler({ head, body: frame.body });
    return encodeFrame('answer', frame.id, answerHead, body);
  } catch (error) {
    const outcome = error instanceof CallError ? error.outcome : 'failed';
    return encodeFrame('error', frame.id, { outcome, message: messageOf(error) }, undefined);
  }
}
