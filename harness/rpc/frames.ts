/**
 * Frames: what travels between client and server, in both directions, little-endian.
 *
 *     mark u32 | id u32 | headBytes u32 | bodyBytes u32 | head (JSON, UTF-8) padded to 8 | body
 *
 * The mark is three letters and the kind of frame. It lets a stranger who speaks something else be recognised by the
 * first four bytes.
 */
import type { Socket } from 'node:net';
import type { Json } from '../json.js';
import type { RpcMessage } from './rpc.js';

const frameKinds = ['call', 'answer', 'error'] as const;
export type FrameKind = (typeof frameKinds)[number];

export interface Frame {
  readonly kind: FrameKind;
  readonly id: number;
  readonly head: Json;
  readonly body: Uint8Array;
}

/** The largest frame sent or accepted. Large things go in pages, so that no call holds up the others for long. */
export const frameLimitBytes = 64 * 1024 * 1024;

/** Unsent bytes of a connection above which the sender waits. */
export const unsentLimitBytes = 4 * 1024 * 1024;

const headerBytes = 16;
const letters = 0x52425000; // "PBR" above the byte of the kind
/** Parts of up to this size on average are copied behind the head: a small copy is cheaper than a buffer to write. */
const joinBelowBytes = 4096;

const aligned = (bytes: number) => (bytes + 7) & ~7;

/** Buffers of one frame, to be written in order. */
export interface EncodedFrame {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
}

/** Throws if the frame would be larger than the limit. */
export function encodeFrame(kind: FrameKind, id: number, head: Json, body: RpcMessage['body']): EncodedFrame {
  const headText = JSON.stringify(head);
  const headBytes = Buffer.byteLength(headText);
  const parts = body === undefined ? [] : body instanceof Uint8Array ? [body] : body;
  let bodyBytes = 0;
  for (const part of parts) bodyBytes += part.length;
  const bytes = headerBytes + aligned(headBytes) + bodyBytes;
  if (bytes > frameLimitBytes)
    throw new Error(`a message of ${bytes} bytes is larger than the limit of ${frameLimitBytes}; send it in parts`);
  const join = bodyBytes <= joinBelowBytes * parts.length;
  const start = Buffer.allocUnsafe(join ? bytes : bytes - bodyBytes);
  start.writeUInt32LE(letters + frameKinds.indexOf(kind), 0);
  start.writeUInt32LE(id, 4);
  start.writeUInt32LE(headBytes, 8);
  start.writeUInt32LE(bodyBytes, 12);
  start.write(headText, headerBytes);
  let at = headerBytes + headBytes;
  while (at % 8 !== 0) start[at++] = 0;
  if (!join) return { parts: [start, ...parts], bytes };
  for (const part of parts) {
    start.set(part, at);
    at += part.length;
  }
  return { parts: [start], bytes };
}

/** Writes frames so that those of one turn of the event loop leave in one system call. */
export function frameWriter(socket: Socket): (frame: EncodedFrame) => void {
  let corked = false;
  const uncork = () => {
    corked = false;
    socket.uncork();
  };
  return (frame) => {
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(uncork);
    }
    for (const part of frame.parts) socket.write(part);
  };
}

/**
 * Cuts a stream of bytes into frames. Returns a function to be fed with what arrives; it throws when the bytes are no
 * frames. Each byte is copied once, from the socket's buffer to the frame's own.
 */
export function frameReader(onFrame: (frame: Frame) => void): (chunk: Uint8Array) => void {
  const header = Buffer.alloc(headerBytes);
  let headerFill = 0;
  let payload: Buffer | null = null;
  let payloadFill = 0;

  const readHeader = () => {
    const mark = header.readUInt32LE(0);
    if ((mark & 0xffffff00) !== letters || frameKinds[mark & 0xff] === undefined)
      throw new Error(`expected a frame that starts with "PBR", found bytes ${header.toString('hex', 0, 4)}`);
    const bytes = headerBytes + aligned(header.readUInt32LE(8)) + header.readUInt32LE(12);
    if (header.readUInt32LE(8) > frameLimitBytes || bytes > frameLimitBytes)
      throw new Error(`a frame of ${bytes} bytes is announced, larger than the limit of ${frameLimitBytes}`);
    // Its own memory, not a slice of Node's pool: starts aligned, and is freed when this message is.
    payload = Buffer.allocUnsafeSlow(bytes - headerBytes);
    payloadFill = 0;
  };

  const finish = (filled: Buffer) => {
    const headBytes = header.readUInt32LE(8);
    payload = null;
    headerFill = 0;
    onFrame({
      kind: frameKinds[header.readUInt32LE(0) & 0xff]!,
      id: header.readUInt32LE(4),
      head: JSON.parse(filled.toString('utf8', 0, headBytes)),
      body: new Uint8Array(filled.buffer, filled.byteOffset + aligned(headBytes), header.readUInt32LE(12)),
    });
  };

  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (payload === null) {
        const taken = Math.min(headerBytes - headerFill, chunk.length - at);
        header.set(chunk.subarray(at, at + taken), headerFill);
        at += taken;
        headerFill += taken;
        if (headerFill < headerBytes) return;
        readHeader();
      }
      const filling: Buffer = payload!;
      const taken = Math.min(filling.length - payloadFill, chunk.length - at);
      filling.set(chunk.subarray(at, at + taken), payloadFill);
      at += taken;
      payloadFill += taken;
      if (payloadFill === filling.length) finish(filling);
    }
  };
}
