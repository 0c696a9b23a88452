/**
 * Memory in which simulated servers keep what they are sent. Whenever array buffers have grown by 64 MB since it last did, V8
 * collects the garbage of the whole heap, however much room there is, and drops the compiled code of closures that nobody
 * holds at that moment: 15 times a seed of three planes, a tenth of its time. Shared array buffers it does not count
 * (BackingStore::PerIsolateAccountingLength in v8/src/objects/backing-store.h).
 */
export function serverBytes(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length));
}

export function serverNumbers(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
}
