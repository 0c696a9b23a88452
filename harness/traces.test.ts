import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { generateTrace, type TraceOptions } from '../workloads/trace-generation.js';
import { openScratch, type Scratch } from './processes/scratch.js';
import { smoke } from './suites/smoke.js';
import { generateApart } from './traces.js';

async function withScratch(work: (scratch: Scratch, options: TraceOptions) => Promise<void>): Promise<void> {
  const scratch = await openScratch();
  const { workload, epochUs } = smoke.scenarios[0]!;
  const directory = join(scratch.directory, 'apart');
  const small = { ...workload, history: { ...workload.history, facts: 1_000 } };
  try {
    await work(scratch, { workload: small, seed: 3, epochUs, durationUs: 1_000_000, directory });
  } finally {
    await scratch.close();
  }
}

it('is the same trace when a process of its own generates it', () =>
  withScratch(async (scratch, options) => {
    const apart = await generateApart(options, scratch, new AbortController().signal);
    const here = await generateTrace({ ...options, directory: join(scratch.directory, 'here') });
    expect(apart).toEqual(here);
    expect(existsSync(options.directory)).toBe(true);
  }));

it('says what is wrong with a workload in the words of the generator', () =>
  withScratch(async (scratch, options) => {
    const asked = generateApart({ ...options, durationUs: 0 }, scratch, new AbortController().signal);
    await expect(asked).rejects.toThrow(/^workload: out of bounds: durationUs 0 .*; correct the scenario\.$/);
  }));

it('ends with whoever asked for it, and leaves no trace', () =>
  withScratch(async (scratch, options) => {
    const stop = new AbortController();
    const history = { ...options.workload.history, facts: 50_000_000 };
    const asked = generateApart({ ...options, workload: { ...options.workload, history } }, scratch, stop.signal);
    const ended = expect(asked).rejects.toThrow(/the generator of the trace ended before it was ready/);
    stop.abort();
    await ended;
    expect(existsSync(options.directory)).toBe(false);
  }));
