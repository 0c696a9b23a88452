/** `soak.jsonl`: a line a run, written as soon as the run is over; all that is kept of a sound one. */
import { createReadStream } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HarnessError, messageOf } from '../errors.js';
import type { FaultKind } from '../scenario.js';
import type { StackName } from '../stacks/stack.js';
import type { Residue } from './residue.js';
import type { SoakVerdict } from './verdict.js';

export interface SoakLine extends SoakVerdict, Residue {
  readonly run: string;
  readonly seed: number;
  readonly architecture: string;
  readonly stack: StackName;
  /** In the order in which they struck: "role-crash of stream". */
  readonly faults: readonly string[];
  /** Those of them that were seen to bite. */
  readonly witnessed: readonly FaultKind[];
  /** `pass`, or the first finding. */
  readonly verdict: string;
  readonly monotonicViolations: number | null;
  /** Of the trace. */
  readonly changes: number;
  /** Does the same again. */
  readonly command: string;
  /** When its facts were there, since the soak began, in time of the host. */
  readonly atUs: number;
}

export const soakFile = (directory: string) => join(directory, 'soak.jsonl');

export async function appendLine(directory: string, line: SoakLine): Promise<void> {
  await appendFile(soakFile(directory), `${JSON.stringify(line)}\n`);
}

/** One line at a time, however many there are. */
export async function* readLines(directory: string): AsyncGenerator<SoakLine> {
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(soakFile(directory)) })) {
    number++;
    yield parseLine(text, `${soakFile(directory)}, line ${number}`);
  }
}

/** Only the last can be torn: the machine stopped while it was written. */
function parseLine(text: string, where: string): SoakLine {
  try {
    return JSON.parse(text) as SoakLine;
  } catch (error) {
    throw new HarnessError(
      `${where} is no line of a soak: ${messageOf(error)}. If it is the last, the soak was stopped while it wrote it: remove the line`,
      { cause: error },
    );
  }
}
