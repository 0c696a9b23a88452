/** What a plane's cost consists of, once, for every format: tables, the band of prices, and how use is counted. */
import { metricLabel } from './figures.js';
import type { CostPart, PriceBook, Summary } from './summary.js';
import { formatCount, formatNumber, formatSetting, formatValue, scaleOf, withSuffix } from './units.js';

export interface CostTable {
  readonly title: string;
  /** How far the figures move with the prices; empty where there is no figure. */
  readonly bands: string;
  /** A part a row, dearest first, the sum last. */
  readonly rows: readonly CostRow[];
}

export interface CostRow {
  readonly part: string;
  /** CPU, memory, storage, requests, and their sum; an exact zero is "0". */
  readonly amounts: readonly string[];
}

export function costTables({ run, costs }: Summary): CostTable[] {
  return costs.planes.map(({ scenario, architecture, runs, parts, bands }) => {
    const measuredUs = run.scenarios.find(({ name }) => name === scenario)?.measuredUs;
    const window =
      measuredUs === undefined
        ? 'the measured window'
        : `the ${formatSetting(measuredUs, 'us')} of the measured window`;
    const dearest = [...parts].sort((a, b) => total(b) - total(a));
    return {
      title: `${architecture}, ${scenario}: ${window}, mean of ${formatCount(runs)} ${runs === 1 ? 'run' : 'runs'}`,
      bands:
        bands.length === 0
          ? ''
          : `From all prices at their low to all at their high: ${bands
              .map(({ metric, lowUsd, highUsd }) => `${metricLabel(metric, 'value')} ${bandText(lowUsd, highUsd)}`)
              .join('; ')}.`,
      rows: [
        ...dearest.map((part) => ({ part: partName(part), amounts: amountsOf(part) })),
        { part: 'Sum', amounts: amountsOf(parts.reduce(plus, none)) },
      ],
    };
  });
}

/** "Prices: AWS on-demand list prices of 2026-11-21, us-east-1." */
export function pricesText({ name, date, region }: PriceBook): string {
  return `Prices: ${name}, ${date}; ${region}.`;
}

export interface PriceRow {
  readonly of: string;
  readonly unit: string;
  readonly value: string;
  readonly band: string;
  readonly about: string;
  readonly seen: string;
  readonly sources: string;
}

const priceNames: Readonly<Record<keyof PriceBook['prices'], string>> = {
  cpu: 'CPU',
  memory: 'Memory',
  storage: 'Stored data',
  storageWarm: 'Stored data, warm',
  storageCold: 'Stored data, cold',
  bytesWritten: 'Bytes written to the object store',
  bytesRead: 'Bytes read from the object store',
  writeRequests: 'PUT and LIST requests',
  readRequests: 'GET requests',
};

export function priceRows({ prices }: PriceBook): PriceRow[] {
  return (Object.keys(priceNames) as (keyof typeof priceNames)[]).map((name) => {
    const { unit, value, low, high, about, seen, sources } = prices[name];
    return {
      of: priceNames[name],
      unit: unit.replace(/^usd_/, '').replaceAll('_', ' ').replace('gb', 'GB').replace('vcpu', 'vCPU'),
      value: value === 0 ? '0' : formatValue(value, 'usd'),
      band: bandText(low, high),
      about,
      seen,
      sources: sources.join(', '),
    };
  });
}

export const howCounted: readonly string[] = [
  'Used CPU-seconds and resident memory of the roles and servers of a plane, as this stack and machine took them (in virtual time: as its service times assume), are priced as if no capacity stood idle. The load generator is not counted.',
  'A server is divided among the roles by the calls that each made of its port in the window, probes of the panel included; one that no counter divides stands alone.',
  'Requests are what the tables of each role asked of their object store in the measured window, counted where it was asked: data files, log entries, checkpoints and listings, for appends, scans, folds, snapshots and compactions alike. A file that is read is one request; deletions cost nothing.',
  'Requests hold for the SLO as it was run: with an SLO of minutes a plane would commit, and pay, less often.',
  'Stored data is what lay in storage after the load, older versions, logs and indexes included, but for the change log. What servers keep on their own disks is priced as if it lay in the object store.',
  'A point of the SLO is one percentage point of the seconds in which it was met. Its cost depends on the length of the window, so it compares planes of one scenario only.',
];

const none: CostPart = { role: null, port: null, cpuUsd: 0, memoryUsd: 0, storageUsd: 0, requestsUsd: 0 };

function plus(a: CostPart, b: CostPart): CostPart {
  return {
    ...none,
    cpuUsd: a.cpuUsd + b.cpuUsd,
    memoryUsd: a.memoryUsd + b.memoryUsd,
    storageUsd: a.storageUsd + b.storageUsd,
    requestsUsd: a.requestsUsd + b.requestsUsd,
  };
}

function total({ cpuUsd, memoryUsd, storageUsd, requestsUsd }: CostPart): number {
  return cpuUsd + memoryUsd + storageUsd + requestsUsd;
}

function amountsOf(part: CostPart): string[] {
  const { cpuUsd, memoryUsd, storageUsd, requestsUsd } = part;
  return [cpuUsd, memoryUsd, storageUsd, requestsUsd, total(part)].map((usd) =>
    usd === 0 ? '0' : formatValue(usd, 'usd'),
  );
}

function partName({ role, port }: CostPart): string {
  if (role === null) return port === null ? 'stored data' : `${port}, shared`;
  return port === null ? `${role}, its own process` : `${role} at ${port}`;
}

function bandText(low: number, high: number): string {
  if (high === 0) return '0';
  const scale = scaleOf(low === 0 ? high : low, 'usd');
  return `${formatNumber(low, scale)} to ${withSuffix(formatNumber(high, scale), scale)}`;
}
