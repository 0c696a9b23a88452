/**
 * The calling end: one connection, many calls in flight. A lost connection fails the calls that were on it, and the
 * next call connects again: whoever calls decides whether to repeat, since only he knows whether that is harmless.
 */
import { connect, type Socket } from 'node:net';
import { type Cancel, hostClock } from '../clock.js';
import { CallError, messageOf, RefusedCall } from '../errors.js';
import { type EncodedFrame, encodeFrame, type Frame, frameReader, frameWriter, unsentLimitBytes } from './frames.js';
import type { ReceivedMessage, RpcMessage } from './rpc.js';

export interface RpcClient {
  /**
   * Rejects with CallError. `failed`: the call was never written, or the handler says that it had no effect.
   * `indeterminate`: it was written, and the connection was lost, the time ran out or the caller gave up.
   */
  call(method: string, message: RpcMessage, options?: CallOptions): Promise<ReceivedMessage>;
  /** Ends the connection; calls in flight are rejected, later ones too. */
  close(): void;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Instead of the client's. */
  readonly timeoutUs?: number;
}

interface PendingCall {
  readonly id: number;
  readonly method: string;
  readonly resolve: (message: ReceivedMessage) => void;
  readonly reject: (error: CallError) => void;
  /** Stops the timer and stops listening to the signal. */
  readonly release: () => void;
  /** Not yet written; null afterwards. */
  frame: EncodedFrame | null;
}

/** Connects at the first call. `name` says in errors who was called. */
export function connectRpc(options: {
  readonly port: number;
  readonly timeoutUs: number;
  readonly name: string;
}): RpcClient {
  const where = `${options.name} at 127.0.0.1:${options.port}`;
  const pending = new Map<number, PendingCall>();
  /** Calls to be written when the connection is made or has room again, in order. */
  let waiting: PendingCall[] = [];
  let connection: { readonly socket: Socket; readonly write: (frame: EncodedFrame) => void; open: boolean } | null =
    null;
  let closed = false;
  let lastId = 0;

  const settle = (call: PendingCall) => {
    call.release();
    pending.delete(call.id);
  };

  const fail = (call: PendingCall, reason: string, cause?: unknown) => {
    const written = call.frame === null;
    if (!written) waiting = waiting.filter((other) => other !== call);
    settle(call);
    call.reject(
      new CallError(
        written ? 'indeterminate' : 'failed',
        `'${call.method}' to ${where}: ${reason}${written ? '; it may or may not have taken effect' : ''}`,
        { cause },
      ),
    );
  };

  const failAll = (reason: string, cause?: unknown) => {
    waiting = [];
    for (const call of [...pending.values()]) fail(call, reason, cause);
  };

  const writeWaiting = () => {
    if (!connection?.open) return;
    let written = 0;
    while (written < waiting.length && connection.socket.writableLength <= unsentLimitBytes) {
      const call = waiting[written++]!;
      connection.write(call.frame!);
      call.frame = null;
    }
    if (written > 0) waiting = waiting.slice(written);
  };

  const receive = (frame: Frame) => {
    const call = pending.get(frame.id);
    if (!call) return; // the caller has given up meanwhile
    settle(call);
    if (frame.kind === 'answer') return call.resolve({ head: frame.head, body: frame.body });
    const { outcome, message } = frame.head as { outcome: 'failed' | 'indeterminate'; message: string };
    call.reject(new CallError(outcome, `'${call.method}' to ${where}: ${message}`));
  };

  const open = () => {
    const socket = connect({ host: '127.0.0.1', port: options.port, noDelay: true });
    const mine = { socket, write: frameWriter(socket), open: false };
    connection = mine;
    let error: unknown;
    const read = frameReader(receive);
    socket.on('connect', () => {
      mine.open = true;
      writeWaiting();
    });
    socket.on('data', (chunk) => {
      try {
        read(chunk);
      } catch (broken) {
        socket.destroy(broken instanceof Error ? broken : new Error(messageOf(broken)));
      }
    });
    socket.on('drain', writeWaiting);
    socket.on('end', () => socket.destroy());
    socket.on('error', (reason) => {
      error = reason;
    });
    socket.on('close', () => {
      if (connection !== mine) return;
      connection = null;
      const reason = mine.open ? 'the connection was lost' : 'no connection could be made';
      const detail = error === undefined ? '' : ` (${messageOf(error)})`;
      failAll(reason + detail, error);
    });
  };

  return {
    call(method, message, callOptions = {}) {
      return new Promise((resolve, reject) => {
        const refuse = (reason: string, cause?: unknown) =>
          reject(new CallError('failed', `'${method}' to ${where}: ${reason}`, { cause }));
        const { signal } = callOptions;
        if (closed) return refuse('the client is closed');
        if (signal?.aborted) return refuse('the caller had given up before', signal.reason);
        const id = nextId();
        let frame: EncodedFrame;
        try {
          frame = encodeFrame('call', id, [method, message.head], message.body);
        } catch (error) {
          return reject(new RefusedCall(`'${method}' to ${where}: ${messageOf(error)}`, { cause: error }));
        }
        const timeoutUs = callOptions.timeoutUs ?? options.timeoutUs;
        const abort = () => fail(call, 'the caller gave up', signal?.reason);
        const cancel: Cancel = hostClock.after(timeoutUs, () => fail(call, `no answer within ${timeoutUs / 1000} ms`));
        signal?.addEventListener('abort', abort, { once: true });
        const release = () => {
          cancel();
          signal?.removeEventListener('abort', abort);
        };
        const call: PendingCall = { id, method, resolve, reject, release, frame };
        pending.set(id, call);
        waiting.push(call);
        if (connection === null) open();
        else if (waiting.length === 1) writeWaiting();
      });
    },
    close() {
      closed = true;
      const socket = connection?.socket;
      connection = null;
      failAll('the client was closed');
      socket?.destroy();
    },
  };

  function nextId(): number {
    do lastId = (lastId + 1) >>> 0;
    while (pending.has(lastId));
    return lastId;
  }
}
