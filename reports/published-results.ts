/**
 * What the paper printed. Source: Ye-Seul Han, "High-Performance Data Management Architectures for Scalable Machine
 * Learning Pipelines in Cloud Ecosystems", tables 1 to 5 and section 5. Its setting: managed Kubernetes over two cloud
 * regions, CDC streams of 50,000 to 200,000 events/s, several TB of history, 10 repeated runs, bootstrap 95 % intervals.
 * Nothing here was measured by planebench.
 */
export type PublishedPlane = 'lakehouse' | 'warehouse' | 'lambda' | 'baseline';

export interface PublishedFigure {
  readonly value: number;
  readonly ci95?: readonly [number, number];
}

export interface PublishedRow {
  readonly metric: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** `baseline`: tables 3 and 4 do not say which. */
  readonly figures: { readonly [Plane in PublishedPlane]?: PublishedFigure };
}

export interface PublishedTable {
  readonly id: string;
  readonly title: string;
  readonly rows: readonly PublishedRow[];
}

export const publishedTables: readonly PublishedTable[] = [
  {
    id: 'T1',
    title: 'Data plane throughput and freshness',
    rows: [
      {
        metric: 'ingest.throughput',
        unit: 'events/s',
        better: 'higher',
        figures: { lakehouse: { value: 182_000 }, warehouse: { value: 121_000 } },
      },
      {
        metric: 'freshness.p50',
        unit: 'min',
        better: 'lower',
        figures: { lakehouse: { value: 2.1 }, warehouse: { value: 6.4 } },
      },
      {
        metric: 'freshness.p95',
        unit: 'min',
        better: 'lower',
        figures: { lakehouse: { value: 4.7 }, warehouse: { value: 15.2 } },
      },
    ],
  },
  {
    id: 'T2',
    title: 'Online inference latency',
    rows: [
      {
        metric: 'inference.p50',
        unit: 'ms',
        better: 'lower',
        figures: { lakehouse: { value: 18, ci95: [17, 19] }, lambda: { value: 31, ci95: [30, 33] } },
      },
      {
        metric: 'inference.p95',
        unit: 'ms',
        better: 'lower',
        figures: { lakehouse: { value: 42, ci95: [40, 45] }, lambda: { value: 96, ci95: [92, 102] } },
      },
      {
        metric: 'inference.p99',
        unit: 'ms',
        better: 'lower',
        figures: { lakehouse: { value: 75, ci95: [70, 82] }, lambda: { value: 162, ci95: [150, 176] } },
      },
    ],
  },
  {
    id: 'T3',
    title: 'Batch scoring',
    rows: [
      {
        metric: 'scoring.throughput',
        unit: 'rows/s',
        better: 'higher',
        figures: { lakehouse: { value: 12_400_000 }, baseline: { value: 8_100_000 } },
      },
      {
        metric: 'scoring.scan_amplification',
        unit: 'x input',
        better: 'lower',
        figures: { lakehouse: { value: 1.3 }, baseline: { value: 2.7 } },
      },
      {
        metric: 'backfill.time_per_tb',
        unit: 'min/TB',
        better: 'lower',
        figures: { lakehouse: { value: 28 }, baseline: { value: 61 } },
      },
    ],
  },
  {
    id: 'T4',
    title: 'Utilization and efficiency, steady state',
    rows: [
      {
        metric: 'training.cpu_utilization',
        unit: '%',
        better: 'higher',
        figures: { lakehouse: { value: 72 }, baseline: { value: 58 } },
      },
      {
        metric: 'training.gpu_utilization',
        unit: '%',
        better: 'higher',
        figures: { lakehouse: { value: 69 }, baseline: { value: 51 } },
      },
      {
        metric: 'serving.cache_hit_ratio',
        unit: '%',
        better: 'higher',
        figures: { lakehouse: { value: 92 }, baseline: { value: 63 } },
      },
      {
        metric: 'storage.small_files_per_million_rows',
        unit: 'files',
        better: 'lower',
        figures: { lakehouse: { value: 210 }, baseline: { value: 585 } },
      },
    ],
  },
  {
    id: 'T5',
    title: 'Head to head: SLOs and operations',
    rows: [
      {
        metric: 'freshness.slo_met',
        unit: '% of windows with p95 <= 5 min',
        better: 'higher',
        figures: { lakehouse: { value: 98.7 }, warehouse: { value: 41.6 }, lambda: { value: 63.9 } },
      },
      {
        metric: 'inference.p99',
        unit: 'ms',
        better: 'lower',
        figures: { lakehouse: { value: 75 }, warehouse: { value: 154 }, lambda: { value: 162 } },
      },
      {
        metric: 'faults.mttr',
        unit: 'min, broker/node fault',
        better: 'lower',
        figures: { lakehouse: { value: 3.4 }, warehouse: { value: 8.9 }, lambda: { value: 7.6 } },
      },
      {
        metric: 'lineage.coverage',
        unit: '% of assets with full provenance',
        better: 'higher',
        figures: { lakehouse: { value: 96 }, warehouse: { value: 58 }, lambda: { value: 66 } },
      },
      {
        metric: 'rollback.time',
        unit: 'min, model + features',
        better: 'lower',
        figures: { lakehouse: { value: 7 }, warehouse: { value: 24 }, lambda: { value: 21 } },
      },
    ],
  },
];

/** Section 5.1: freshness within 5 minutes at the 95th percentile. */
export const publishedFreshnessSloMin = 5;
/** Section 5.2: compaction reduced small files by about 64 %. */
export const publishedSmallFileReductionPercent = 64;
