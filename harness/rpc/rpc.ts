import type { Json } from '../json.js';

/** A call or an answer: a small JSON head and a raw body. */
export interface RpcMessage {
  readonly head: Json;
  readonly body?: Uint8Array;
}
export type RpcHandler = (message: { readonly head: Json; readonly body: Uint8Array }) => Promise<RpcMessage>;
