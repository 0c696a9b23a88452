import type { Json } from '../json.js';

/**
 * A call or an answer on its way out: a small JSON head and a raw body. A body in parts is sent as the parts joined,
 * without joining them. The bytes must not change until the call is answered (a handler's: until they are sent).
 */
export interface RpcMessage {
  readonly head: Json;
  readonly body?: Uint8Array | readonly Uint8Array[];
}

/** A call or an answer as it arrived: the body starts at a multiple of 8 bytes and belongs to the receiver. */
export interface ReceivedMessage {
  readonly head: Json;
  readonly body: Uint8Array;
}

/** Answers one call. Calls of one connection start in the order in which they were made. */
export type RpcHandler = (message: ReceivedMessage) => Promise<RpcMessage>;
