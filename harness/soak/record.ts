/** `soak.jsonl`: a line a run, written as soon as the run is over; all that is kept of a sound one. */
import { createReadStream } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { FaultKind } from '../scenario.js';
import type { StackName } from '../stacks/stack.js';
import type { Residue } from './residue.js';
import type { SoakVerdict } from './verdict.js';

export interface SoakLine extends SoakVerdict {
  readonly run: string;
  readonly seed: number;
  readonly architecture: string;
  readonly stack: StackName;
  /** `atUs` since the start of the load. */
  readonly faults: readonly {
    readonly kind: FaultKind;
    readonly target: string;
    readonly atUs: number;
    readonly lastsUs: number;
    readonly witnessed: boolean;
  }[];
  readonly monotonicViolations: number | null;
  /** Of the trace. */
  readonly changes: number;
  /** Does the same again. */
  readonly command: string;
  /** Since the soak began, in time of the host. */
  readonly sinceStartUs: number;
  readonly residue: Residue;
}

export const soakFile = (directory: string) => join(directory, 'soak.jsonl');

export async function appendLine(directory: string, line: SoakLine): Promise<void> {
  await appendFile(soakFile(directory), `${JSON.stringify(line)}\n`);
}

/** One line at a time, however many there are. */
export async function* readLines(directory: string): AsyncGenerator<SoakLine> {
  for await (const text of createInterface({ input: createReadStream(soakFile(directory)) })) {
    yield JSON.parse(text) as SoakLine;
  }
}
