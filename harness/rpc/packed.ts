/**
 * Many byte strings in one body: `lengths u32[count] | bytes`, both padded to 8, each byte string too, so that whatever
 * starts aligned in memory still does on arrival.
 */
const aligned = (bytes: number) => (bytes + 7) & ~7;
const padding = new Uint8Array(8);

/** The parts of a body that holds `blobs`, sharing their memory. */
export function packBlobs(blobs: readonly Uint8Array[]): Uint8Array[] {
  const lengths = new Uint32Array(aligned(4 * blobs.length) / 4);
  const parts: Uint8Array[] = [new Uint8Array(lengths.buffer)];
  for (let i = 0; i < blobs.length; i++) {
    const blob = blobs[i]!;
    lengths[i] = blob.length;
    parts.push(blob);
    if (blob.length % 8 !== 0) parts.push(padding.subarray(blob.length % 8));
  }
  return parts;
}

/** The `count` byte strings of an arrived body, sharing its memory. */
export function unpackBlobs(body: Uint8Array, count: number): Uint8Array[] {
  if (body.length < 4 * count) throw new Error(`${count} byte strings do not fit in a body of ${body.length} bytes`);
  const lengths = new Uint32Array(body.buffer, body.byteOffset, count);
  const blobs = new Array<Uint8Array>(count);
  let at = aligned(4 * count);
  for (let i = 0; i < count; i++) {
    const length = lengths[i]!;
    if (at + length > body.length)
      throw new Error(`byte string ${i} of ${count} ends at ${at + length}, beyond a body of ${body.length} bytes`);
    blobs[i] = body.subarray(at, at + length);
    at += aligned(length);
  }
  return blobs;
}
