/** What a plane took of the machine, as the operating system tells it; the load generator is counted apart. */
import type { RunFacts, UsageColumns } from '../record/facts.js';
import { type MeasureOf, notMeasured } from './measured.js';

export interface ProcessUse {
  readonly name: string;
  readonly kind: RunFacts['processes'][number]['kind'];
  /** Mean over the window; null where fewer than two samples of the process lie in it. */
  readonly cpuCores: number | null;
  /** Null where memory is not known: it is not simulated. */
  readonly peakRssBytes: number | null;
}

/** Per process over [fromUs, untilUs); a process that was not sampled there is left out. */
export function foldProcesses(
  run: RunFacts,
  window: { readonly fromUs: number; readonly untilUs: number },
): ProcessUse[] {
  const { usage } = run;
  return run.processes.flatMap(({ name, kind }, process) => {
    const rows = rowsWithin(usage, window).filter((row) => usage.process[row] === process);
    if (rows.length === 0) return [];
    const first = rows[0] as number;
    const last = rows[rows.length - 1] as number;
    const spanUs = (usage.atUs[last] as number) - (usage.atUs[first] as number);
    return {
      name,
      kind,
      cpuCores: spanUs > 0 ? ((usage.cpuUs[last] as number) - (usage.cpuUs[first] as number)) / spanUs : null,
      peakRssBytes: known(rows.reduce((peak, row) => Math.max(peak, usage.rssBytes[row] as number), 0)),
    };
  });
}

/** CPU over the measured window; memory over the whole load, the highest sum at one moment over a plane's processes. */
export function measureResources(run: RunFacts) {
  const { timeline } = run;
  const processes = foldProcesses(run, { fromUs: timeline.measureStartUs, untilUs: timeline.measureEndUs });
  const isPlane = (kind: ProcessUse['kind']) => kind !== 'load';
  return {
    'resources.cpu': cores(processes.filter(({ kind }) => isPlane(kind))),
    'resources.load_cpu': cores(processes.filter(({ kind }) => !isPlane(kind))),
    'resources.memory': peakMemory(run),
  };
}

function cores(processes: readonly ProcessUse[]): MeasureOf<'ratio'> {
  const known = processes.map(({ cpuCores }) => cpuCores);
  if (known.length === 0 || known.includes(null)) return notMeasured('a process was not sampled twice in the window');
  const sum = known.reduce<number>((total, used) => total + (used ?? 0), 0);
  return { kind: 'ratio', numerator: sum, denominator: 1, samples: processes.length };
}

function peakMemory(run: RunFacts): MeasureOf<'ratio'> {
  const { usage, timeline, processes } = run;
  const sums = new Map<number, number>();
  for (const row of rowsWithin(usage, { fromUs: timeline.loadStartUs, untilUs: timeline.loadEndUs })) {
    if (processes[usage.process[row] as number]?.kind === 'load') continue;
    const atUs = usage.atUs[row] as number;
    sums.set(atUs, (sums.get(atUs) ?? 0) + (usage.rssBytes[row] as number));
  }
  if (sums.size === 0) return notMeasured('no process was sampled during the load');
  const peak = known(Math.max(...sums.values()));
  if (peak === null) return notMeasured('memory is not simulated');
  return { kind: 'ratio', numerator: peak, denominator: 1, samples: sums.size };
}

const known = (value: number): number | null => (Number.isNaN(value) ? null : value);

function rowsWithin(usage: UsageColumns, window: { readonly fromUs: number; readonly untilUs: number }): number[] {
  const rows: number[] = [];
  for (let row = 0; row < usage.rows; row++) {
    const atUs = usage.atUs[row] as number;
    if (atUs >= window.fromUs && atUs < window.untilUs) rows.push(row);
  }
  return rows;
}
