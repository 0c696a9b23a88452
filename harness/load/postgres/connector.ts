/**
 * The connector: reads what the source database committed by logical decoding and appends it to the change log, at least
 * once. When it was killed, its successor reads again from the stored position on, looks up in the change log which of that
 * is there already, and appends the rest: only what was still under way when the last one died can be there twice.
 */
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
import { blockBytes, countChanges } from '../../../workloads/change-batch.js';
import type { ContractParams } from '../../../workloads/data-contract.js';
import { CallError, messageOf } from '../../errors.js';
import type { ChildMain } from '../../processes/child.js';
import { seededRandom } from '../../random.js';
import { appendOutcomes } from '../../record/facts.js';
import { openRecording } from '../../record/recordings.js';
import { openPorts, type StackConnection } from '../../stacks/stack.js';
import { deliverInOrder, type Entry } from '../delivery.js';
import { patienceUs } from '../emitter.js';
import { trackInflight } from '../inflight.js';
import { appendLayout, type LoadErrors } from '../recorded.js';
import { createCapture, formatLsn } from './capture.js';
import { clientConfig, type PostgresConnection } from './connection.js';
import { readLogged, readPosition, storePosition } from './position.js';
import { publication, slot } from './rows.js';

export interface ConnectorInit {
  readonly contract: ContractParams;
  readonly postgres: PostgresConnection;
  readonly connection: StackConnection;
  readonly seed: number;
  readonly loadEndUs: number;
  /** Of this incarnation; another has another. */
  readonly recording: string;
}

/** Beyond so many entries that are not acknowledged nothing more is read from the source. */
const unsettledLimit = 4_096;
const storeEveryUs = 100_000;
/** The server sees that a killed reader is gone only when it next writes to it. */
const slotInUse = '55006';
const slotRetryUs = 50_000;

export const captureChanges: ChildMain<ConnectorInit> = async (init, child) => {
  const { clock, signal, stopped, ready, report, host } = child;
  const { contract, seed } = init;
  const { topic, partitions } = contract;
  const { ports, close } = await host(() => openPorts(init.connection, clock));
  const recording = await host(() => openRecording(init.recording, appendLayout));
  const { changeLog } = ports;
  const position = await readPosition(changeLog, contract);
  const logged = await readLogged(changeLog, topic, position.offsets);
  const random = seededRandom(seed, '/connector');
  const unsettled = trackInflight();
  const progress = trackProgress(position.lsn);
  let givenUp = 0;
  let lastFailure = '';

  const attempt = async ({ slotUs, partition, block }: Entry): Promise<boolean> => {
    const changes = countChanges(block);
    const sentUs = clock.nowUs();
    let outcome: (typeof appendOutcomes)[number] = 'acknowledged';
    try {
      logged.appended(partition, await changeLog.append(topic, partition, [block]));
    } catch (error) {
      outcome = error instanceof CallError ? error.outcome : 'indeterminate';
      lastFailure = messageOf(error);
    }
    recording.push(slotUs, partition, changes, block.length, sentUs, clock.nowUs(), appendOutcomes.indexOf(outcome));
    return outcome === 'acknowledged';
  };
  const untilUs = init.loadEndUs + patienceUs;
  const deliveries = Array.from({ length: partitions }, (_, partition) =>
    deliverInOrder({ attempt, clock, random: random.fork(String(partition)), untilUs, signal }),
  );
  const offer = async (entry: Entry, lsn: number) => {
    if (await deliveries[entry.partition]?.(entry)) progress.acknowledge(lsn);
    else givenUp++;
  };

  const capture = createCapture((slotUs, partition, { count, payloads }) => {
    if (!logged.take(slotUs, partition)) return true;
    // Its predecessor appended it, and may not have lived to say so.
    const nowUs = clock.nowUs();
    const bytes = blockBytes(count, payloads.length);
    recording.push(slotUs, partition, count, bytes, nowUs, nowUs, appendOutcomes.indexOf('acknowledged'));
    return false;
  });
  const service = new LogicalReplicationService(await clientConfig(init.postgres), {
    // Only what the change log has is acknowledged to the source: by `store`.
    acknowledge: { auto: false, timeoutSeconds: 0 },
    flowControl: { enabled: true },
  });

  /** Taken now, stored when everything up to it, and what held its rows, is in the change log. */
  let mark: { readonly lsn: number; readonly offsets: number[]; neededLsn: number | null } | null = null;
  let markedUs = Number.NEGATIVE_INFINITY;
  let storing: Promise<void> = Promise.resolve();
  const advance = (lsn: number) => {
    if (mark === null && clock.nowUs() - markedUs >= storeEveryUs) {
      mark = { lsn, offsets: logged.offsets(), neededLsn: null };
      markedUs = clock.nowUs();
    }
    if (mark === null) return;
    mark.neededLsn ??= (capture.oldestHeldLsn() ?? Number.POSITIVE_INFINITY) > mark.lsn ? lsn : null;
    if (mark.neededLsn === null || progress.acknowledgedLsn() < mark.neededLsn) return;
    const reached = mark;
    mark = null;
    storing = storing.then(async () => {
      // What was acknowledged up to here is never looked up again, so its record must outlive this process.
      await recording.flush();
      await storePosition(changeLog, topic, reached);
      await service.acknowledge(formatLsn(reached.lsn));
    });
    // A position that could not be stored is stored the next time.
    storing = storing.catch((error: unknown) => {
      lastFailure = messageOf(error);
    });
  };

  let end: () => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  service.on('data', async (_, message: Pgoutput.Message) => {
    const captured = capture.take(message);
    if (captured === null) return;
    const { lsn, entries, isLast } = captured;
    progress.read(lsn, entries.length);
    await unsettled.below(unsettledLimit);
    for (const entry of entries) unsettled.add(offer(entry, lsn));
    advance(lsn);
    if (isLast) end();
  });
  service.on('error', fail);
  const following = follow().catch(fail);
  ready(null);

  async function follow(): Promise<void> {
    const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: [publication], messages: true });
    while (!signal.aborted) {
      try {
        await service.subscribe(plugin, slot, formatLsn(position.lsn === 0 ? 0 : position.lsn + 1));
        return;
      } catch (error) {
        if ((error as { code?: string }).code !== slotInUse) throw error;
        await clock.sleep(slotRetryUs, signal);
      }
    }
  }

  await Promise.race([ended, stopped]);
  if (!signal.aborted) {
    await unsettled.below(1);
    await storing;
    if (givenUp > 0) {
      const message = `not acknowledged within ${patienceUs / 1e6} s of the end of the load, so given up; the last failure: ${lastFailure}`;
      report('errors', { errors: [{ operation: 'append', message, count: givenUp }] } satisfies LoadErrors);
    }
    await host(() => recording.close());
    report('captured', null);
    await stopped;
  }
  await service.stop();
  await following;
  await recording.close();
  await close();
};

/** Up to which commit everything that was read has been acknowledged. */
function trackProgress(fromLsn: number) {
  const open: { readonly lsn: number; left: number }[] = [];
  const byLsn = new Map<number, { left: number }>();
  let throughLsn = fromLsn;
  const settle = () => {
    while (open[0]?.left === 0) {
      throughLsn = (open.shift() as { lsn: number }).lsn;
      byLsn.delete(throughLsn);
    }
  };
  return {
    read(lsn: number, entries: number) {
      const transaction = { lsn, left: entries };
      open.push(transaction);
      byLsn.set(lsn, transaction);
      settle();
    },
    acknowledge(lsn: number) {
      const transaction = byLsn.get(lsn);
      if (transaction) transaction.left--;
      settle();
    },
    acknowledgedLsn: () => throughLsn,
  };
}
