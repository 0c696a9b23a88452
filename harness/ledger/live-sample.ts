/**
 * Which reads of the load are kept whole, to be judged after the run: of lookups a seeded uniform sample, and strata where
 * planes go wrong: moments just after a tile boundary, when windows lose events, and keys from which an order was just
 * deleted; of predictions, which follow from the same rows, a smaller uniform sample. The strata are bounded in each second,
 * so that neither the log nor the oracle's work grows with the load.
 */
import { viewBlock } from '../../workloads/change-batch.js';
import { secondUs } from '../../workloads/durations.js';
import { customerActivity, type FeatureRow, type Prediction } from '../../workloads/feature-view.js';
import { readEntries } from '../../workloads/trace.js';
import type { Workload } from '../../workloads/workload.js';
import { type Random, seededRandom } from '../random.js';
import { openRecording, readRecording } from '../record/recordings.js';
import type { ServedPrediction } from './prediction-verdicts.js';
import type { ServedRow } from './row-verdicts.js';

export interface SampleRules {
  readonly customers: number;
  /** Share of all reads, in millionths. */
  readonly uniformPpm: number;
  /** A read sent less than this after a tile boundary, or after a deletion of the key's, is in a stratum. */
  readonly boundaryUs: number;
  readonly deletedUs: number;
  /** Rows that each stratum may add in a second of event time. */
  readonly perSecond: number;
}

export interface SampleChoice {
  /** A deletion of the customer's has been emitted. */
  noteDelete(customer: number, atUs: number): void;
  shouldLog(customer: number, atUs: number): boolean;
}

const tilesUs = [
  ...new Set(customerActivity.features.flatMap((feature) => ('window' in feature ? [feature.window.tileUs] : []))),
];

/** The rules, and nothing else: a function of the seed and of the calls. Times must not go back by more than a second. */
export function chooseSample(rules: SampleRules, random: Random): SampleChoice {
  const deletedUs = new Float64Array(rules.customers).fill(Number.NEGATIVE_INFINITY);
  const boundary = allowance(rules.perSecond);
  const deleted = allowance(rules.perSecond);
  return {
    noteDelete(customer, atUs) {
      deletedUs[customer] = atUs;
    },
    shouldLog(customer, atUs) {
      // Drawn for every read, so that the uniform sample does not depend on the strata.
      if (random.below(1_000_000) < rules.uniformPpm) return true;
      if (tilesUs.some((tileUs) => atUs % tileUs < rules.boundaryUs) && boundary(atUs)) return true;
      const sinceUs = atUs - deletedUs[customer]!;
      return sinceUs >= 0 && sinceUs < rules.deletedUs && deleted(atUs);
    },
  };
}

function allowance(perSecond: number): (atUs: number) => boolean {
  let second = -1;
  let used = 0;
  return (atUs) => {
    const now = Math.floor(atUs / secondUs);
    if (now !== second) {
      second = now;
      used = 0;
    }
    return used++ < perSecond;
  };
}

/** Some thousands of rows a run, however long it is. */
const uniformPerRun = 900;
const strataPerRun = 2_400;
const predictionsPerRun = 300;
const boundaryUs = secondUs;
const deletedUs = secondUs / 2;

const featureFields = customerActivity.features.map((_, i) => `feature${i}`);
const layout = {
  customer: 'u32',
  lastSeq: 'f64',
  asOfUs: 'f64',
  sentUs: 'f64',
  doneUs: 'f64',
  /** Of a prediction; a lookup has features in their place. */
  score: 'f64',
  modelVersion: 'f64',
  ...Object.fromEntries(featureFields.map((field) => [field, 'f64' as const])),
} as const;

export interface LiveSample {
  /** Logs the answer if it is in the sample. */
  offer(answer: FeatureRow | Prediction, sentUs: number, doneUs: number): void;
  close(): Promise<void>;
}

export async function createLiveSample(
  path: string,
  options: {
    readonly seed: number;
    readonly workload: Workload;
    /** Folder of the trace that is replayed: it tells when which keys have deletions. */
    readonly trace: string;
    readonly loadUs: number;
  },
): Promise<LiveSample> {
  const { seed, workload, trace } = options;
  const loadSeconds = Math.max(1, options.loadUs / secondUs);
  const recording = await openRecording(path, layout);
  const deletions = await readDeletions(trace);
  const shareOf = (kind: 'lookup' | 'predict', wanted: number) => {
    const { perSecond, keysPerCall } = workload.reads[kind];
    return Math.min(1_000_000, Math.round((1_000_000 * wanted) / Math.max(1, perSecond * keysPerCall * loadSeconds)));
  };
  const rules: SampleRules = {
    customers: workload.contract.customers,
    uniformPpm: shareOf('lookup', uniformPerRun),
    boundaryUs,
    deletedUs,
    perSecond: Math.ceil(strataPerRun / loadSeconds),
  };
  const choice = chooseSample(rules, seededRandom(seed, '/live-sample'));
  const predictionsPpm = shareOf('predict', predictionsPerRun);
  const predictionRandom = seededRandom(seed, '/live-sample/predictions');
  const noFeatures = featureFields.map(() => Number.NaN);
  let next = 0;
  return {
    offer(answer, sentUs, doneUs) {
      const { key, lastSeq, asOfUs } = answer;
      if (!('features' in answer)) {
        if (predictionRandom.below(1_000_000) >= predictionsPpm) return;
        const { score, modelVersion } = answer;
        recording.push(Number(key), lastSeq, asOfUs, sentUs, doneUs, score, modelVersion, ...noFeatures);
        return;
      }
      for (; next < deletions.atUs.length && deletions.atUs[next]! <= sentUs; next++) {
        choice.noteDelete(deletions.customer[next]!, deletions.atUs[next]!);
      }
      const customer = Number(key);
      if (!choice.shouldLog(customer, sentUs)) return;
      recording.push(
        customer,
        lastSeq,
        asOfUs,
        sentUs,
        doneUs,
        Number.NaN,
        Number.NaN,
        ...featureFields.map((_, i) => answer.features[i] ?? Number.NaN),
      );
    },
    close: () => recording.close(),
  };
}

/** Deletions in order of emission. */
async function readDeletions(trace: string): Promise<{ customer: Uint32Array; atUs: Float64Array }> {
  const customer: number[] = [];
  const atUs: number[] = [];
  const deletion = 2;
  for await (const { block } of readEntries(trace)) {
    const batch = viewBlock(block);
    for (let i = 0; i < batch.count; i++) {
      if (batch.op[i] !== deletion) continue;
      customer.push(batch.customer[i]!);
      atUs.push(batch.emitUs[i]!);
    }
  }
  return { customer: Uint32Array.from(customer), atUs: Float64Array.from(atUs) };
}

/** What was logged, as it was served. */
export interface LiveAnswers {
  readonly rows: readonly ServedRow[];
  readonly predictions: readonly ServedPrediction[];
}

export async function readLiveSample(path: string): Promise<LiveAnswers> {
  const columns = await readRecording(path, layout);
  const features = featureFields.map((field) => (columns as unknown as Record<string, Float64Array>)[field]!);
  const rows: ServedRow[] = [];
  const predictions: ServedPrediction[] = [];
  for (let i = 0; i < columns.rows; i++) {
    const version = {
      key: String(columns.customer[i]),
      lastSeq: columns.lastSeq[i]!,
      asOfUs: columns.asOfUs[i]!,
      doneUs: columns.doneUs[i]!,
    };
    const score = columns.score[i]!;
    if (Number.isNaN(score))
      rows.push({ ...version, features: features.map((values) => (Number.isNaN(values[i]!) ? null : values[i]!)) });
    else predictions.push({ ...version, score, modelVersion: columns.modelVersion[i]! });
  }
  return { rows, predictions };
}
