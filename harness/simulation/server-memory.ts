/**
 * Memory in which simulated servers keep what they are sent. Whenever array buffers have grown by 64 MB since it last did, V8
 * collects the garbage of the whole heap, however much room there is, and drops the compiled code of closures that nobody
 * holds at that moment: 15 times a seed of three planes, a tenth of its time. Shared array buffers it does not count
 * (BackingStore::PerIsolateAccountingLength in v8/src/objects/backing-store.h).
 */

/** Copies that the sender cannot change: in one block, each aligned to 8 bytes, so that columns are viewed in place. */
export function serverCopies(sent: readonly Uint8Array[]): Uint8Array[] {
  const block = new Uint8Array(new SharedArrayBuffer(sent.reduce((bytes, { length }) => bytes + aligned(length), 0)));
  let at = 0;
  return sent.map((bytes) => {
    const copy = block.subarray(at, at + bytes.length);
    copy.set(bytes);
    at += aligned(bytes.length);
    return copy;
  });
}

const aligned = (bytes: number) => (bytes + 7) & ~7;

export function serverNumbers(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
}
