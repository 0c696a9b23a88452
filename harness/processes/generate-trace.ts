/**
 * A process that generates one trace and ends. What a generator once held of a long history it would hold for the whole
 * run, beside the plane: memory that was freed is seldom given back to the operating system before the process ends.
 */

import type { TraceInfo } from '../../workloads/trace.js';
import { generateTrace, type TraceOptions } from '../../workloads/trace-generation.js';
import { UsageError } from '../errors.js';
import { runChild } from './child.js';

export type Generated =
  | { readonly outcome: 'generated'; readonly info: TraceInfo }
  | { readonly outcome: 'refused'; readonly message: string };

runChild<TraceOptions>(async (options, child) => {
  child.ready(await generate(options));
});

async function generate(options: TraceOptions): Promise<Generated> {
  try {
    return { outcome: 'generated', info: await generateTrace(options) };
  } catch (error) {
    if (error instanceof UsageError) return { outcome: 'refused', message: error.message };
    throw error;
  }
}
