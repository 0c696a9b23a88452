/**
 * What the measured window cost: use, by role and port, times a price book.
 *
 * - CPU and memory are those of the plane's roles and servers, never of the load generator: CPU-seconds used and resident
 *   memory over time, from the samples around the window, as if no capacity stood idle.
 * - A server behind a port is divided among the roles by the calls that each made of the port in the window, panel probes included;
 *   one that no counter divides stands alone.
 * - Object-store requests are those that the role's table store made in the window, counted where it made them, without
 *   those that only the harness asks for: panel probes, and looks at what lies in the tables. LIST is priced as PUT is;
 *   DELETE is free everywhere that the price book looks.
 * - Bytes are charged where roles move them, to and from tables; servers keep theirs on block storage, which charges none.
 *   What is stored is what lies in storage after the load, for as long as the window: block storage at the price of the
 *   object store.
 *
 * An SLO point is one percentage point of `freshness.slo_met`: what a plane pays for the window divided by the points that
 * it met, so it depends on the window's length, which is the same for all planes of a scenario. A run that met the SLO in
 * no second has no points: with others it adds its cost and nothing to divide by, alone it has no figure.
 */
import type { CostPart, Price, PriceBook } from '../../reports/summary.js';
import type { PortCounter, RunFacts } from '../record/facts.js';
import { type AbsentMeasure, type MeasureOf, notMeasured } from './measured.js';
import { unsampled } from './unsampled.js';

export interface RunCost {
  readonly parts: readonly CostPart[];
  readonly usd: number;
  /** The same use with all prices at their low, and at their high. */
  readonly lowUsd: number;
  readonly highUsd: number;
}

/** What there is to pay for. */
interface Use {
  readonly cpuSeconds: number;
  readonly gbSeconds: number;
  /** Of what is hot, or of all where there are no tiers. */
  readonly gbMonths: number;
  readonly warmGbMonths: number;
  readonly coldGbMonths: number;
  readonly gbWritten: number;
  readonly gbRead: number;
  readonly writeRequests: number;
  readonly readRequests: number;
}

interface UsedPart {
  readonly role: string | null;
  readonly port: string | null;
  readonly use: Use;
}

const nothing: Use = {
  cpuSeconds: 0,
  gbSeconds: 0,
  gbMonths: 0,
  warmGbMonths: 0,
  coldGbMonths: 0,
  gbWritten: 0,
  gbRead: 0,
  writeRequests: 0,
  readRequests: 0,
};
const gb = 2 ** 30;
const monthUs = 730 * 3_600 * 1_000_000;

export function foldCost(run: RunFacts, prices: PriceBook): RunCost | AbsentMeasure {
  const used = unsampled(run) ?? foldUse(run);
  if ('kind' in used) return used;
  const at = (level: PriceLevel) => used.map((part) => pricePart(part, prices, level));
  const parts = at('value');
  return { parts, usd: sumOf(parts), lowUsd: sumOf(at('low')), highUsd: sumOf(at('high')) };
}

export function measureCost(
  run: RunFacts,
  cost: RunCost | AbsentMeasure,
  measures: {
    readonly 'inference.errors': MeasureOf<'ratio'>;
    readonly 'ingest.achieved_rate': MeasureOf<'ratio'>;
    readonly 'freshness.slo_met': MeasureOf<'ratio'>;
  },
) {
  const windowSeconds = (run.timeline.measureEndUs - run.timeline.measureStartUs) / 1e6;
  const { stack } = run.plan.scenario;
  const whose = stack === 'embedded' ? "this machine's" : `the ${stack} stack's`;
  const unknown = run.usage.rssBytes.some(Number.isNaN)
    ? '; memory and bytes moved are not known here and add nothing'
    : '';
  const unseen = run.stored === null ? '; what is stored is not known here and adds nothing' : '';
  const convention = `${whose} CPU-seconds, and requests as an object store would get them, at list prices: not a bill${unknown}${unseen}`;
  const per = (
    measure: MeasureOf<'ratio'>,
    unitsOf: (numerator: number, denominator: number) => number,
    none: string,
  ): MeasureOf<'ratio'> => {
    if ('kind' in cost) return cost;
    if (measure.kind === 'absent') return measure;
    const units = unitsOf(measure.numerator, measure.denominator);
    return {
      kind: 'ratio',
      numerator: cost.usd,
      denominator: units,
      samples: measure.samples,
      note: units > 0 ? convention : `${convention}; in a run ${none}`,
    };
  };
  return {
    'cost.per_1k_predictions': per(
      measures['inference.errors'],
      (failed, calls) => (calls - failed) / 1e3,
      'no prediction was answered',
    ),
    'cost.per_million_changes': per(
      measures['ingest.achieved_rate'],
      (changes, seconds) => (windowSeconds * changes) / seconds / 1e6,
      'no change was made visible',
    ),
    'cost.per_slo_point': per(
      measures['freshness.slo_met'],
      (met, seconds) => (100 * met) / seconds,
      'no second met the SLO',
    ),
  };
}

/** In the order of the processes, what is stored last. */
function foldUse(run: RunFacts): UsedPart[] | AbsentMeasure {
  const ofProcess = foldProcessUse(run);
  if ('kind' in ofProcess) return ofProcess;
  const parts: UsedPart[] = run.processes.flatMap(({ name, kind }, process): UsedPart[] => {
    const use = ofProcess[process] ?? nothing;
    if (kind === 'role') return [{ role: name, port: null, use }];
    if (kind === 'server' && !isObjectStore(run, name)) return divideServer(name, use, run.ports);
    return [];
  });
  return [...parts, ...requestsOf(run), ...storedBy(run)];
}

/**
 * An object store is paid by request and byte, which are counted apart; its processors are the vendor's. In virtual time
 * the server `tables` is none: it is the engine, whose appends and folds are work of the roles on every other stack.
 */
const isObjectStore = ({ plan }: RunFacts, server: string) =>
  server === 'tables' && plan.scenario.stack !== 'simulated';

/** Nothing where nobody could look. */
function storedBy({ stored, timeline }: RunFacts): UsedPart[] {
  const ports = Object.values(stored ?? {});
  if (ports.length === 0) return [];
  const windowUs = timeline.measureEndUs - timeline.measureStartUs;
  const gbMonthsOf = (bytesOf: (of: (typeof ports)[number]) => number) =>
    (ports.reduce((sum, bytes) => sum + bytesOf(bytes), 0) / gb) * (windowUs / monthUs);
  const use = {
    ...nothing,
    gbMonths: gbMonthsOf(({ hot }) => hot),
    warmGbMonths: gbMonthsOf(({ warm }) => warm),
    coldGbMonths: gbMonthsOf(({ cold }) => cold),
  };
  return [{ role: null, port: null, use }];
}

/** Of each process, by its samples: an interval between two of them counts for the share of it that lies in the window. */
function foldProcessUse({ usage, processes, timeline }: RunFacts): Use[] | AbsentMeasure {
  const { measureStartUs, measureEndUs } = timeline;
  const uses = processes.map(() => ({ ...nothing }) as { -readonly [K in keyof Use]: Use[K] });
  const before = new Int32Array(processes.length).fill(-1);
  const state = processes.map((): 'unseen' | 'glimpsed' | 'known' => 'unseen');
  for (let row = 0; row < usage.rows; row++) {
    const process = usage.process[row] as number;
    const atUs = usage.atUs[row] as number;
    const last = before[process] as number;
    before[process] = row;
    if (atUs >= measureStartUs && atUs < measureEndUs && state[process] === 'unseen') state[process] = 'glimpsed';
    if (last === -1) continue;
    const lastUs = usage.atUs[last] as number;
    const withinUs = Math.min(atUs, measureEndUs) - Math.max(lastUs, measureStartUs);
    if (withinUs <= 0) continue;
    state[process] = 'known';
    const share = withinUs / (atUs - lastUs);
    // A process that was started anew counts its bytes from zero.
    const grown = (column: Float64Array) =>
      share * Math.max(0, knownOr0((column[row] as number) - (column[last] as number)));
    const use = uses[process] as (typeof uses)[number];
    const isRole = processes[process]?.kind === 'role';
    use.cpuSeconds += grown(usage.cpuUs) / 1e6;
    const rssBytes = knownOr0(((usage.rssBytes[row] as number) + (usage.rssBytes[last] as number)) / 2);
    use.gbSeconds += (rssBytes / gb) * (withinUs / 1e6);
    use.gbWritten += isRole ? grown(usage.writeBytes) / gb : 0;
    use.gbRead += isRole ? grown(usage.readBytes) / gb : 0;
  }
  const ofPlane = state.filter((_, process) => processes[process]?.kind !== 'load');
  if (ofPlane.includes('glimpsed') || !ofPlane.includes('known'))
    return notMeasured('a process was not sampled twice in the window');
  return uses;
}

/** What a stack cannot tell (memory in virtual time) is priced at nothing, and the figure says so. */
const knownOr0 = (value: number) => (Number.isNaN(value) ? 0 : value);

/** A server is named after its port: 'change-log', or 'change-log-2' of several, is behind `changeLog`. */
function divideServer(server: string, use: Use, counters: readonly PortCounter[]): UsedPart[] {
  const port = server.replace(/-\d+$/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const calls = new Map<string, number>();
  for (const counter of counters) {
    if (counter.port === port) calls.set(counter.role, (calls.get(counter.role) ?? 0) + counter.windowCalls);
  }
  const all = [...calls.values()].reduce((sum, count) => sum + count, 0);
  if (all === 0) return [{ role: null, port: server, use }];
  return [...calls]
    .filter(([, count]) => count > 0)
    .map(([role, count]) => ({
      role,
      port,
      use: {
        ...nothing,
        cpuSeconds: (use.cpuSeconds * count) / all,
        gbSeconds: (use.gbSeconds * count) / all,
      },
    }));
}

/** What a request of the port `objects` is billed as; deletions are not billed. */
const billedAs: Readonly<Record<string, 'writeRequests' | 'readRequests'>> = {
  put: 'writeRequests',
  list: 'writeRequests',
  get: 'readRequests',
};

function requestsOf({ ports }: RunFacts): UsedPart[] {
  const roles = new Map<string, Use>();
  for (const { role, port, operation, probe, windowCalls } of ports) {
    if (probe) continue;
    const billed = port === 'objects' ? billedAs[operation] : undefined;
    if (billed === undefined || windowCalls === 0) continue;
    const sum = roles.get(role) ?? nothing;
    roles.set(role, { ...sum, [billed]: sum[billed] + windowCalls });
  }
  return [...roles].map(([role, use]) => ({ role, port: 'tables', use }));
}

type PriceLevel = 'low' | 'value' | 'high';

function pricePart({ role, port, use }: UsedPart, { prices }: PriceBook, level: PriceLevel): CostPart {
  const at = (price: Price<string>) => price[level];
  return {
    role,
    port,
    cpuUsd: use.cpuSeconds * at(prices.cpu),
    memoryUsd: use.gbSeconds * at(prices.memory),
    storageUsd:
      use.gbMonths * at(prices.storage) +
      use.warmGbMonths * at(prices.storageWarm) +
      use.coldGbMonths * at(prices.storageCold) +
      use.gbWritten * at(prices.bytesWritten) +
      use.gbRead * at(prices.bytesRead),
    requestsUsd: (use.writeRequests * at(prices.writeRequests) + use.readRequests * at(prices.readRequests)) / 1000,
  };
}

function sumOf(parts: readonly CostPart[]): number {
  return parts.reduce(
    (sum, { cpuUsd, memoryUsd, storageUsd, requestsUsd }) => sum + cpuUsd + memoryUsd + storageUsd + requestsUsd,
    0,
  );
}
