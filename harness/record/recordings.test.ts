import { fork } from 'node:child_process';
import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRecording, readRecording } from './recordings.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'planebench-recording-'));
});
afterEach(() => rm(directory, { recursive: true }));

const layout = { outcome: 'u8', keys: 'u32', doneUs: 'f64' } as const;

describe('a recording', () => {
  it.each([0, 1, 8192, 8193, 30_000])('gives back %i rows in order', async (rows) => {
    const path = join(directory, 'rows');
    await record(path, rows);
    const columns = await readRecording(path, layout);
    expect(columns.complete).toBe(true);
    expect(columns.rows).toBe(rows);
    expect(columns.doneUs).toEqual(Float64Array.from({ length: rows }, (_, row) => row * 1.5));
    expect(columns.keys).toEqual(Uint32Array.from({ length: rows }, (_, row) => row * 7));
    expect(columns.outcome).toEqual(Uint8Array.from({ length: rows }, (_, row) => row % 3));
  });

  it('cut anywhere keeps every whole chunk, and says that it is not complete', async () => {
    const whole = join(directory, 'whole');
    await record(whole, 20_000);
    const bytes = await readFile(whole);
    const headerEnd = 12 + bytes.readUInt32LE(8);
    const chunkEnd = (chunks: number) => headerEnd + chunks * (12 + 8192 * 13);
    const cut = join(directory, 'cut');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: headerEnd, max: bytes.length - 1 }), async (length) => {
        await writeFile(cut, bytes);
        await truncate(cut, length);
        const columns = await readRecording(cut, layout);
        const chunks = Math.floor((length - headerEnd) / (12 + 8192 * 13));
        expect(columns.rows).toBe(length >= bytes.length - 12 ? 20_000 : chunks * 8192);
        expect(columns.complete).toBe(false);
        expect(columns.keys).toEqual(Uint32Array.from({ length: columns.rows }, (_, row) => row * 7));
      }),
      { numRuns: 30, examples: [[headerEnd], [headerEnd + 5], [chunkEnd(1)], [chunkEnd(1) + 1]] },
    );
  });

  it('damaged inside is an error, not fewer rows', async () => {
    const path = join(directory, 'rows');
    await record(path, 20_000);
    const file = await open(path, 'r+');
    await file.write(Uint8Array.of(255), 0, 1, 1000);
    await file.close();
    await expect(readRecording(path, layout)).rejects.toThrow(/chunk at byte \d+ is damaged/);
  });

  it('is readable after its writer was killed, without a row that was never pushed', async () => {
    const path = join(directory, 'rows');
    const writer = fork(new URL('./recordings.writer.js', import.meta.url), [path], { stdio: 'ignore' });
    await new Promise((resolve) => writer.once('message', resolve));
    const killed = new Promise((resolve) => writer.once('exit', resolve));
    writer.kill('SIGKILL');
    await killed;
    const columns = await readRecording(path, layout);
    expect(columns.complete).toBe(false);
    expect(columns.rows).toBeGreaterThanOrEqual(8192);
    expect(columns.keys).toEqual(Uint32Array.from({ length: columns.rows }, (_, row) => row * 7));
  });

  it('refuses rows of another width, another set of columns, and an existing file', async () => {
    const path = join(directory, 'rows');
    const recording = await openRecording(path, layout);
    expect(() => recording.push(1, 2)).toThrow(/a row of 2 values, expected 3/);
    await recording.close();
    await expect(readRecording(path, { outcome: 'u8' })).rejects.toThrow(/records columns/);
    await expect(openRecording(path, layout)).rejects.toThrow(/EEXIST/);
    await writeFile(join(directory, 'other'), 'something else entirely');
    await expect(readRecording(join(directory, 'other'), layout)).rejects.toThrow(/is no recording/);
  });
});

async function record(path: string, rows: number): Promise<void> {
  const recording = await openRecording(path, layout);
  for (let row = 0; row < rows; row++) recording.push(row % 3, row * 7, row * 1.5);
  await recording.close();
}
