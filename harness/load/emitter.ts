/**
 * The source of changes: offers each slot of the trace to the change log at the slot's own time,
 * whatever became of the slots before it, and records what came of every append.
 */

import { viewBlock } from '../../workloads/change-batch.js';
import type { ContractParams } from '../../workloads/data-contract.js';
import { readEntries } from '../../workloads/trace.js';
import { CallError } from '../errors.js';
import type { ChildMain } from '../processes/child.js';
import { appendOutcomes } from '../record/facts.js';
import { openRecording } from '../record/recordings.js';
import { openPorts, type StackConnection } from '../stacks/stack.js';
import { trackInflight } from './inflight.js';
import { appendLayout } from './recorded.js';

export interface EmitterInit {
  readonly trace: string;
  readonly contract: ContractParams;
  readonly connection: StackConnection;
  readonly recording: string;
}

/**
 * Beyond this the source itself is stuck, as a real one is when its log does not answer: later slots go out late,
 * which their intended times show.
 */
const inflightLimit = 4_096;

export const emitChanges: ChildMain<EmitterInit> = async (init, { clock, signal, clockSet, ready, host }) => {
  const { ports, close } = openPorts(init.connection, clock);
  const { changeLog } = ports;
  const recording = await host(() => openRecording(init.recording, appendLayout));
  const inflight = trackInflight();

  const append = async (slotUs: number, partition: number, block: Uint8Array) => {
    const changes = viewBlock(block).count;
    const sentUs = clock.nowUs();
    let outcome: (typeof appendOutcomes)[number] = 'acknowledged';
    try {
      await changeLog.append(init.contract.topic, partition, [block]);
    } catch (error) {
      outcome = error instanceof CallError ? error.outcome : 'indeterminate';
    }
    recording.push(slotUs, partition, changes, block.length, sentUs, clock.nowUs(), appendOutcomes.indexOf(outcome));
  };

  const entries = readEntries(init.trace)[Symbol.asyncIterator]();
  let next = await host(() => entries.next()); // the file is open and warm before the clock starts
  ready(null);
  await clockSet;
  while (!next.done && !signal.aborted) {
    const { slotUs, partition, block } = next.value;
    await clock.sleepUntil(slotUs, signal);
    await inflight.below(inflightLimit);
    inflight.add(append(slotUs, partition, block.slice())); // the trace's buffer is used again
    next = await host(() => entries.next());
  }
  await inflight.below(1);
  await host(() => recording.close());
  await close();
};
