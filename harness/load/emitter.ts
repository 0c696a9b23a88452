/**
 * The source of changes: offers each slot of the trace to the change log at the slot's own time, again and again until it
 * is acknowledged, and records what came of every attempt.
 */

import { countChanges } from '../../workloads/change-batch.js';
import type { ContractParams } from '../../workloads/data-contract.js';
import { readEntries } from '../../workloads/trace.js';
import { CallError, messageOf } from '../errors.js';
import type { ChildMain } from '../processes/child.js';
import { seededRandom } from '../random.js';
import { appendOutcomes } from '../record/facts.js';
import { openRecording } from '../record/recordings.js';
import { openPorts, type StackConnection } from '../stacks/stack.js';
import { deliverInOrder, type Entry } from './delivery.js';
import { trackInflight } from './inflight.js';
import { appendLayout, type LoadErrors } from './recorded.js';

export interface EmitterInit {
  readonly trace: string;
  readonly contract: ContractParams;
  readonly connection: StackConnection;
  readonly seed: number;
  readonly loadEndUs: number;
  readonly recording: string;
}

/**
 * Beyond so many entries that are not acknowledged the source itself is stuck, as a real one is when its log does not
 * answer: later slots go out late, which their intended times show.
 */
const unsettledLimit = 4_096;

/** After the end of the load: for so long entries are tried again, and then given up. */
export const patienceUs = 30_000_000;

export const emitChanges: ChildMain<EmitterInit> = async (init, child) => {
  const { clock, signal, clockSet, ready, report, host, onGone } = child;
  const { contract, seed } = init;
  const [{ ports, close }, recording] = await host(async () => [
    await openPorts(init.connection, clock),
    await openRecording(init.recording, appendLayout),
  ]);
  const { changeLog } = ports;
  onGone(() => recording.close());
  const random = seededRandom(seed, '/emitter');
  const unsettled = trackInflight();
  const untilUs = init.loadEndUs + patienceUs;
  let givenUp = 0;
  let lastFailure = '';

  const attempt = async ({ slotUs, partition, block }: Entry): Promise<boolean> => {
    const changes = countChanges(block);
    const sentUs = clock.nowUs();
    let outcome: (typeof appendOutcomes)[number] = 'acknowledged';
    try {
      await changeLog.append(contract.topic, partition, [block]);
    } catch (error) {
      outcome = error instanceof CallError ? error.outcome : 'indeterminate';
      lastFailure = messageOf(error);
    }
    recording.push(slotUs, partition, changes, block.length, sentUs, clock.nowUs(), appendOutcomes.indexOf(outcome));
    return outcome === 'acknowledged';
  };
  const deliveries = Array.from({ length: contract.partitions }, (_, partition) =>
    deliverInOrder({ attempt, clock, random: random.fork(String(partition)), untilUs, signal }),
  );
  const offer = async (entry: Entry) => {
    const acknowledged = await deliveries[entry.partition]?.(entry);
    if (!acknowledged) givenUp++;
  };

  const entries = readEntries(init.trace)[Symbol.asyncIterator]();
  onGone(async () => entries.return());
  let next = await host(() => entries.next()); // the file is open and warm before the clock starts
  ready(null);
  await clockSet;
  while (!next.done && !signal.aborted && clock.nowUs() < untilUs) {
    const { slotUs, partition, block } = next.value;
    await clock.sleepUntil(slotUs, signal);
    await unsettled.below(unsettledLimit);
    unsettled.add(offer({ slotUs, partition, block: block.slice() })); // the trace's buffer is used again
    next = await host(() => entries.next());
  }
  await unsettled.below(1);
  const unread = next.done ? '' : ', and the rest of the trace was never offered';
  if (givenUp > 0 || !next.done) {
    const message = `not acknowledged within ${patienceUs / 1e6} s of the end of the load, so given up${unread}; the last failure: ${lastFailure}`;
    report('errors', { errors: [{ operation: 'append', message, count: givenUp }] } satisfies LoadErrors);
  }
  await host(() => recording.close());
  await close();
};
