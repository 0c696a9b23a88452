/** What a plane took of the machine, as the operating system tells it; the load generator is counted apart. */
import type { RunFacts, UsageColumns } from '../record/facts.js';
import { type MeasureOf, notMeasured } from './measured.js';
import { unsampled } from './unsampled.js';

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

/**
 * CPU over the measured window; memory of a plane's processes over the whole load, and of all processes over the whole run,
 * loading of history and batch work after the load included: each the highest sum at one moment.
 */
export function measureResources(run: RunFacts) {
  const { timeline } = run;
  const processes = foldProcesses(run, { fromUs: timeline.measureStartUs, untilUs: timeline.measureEndUs });
  const absent = unsampled(run);
  const isPlane = (kind: ProcessUse['kind']) => kind !== 'load';
  return {
    'resources.cpu': absent ?? cores(processes.filter(({ kind }) => isPlane(kind))),
    'resources.load_cpu': cores(processes.filter(({ kind }) => !isPlane(kind))),
    'resources.memory': absent ?? peakMemory(run, duringLoad(run)),
    'resources.memory_whole_run': absent ?? peakMemory(run, rowsOf(run.usage)),
  };
}

function cores(processes: readonly ProcessUse[]): MeasureOf<'ratio'> {
  const known = processes.map(({ cpuCores }) => cpuCores);
  if (known.length === 0 || known.includes(null)) return notMeasured('a process was not sampled twice in the window');
  const sum = known.reduce<number>((total, used) => total + (used ?? 0), 0);
  return { kind: 'ratio', numerator: sum, denominator: 1, samples: processes.length };
}

function duringLoad({ usage, timeline, processes }: RunFacts): number[] {
  const load = { fromUs: timeline.loadStartUs, untilUs: timeline.loadEndUs };
  return rowsWithin(usage, load).filter((row) => processes[usage.process[row] as number]?.kind !== 'load');
}

function peakMemory({ usage }: RunFacts, rows: readonly number[]): MeasureOf<'ratio'> {
  // By moment and process: while event time stands still, before the load, a process may be looked at twice in one moment.
  const looks = new Map<number, Map<number, number>>();
  for (const row of rows) {
    const [atUs, process, rssBytes] = [usage.atUs[row], usage.process[row], usage.rssBytes[row]] as [
      number,
      number,
      number,
    ];
    const look = looks.get(atUs) ?? new Map<number, number>();
    looks.set(atUs, look.set(process, Math.max(look.get(process) ?? 0, rssBytes)));
  }
  if (looks.size === 0) return notMeasured('no process was sampled in that time');
  const sums = Array.from(looks.values(), (look) => [...look.values()].reduce((sum, bytes) => sum + bytes));
  const peak = known(sums.reduce((most, sum) => Math.max(most, sum)));
  if (peak === null) return notMeasured('memory is not simulated');
  return { kind: 'ratio', numerator: peak, denominator: 1, samples: looks.size };
}

const known = (value: number): number | null => (Number.isNaN(value) ? null : value);

function rowsOf(usage: UsageColumns): number[] {
  return Array.from({ length: usage.rows }, (_, row) => row);
}

function rowsWithin(usage: UsageColumns, window: { readonly fromUs: number; readonly untilUs: number }): number[] {
  return rowsOf(usage).filter((row) => {
    const atUs = usage.atUs[row] as number;
    return atUs >= window.fromUs && atUs < window.untilUs;
  });
}
