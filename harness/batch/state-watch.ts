/** Reads the panel through the read door, by lookup and by prediction, one look after the other, for as long as it is let. */
import type { FeatureRow, Prediction } from '../../workloads/feature-view.js';
import type { Clock } from '../clock.js';
import { CallError } from '../errors.js';
import type { StateProbe } from '../ledger/rollback-reads.js';
import { predictionsOf, rowsOf } from '../processes/answers.js';
import type { PlaneClient } from '../processes/endpoint.js';

export interface StateWatch {
  readonly probes: readonly StateProbe[];
  /** Resolves with the last look. */
  end(): Promise<void>;
}

export function watchState(options: {
  readonly plane: PlaneClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly keys: readonly string[];
  readonly everyUs: number;
  readonly timeoutUs: number;
}): StateWatch {
  const { plane, clock, signal, keys, everyUs, timeoutUs } = options;
  const probes: StateProbe[] = [];
  let isEnded = false;

  const read = (operation: 'lookup' | 'predict') =>
    plane.call<unknown>(operation, { keys }, { timeoutUs, probe: true });

  async function look(): Promise<void> {
    const sentUs = clock.nowUs();
    let answers: (FeatureRow | Prediction)[] | null = null;
    try {
      const [rows, predictions] = await Promise.all([
        read('lookup').then((answer) => rowsOf(answer, keys)),
        plane.offers('predict') ? read('predict').then((answer) => predictionsOf(answer, keys)) : [],
      ]);
      answers = [...rows, ...predictions];
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
    }
    probes.push({ sentUs, doneUs: clock.nowUs(), answers });
  }

  const watching = (async () => {
    for (let nextUs = clock.nowUs(); !isEnded; nextUs = Math.max(nextUs + everyUs, clock.nowUs())) {
      await clock.sleepUntil(nextUs, signal);
      await look();
    }
  })();
  watching.catch(() => {}); // whoever ends the watch hears of it

  return {
    probes,
    async end() {
      isEnded = true;
      await watching;
    },
  };
}
