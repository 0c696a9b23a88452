/**
 * The readers of the plane: open-loop predictions and lookups at absolute deadlines, and the
 * panel's probes, all through the plane's own door. It only records; nothing is concluded here.
 */
import { arrivalOffsets } from '../../workloads/arrivals.js';
import type { FeatureRow } from '../../workloads/feature-view.js';
import { keySampler } from '../../workloads/keys.js';
import type { Workload } from '../../workloads/workload.js';
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import { createLiveSample, type LiveSample } from '../ledger/live-sample.js';
import { predictionsOf, rowsOf } from '../processes/answers.js';
import type { ChildMain } from '../processes/child.js';
import { isTimeout, type PlaneClient, type Routes } from '../processes/endpoint.js';
import { type Random, seededRandom } from '../random.js';
import { operationKinds, outcomes } from '../record/facts.js';
import { openRecording, type Recording } from '../record/recordings.js';
import { connectTo } from '../stacks/plane-calls.js';
import type { StackConnection } from '../stacks/stack.js';
import { type Inflight, trackInflight } from './inflight.js';
import { type LoadErrors, operationLayout, probeLayout, type RecordingPaths, readLayout } from './recorded.js';

export interface ReaderInit {
  readonly connection: StackConnection;
  readonly routes: Routes;
  /** Folder of the trace that is replayed beside the reads. */
  readonly trace: string;
  readonly workload: Workload;
  readonly panel: readonly number[];
  readonly seed: number;
  readonly epochUs: number;
  readonly loadUs: number;
  readonly recordings: RecordingPaths;
}

/** Messages that name a key or a moment are all different: beyond this many they are only counted. */
const distinctErrors = 100;
const furtherErrors = 'further errors, each with a message of its own';

/** A sequence of deadlines and what to do at each. */
interface Stream {
  nextUs: number;
  /** Called at the deadline, must not block; returns the next deadline. */
  fire(intendedUs: number): number;
}

export const readPlane: ChildMain<ReaderInit> = async (init, child) => {
  const { clock, signal, clockSet, ready, report, host, onGone } = child;
  const plane = connectTo(init.connection, clock, init.routes);
  const random = seededRandom(init.seed, '/reads');
  const errors = new Map<string, { operation: string; message: string; count: number }>();
  const fail = (operation: string, error: unknown) => {
    const message = messageOf(error);
    const known = errors.get(`${operation} ${message}`);
    if (known) known.count++;
    else if (errors.size < distinctErrors) errors.set(`${operation} ${message}`, { operation, message, count: 1 });
    else if (message !== furtherErrors) fail(operation, furtherErrors);
    else errors.set(`${operation} ${message}`, { operation, message, count: 1 });
  };
  const inflight = trackInflight();
  const operations = await host(() => openRecording(init.recordings.operations, operationLayout));
  const reads = await host(() => openRecording(init.recordings.reads, readLayout));
  const probes = await host(() => openRecording(init.recordings.probes, probeLayout));
  const live = await host(() =>
    createLiveSample(init.recordings.live, {
      seed: init.seed,
      workload: init.workload,
      trace: init.trace,
      loadUs: init.loadUs,
    }),
  );
  const recordings = { operations, reads, live };
  for (const recording of [operations, reads, probes, live]) onGone(() => recording.close());

  const streams: Stream[] = [];
  let operationNumber = 0;
  const number = () => operationNumber++;
  for (const kind of operationKinds) {
    if (!plane.offers(kind) || init.workload.reads[kind].perSecond === 0) continue;
    streams.push(
      readStream({ kind, init, plane, clock, random: random.fork(kind), inflight, number, recordings, fail }),
    );
  }
  streams.push(probeStream({ init, plane, clock, inflight, probes, fail }));
  await warmConnections(plane, init);
  ready(null);
  await clockSet;
  await drive(streams, init.epochUs + init.loadUs, clock, signal);
  await inflight.below(1);
  await host(() => Promise.all([operations.close(), reads.close(), probes.close(), live.close()]));
  report('errors', { errors: [...errors.values()] } satisfies LoadErrors);
  await plane.close();
};

/**
 * Fires every stream at its absolute deadlines. Deadlines that were missed are caught up at once and keep their
 * intended times, so a stall of this very process shows as latency and as start error, never as calls left out.
 */
async function drive(streams: readonly Stream[], endUs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const nextUs = Math.min(...streams.map((stream) => stream.nextUs));
    if (nextUs >= endUs) return;
    await clock.sleepUntil(nextUs, signal).catch(() => {});
    const nowUs = Math.min(clock.nowUs(), endUs - 1);
    for (const stream of streams) {
      while (stream.nextUs <= nowUs) stream.nextUs = stream.fire(stream.nextUs);
    }
  }
}

function readStream(options: {
  kind: (typeof operationKinds)[number];
  init: ReaderInit;
  plane: PlaneClient;
  clock: Clock;
  random: Random;
  inflight: Inflight;
  number: () => number;
  recordings: { operations: Recording<typeof operationLayout>; reads: Recording<typeof readLayout>; live: LiveSample };
  fail: (operation: string, error: unknown) => void;
}): Stream {
  const { kind, init, plane, clock, random, inflight, recordings } = options;
  const { operations, reads, live } = recordings;
  const { timeoutUs, zipfMilli } = init.workload.reads;
  const { perSecond, keysPerCall, arrivals } = init.workload.reads[kind];
  const code = operationKinds.indexOf(kind);
  const sampleKey = keySampler({ seed: init.seed, customers: init.workload.contract.customers, zipfMilli });
  const keyRandom = random.fork('keys');
  const offsets = arrivalOffsets(perSecond, arrivals, random.fork('arrivals'));
  const nextArrivalUs = () => init.epochUs + offsets.next().value;

  const call = async (intendedUs: number, keys: readonly string[]) => {
    const operation = options.number();
    const sentUs = clock.nowUs();
    let outcome: (typeof outcomes)[number] = 'ok';
    try {
      const answer = await plane.call<unknown>(kind, { keys }, { timeoutUs });
      const doneUs = clock.nowUs();
      const rows = kind === 'lookup' ? rowsOf(answer, keys) : predictionsOf(answer, keys);
      operations.push(operation, code, intendedUs, sentUs, doneUs, outcomes.indexOf('ok'), keys.length);
      for (const row of rows) {
        reads.push(operation, Number(row.key), row.lastSeq, row.asOfUs);
        live.offer(row, sentUs, doneUs);
      }
      return;
    } catch (error) {
      outcome = isTimeout(error) ? 'timeout' : 'error';
      options.fail(kind, error);
    }
    operations.push(operation, code, intendedUs, sentUs, clock.nowUs(), outcomes.indexOf(outcome), keys.length);
  };

  return {
    nextUs: nextArrivalUs(),
    fire(intendedUs) {
      const keys = Array.from({ length: keysPerCall }, () => String(sampleKey(keyRandom)));
      inflight.add(call(intendedUs, keys));
      return nextArrivalUs();
    },
  };
}

/** The panel: one multi-key lookup every so often. One probe at a time, so that the probes themselves are no load test. */
function probeStream(options: {
  init: ReaderInit;
  plane: PlaneClient;
  clock: Clock;
  inflight: Inflight;
  probes: Recording<typeof probeLayout>;
  fail: (operation: string, error: unknown) => void;
}): Stream {
  const { init, plane, clock, inflight, probes } = options;
  const { everyUs } = init.workload.panel;
  const keys = init.panel.map(String);
  let probe = 0;
  let busy = false;

  const look = async () => {
    const number = probe++;
    const sentUs = clock.nowUs();
    let rows: readonly FeatureRow[] | undefined;
    try {
      const answer = await plane.call<unknown>(
        'lookup',
        { keys },
        { timeoutUs: init.workload.reads.timeoutUs, probe: true },
      );
      rows = rowsOf(answer, keys);
    } catch (error) {
      options.fail('probe', error);
    }
    const doneUs = clock.nowUs();
    for (let member = 0; member < keys.length; member++) {
      const row = rows?.[member];
      probes.push(number, sentUs, doneUs, member, row?.lastSeq ?? -1, row?.asOfUs ?? -1);
    }
    busy = false;
  };

  return {
    nextUs: init.epochUs,
    fire(intendedUs) {
      if (!busy) {
        busy = true;
        inflight.add(look());
      }
      return intendedUs + everyUs;
    },
  };
}

/**
 * Connections are made before the clock starts: no user's first read pays for the harness's own start. A plane that does
 * not answer now is not waited for: what it fails to answer is to be counted during the load.
 */
async function warmConnections(plane: PlaneClient, init: ReaderInit): Promise<void> {
  for (const kind of operationKinds) {
    if (!plane.offers(kind)) continue;
    for (let round = 0; round < 20; round++) {
      const timeoutUs = init.workload.reads.timeoutUs;
      const answered = await plane.call(kind, { keys: ['0'] }, { timeoutUs, probe: true }).then(
        () => true,
        (error) => !isTimeout(error),
      );
      if (!answered) break;
    }
  }
}
