/**
 * The shape of `summary.json` and `manifest.json` for readers in any language. The TypeScript types of summary.ts are
 * the contract; the compiler refuses this file when it says anything else, and a test refuses the published
 * `*.schema.json` when they are not what this file generates.
 */
import { z } from 'zod';
import type { Baseline } from './baseline.js';
import type { Manifest, PriceBook, Summary } from './summary.js';

const count = z.int().nonnegative();
const interval = z.strictObject({
  confidenceLevel: z.number().gt(0).lt(1),
  lowerBound: z.number(),
  upperBound: z.number(),
});
const quantiles = z
  .array(z.strictObject({ p: z.number().min(0).max(1), us: z.number() }))
  .describe('Quantiles at fixed probabilities, ascending.');

const unit = z.enum([
  'us',
  'per_s',
  'changes',
  'changes_per_s',
  'rows',
  'share',
  'count',
  'bytes',
  'cores',
  'times',
  'files_per_million_rows',
  'us_per_tb',
  'usd',
]);
const badge = z.enum(['measured', 'simulated']).describe('The two are never ranked together.');
const timeScale = z.number().positive().describe("By how much the paper's minutes are divided.");

const estimate = z
  .strictObject({
    scenario: z.string(),
    architecture: z.string(),
    metric: z.string(),
    statistic: z.string().describe("'p50', 'p95', 'p99', 'mean', 'total', 'share', ..."),
    unit,
    better: z.enum(['lower', 'higher', 'neither']),
    badge,
    stack: z.string(),
    timeScale,
    pointEstimate: z.number().nullable().describe('null is never zero: `validity` says why there is no figure.'),
    confidenceInterval: interval.nullable(),
    method: z.string().describe('How the interval was made.'),
    runs: count,
    samples: count,
    validity: z.enum(['ok', 'insufficient', 'censored', 'not_offered', 'not_measured', 'invalid']),
    note: z.string().exactOptional(),
  })
  .describe('One figure.');

const comparison = z
  .strictObject({
    scenario: z.string(),
    metric: z.string(),
    statistic: z.string(),
    candidate: z.string(),
    reference: z.string(),
    ratio: z.number().nullable(),
    confidenceInterval: interval.nullable(),
    pairs: count,
    method: z.string(),
    outcome: z.enum(['better', 'worse', 'equivalent', 'inconclusive']),
  })
  .describe('`candidate` / `reference`, paired by seed.');

const series = z
  .strictObject({
    run: z.string(),
    scenario: z.string(),
    architecture: z.string(),
    repetition: count,
    valid: z.boolean(),
    measureStartUs: z.number(),
    measureEndUs: z.number(),
    faults: z.array(
      z.strictObject({
        kind: z.string(),
        target: z.string(),
        injectedUs: z.number(),
        witnessedUs: z.number().nullable(),
        healedUs: z.number().nullable(),
        readyUs: z.number().nullable(),
      }),
    ),
    intervalUs: z.number().positive(),
    timeline: z.array(
      z.strictObject({
        atUs: z.number(),
        predictP95Us: z.number().nullable(),
        visibilityP95Us: z.number().nullable(),
        backlogChanges: z.number().nullable(),
        errors: z.number().nonnegative(),
        appended: z.number().nonnegative(),
      }),
    ),
    inferenceQuantiles: quantiles,
    visibilityQuantiles: quantiles,
    processes: z.array(
      z.strictObject({ name: z.string(), kind: z.string(), cpuCores: z.number(), peakRssBytes: z.number().nullable() }),
    ),
  })
  .describe('What the charts need of one run; times in microseconds since the start of the load.');

const soak = z
  .strictObject({
    runs: count,
    failed: z.array(
      z.strictObject({ run: z.string(), seed: z.number(), faults: z.array(z.string()), verdict: z.string() }),
    ),
    resources: z.array(
      z.strictObject({
        resource: z.enum(['memory', 'descriptors', 'processes', 'disk']),
        unit: z.enum(['bytes', 'count']),
        points: z.array(z.strictObject({ run: count, value: z.number() })),
        trend: z
          .strictObject({
            fromRun: count,
            level: z.number(),
            growthPerRun: z.number(),
            confidenceLevel: z.number().gt(0).lt(1),
            lowerBound: z.number(),
            upperBound: z.number(),
            outcome: z.enum(['levels off', 'grows', 'undecided']),
          })
          .nullable()
          .describe('Theil-Sen over the second half of the runs.'),
      }),
    ),
  })
  .describe('What the harness held after each run of a soak.');

const day = z.iso.date();

const priceIn = <U extends string>(unit: U) =>
  z
    .strictObject({
      unit: z.literal(unit),
      value: z.number().nonnegative(),
      low: z.number().nonnegative(),
      high: z.number().nonnegative(),
      seen: day.describe('When the sources said so.'),
      sources: z.array(z.url({ protocol: /^https?$/ })).min(1),
      about: z.string(),
    })
    .refine(({ low, value, high }) => low <= value && value <= high, {
      error: 'expected low, value and high in this order',
    });

export const priceBookSchema = z
  .strictObject({
    schema: z.literal('planebench.prices/1'),
    name: z.string(),
    date: day,
    currency: z.literal('USD'),
    region: z.string(),
    about: z.string(),
    prices: z.strictObject({
      cpu: priceIn('usd_per_vcpu_second'),
      memory: priceIn('usd_per_gb_second'),
      storage: priceIn('usd_per_gb_month'),
      storageWarm: priceIn('usd_per_gb_month').describe('What is read seldom.'),
      storageCold: priceIn('usd_per_gb_month').describe('What is hardly ever read.'),
      bytesWritten: priceIn('usd_per_gb_written').describe('To the object store; block storage charges none.'),
      bytesRead: priceIn('usd_per_gb_read'),
      writeRequests: priceIn('usd_per_1000_requests').describe('PUT and LIST.'),
      readRequests: priceIn('usd_per_1000_requests').describe('GET.'),
    }),
  })
  .describe('Dated prices with their sources. A GB is 2^30 bytes, a month 730 hours.');

const planeCost = z
  .strictObject({
    scenario: z.string(),
    architecture: z.string(),
    runs: count,
    parts: z
      .array(
        z.strictObject({
          role: z.string().nullable(),
          port: z.string().nullable(),
          cpuUsd: z.number().nonnegative(),
          memoryUsd: z.number().nonnegative(),
          storageUsd: z.number().nonnegative(),
          requestsUsd: z.number().nonnegative(),
        }),
      )
      .describe("The mean run's measured window, by role and port."),
    bands: z
      .array(
        z.strictObject({ metric: z.string(), lowUsd: z.number().nonnegative(), highUsd: z.number().nonnegative() }),
      )
      .describe('Each figure with all prices at their low, and with all at their high.'),
  })
  .describe('What the cost of a plane consists of.');

const faultOutcome = z
  .strictObject({
    scenario: z.string(),
    architecture: z.string(),
    fault: z.string().describe("'role-crash', or 'a + b' where faults overlap."),
    target: z.string(),
    notApplicable: z.string().nullable().describe('Why it strikes nothing here; then all that follows is empty.'),
    badge,
    stack: z.string(),
    timeScale,
    runs: count,
    injections: count,
    slo: z
      .array(z.strictObject({ slo: z.enum(['availability', 'latency', 'freshness']), lost: count, judged: count }))
      .describe('In how many of the injections in which it could be judged it was lost.'),
    clocks: z
      .array(
        z.strictObject({
          clock: z.enum(['first_failure', 'first_success', 'slo_regained', 'back_in_band', 'backlog_drained', 'mttr']),
          meanUs: z.number().nullable(),
          interval: z
            .strictObject({
              confidenceLevel: z.number().gt(0).lt(1),
              lowerBoundUs: z.number().nullable(),
              upperBoundUs: z.number().nullable(),
            })
            .nullable(),
          atLeast: z.boolean().describe('The mean is only known to be at least this.'),
          injections: count,
          note: z.string().nullable(),
        }),
      )
      .describe('Mean over injections since the injection, with its interval over runs.'),
    unjudged: z
      .array(z.strictObject({ run: z.string(), seconds: count, watched: count, injections: count }))
      .describe(
        'Runs in which the load generator itself was late: seconds watched that were left out, and injections after ' +
          'which an SLO could not be judged.',
      ),
    lost: count.nullable().describe('null: the plane offers no tables.'),
    duplicated: count.nullable(),
    rpoUs: z.number().nonnegative().nullable(),
    wrongRows: count,
    tornRows: count,
    monotonicViolations: count,
    invalidRuns: count,
    invalidReason: z.string().nullable(),
    findings: z.array(z.string()).describe('Worst first; empty: the plane survived it.'),
  })
  .describe('What one fault did to one plane, over all runs of a scenario.');

export const summarySchema = z
  .strictObject({
    schema: z.literal('planebench.summary/1'),
    run: z.strictObject({
      suite: z.string(),
      seed: z.number(),
      repetitions: count,
      confidenceLevel: z.number().gt(0).lt(1),
      scenarios: z.array(
        z.strictObject({
          name: z.string(),
          about: z.string().nullable(),
          stack: z.string(),
          timeScale: z.number().positive(),
          changesPerSecond: z.number(),
          historyFacts: z.number(),
          customers: z.number(),
          predictionsPerSecond: z.number(),
          lookupsPerSecond: z.number(),
          measuredUs: z.number(),
          freshnessSloUs: z.number(),
          fault: z.string().nullable(),
        }),
      ),
      architectures: z.array(z.strictObject({ name: z.string(), params: z.unknown() })),
      command: z.string().describe('Runs the suite again with the same seed.'),
    }),
    validity: z.strictObject({
      valid: z.boolean(),
      findings: z.array(
        z.strictObject({
          run: z.string(),
          architecture: z.string(),
          repetition: count,
          code: z.string(),
          message: z.string(),
        }),
      ),
    }),
    estimates: z.array(estimate),
    comparisons: z.array(comparison),
    claims: z.array(
      z.strictObject({
        id: z.string(),
        text: z.string(),
        metric: z.string(),
        published: z.string(),
        ours: z.string(),
        outcome: z.enum(['confirmed', 'refuted', 'inconclusive', 'not measured']),
      }),
    ),
    series: z.array(series),
    faultOutcomes: z.array(faultOutcome),
    costs: z.strictObject({ prices: priceBookSchema, planes: z.array(planeCost) }),
    verdict: z.strictObject({
      outcome: z.enum(['pass', 'fail', 'inconclusive']),
      sentences: z.array(z.string()).describe('Most important first.'),
    }),
    soak: soak.nullable(),
  })
  .describe('Conclusions of one suite of planebench. Names that end in Us are microseconds.');

export const manifestSchema = z
  .strictObject({
    schema: z.literal('planebench.manifest/1'),
    id: z.string(),
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    command: z.string(),
    suite: z.string(),
    seed: z.number(),
    repetitions: z.number(),
    traces: z.array(z.strictObject({ seed: z.number(), scenario: z.string(), sha256: z.string(), changes: count })),
    git: z.strictObject({ commit: z.string().nullable(), dirty: z.boolean().nullable() }),
    lockFileSha256: z.string().nullable(),
    versions: z.record(z.string(), z.string()),
    servers: z
      .record(z.string(), z.string())
      .describe('Servers that others wrote, behind the ports or the source: by name, the version.'),
    machine: z.strictObject({
      cpu: z.string(),
      cores: z.number(),
      memoryBytes: z.number(),
      platform: z.string(),
      cgroup: z.string().nullable(),
      loadGoesFirst: z.boolean().describe('Whether load generators had real-time priority.'),
      stealBp: z.number().nullable().describe('Share of CPU time stolen by the hypervisor, basis points.'),
    }),
    scenarios: z.unknown(),
    serviceTimes: z
      .string()
      .exactOptional()
      .describe('Of what was simulated: `standard`, or the SHA-256 of those of --service-times.'),
    notApplicable: z
      .array(z.strictObject({ scenario: z.string(), architecture: z.string(), reason: z.string() }))
      .describe('Left out: no fault of the scenario strikes anything in the plane or on the stack.'),
    plannedRuns: z
      .array(z.string())
      .exactOptional()
      .describe('Ids of the runs that were planned; absent: a soak, which draws them as it goes.'),
    interrupted: z.boolean(),
  })
  .describe('Where, when and with what a suite was run.');

export const baselineSchema = z
  .strictObject({
    schema: z.literal('planebench.baseline/1'),
    suite: z.string(),
    seed: z.number(),
    repetitions: count,
    finished: z.boolean().describe('False if the suite was interrupted, or runs of it were removed.'),
    from: z.strictObject({
      id: z.string(),
      startedAt: z.string(),
      commit: z.string().nullable(),
      machine: z.string(),
    }),
    prices: z
      .string()
      .exactOptional()
      .describe('SHA-256 of the prices that made the costs; absent: those of the book that comes with planebench.'),
    scenarios: z.array(
      z.strictObject({
        name: z.string(),
        badge,
        stack: z.string(),
        timeScale,
        sha256: z.string().describe('Of the scenario as JSON with sorted keys.'),
        serviceTimes: z.string().exactOptional().describe('As in the manifest; absent: the standard ones.'),
      }),
    ),
    planes: z.array(
      z.strictObject({
        scenario: z.string(),
        architecture: z.string(),
        runs: z.array(z.strictObject({ repetition: count, seed: z.number() })).describe('Valid runs only.'),
        notOffered: z
          .array(z.string())
          .exactOptional()
          .describe('Figures that the plane did not offer in any of them.'),
        figures: z.array(
          z.strictObject({
            metric: z.string(),
            statistic: z.string(),
            unit,
            values: z
              .array(z.union([z.number(), z.null(), z.strictObject({ atLeast: z.number() })]))
              .describe('In the order of `runs`; null: none; atLeast: right-censored.'),
          }),
        ),
      }),
    ),
  })
  .describe('What each run of a suite of planebench found, to compare later runs with.');

export type SchemaName = keyof typeof published;

/** What stands in `<name>.schema.json`. */
export function publishedSchema(name: SchemaName): object {
  const { schema: source, title } = published[name];
  const { $schema, ...schema } = z.toJSONSchema(source);
  return { $schema, $id: `https://planebench.invalid/${name}.schema.json`, title, ...schema };
}

const published = {
  summary: { schema: summarySchema, title: 'planebench.summary/1' },
  manifest: { schema: manifestSchema, title: 'planebench.manifest/1' },
  baseline: { schema: baselineSchema, title: 'planebench.baseline/1' },
  'price-book': { schema: priceBookSchema, title: 'planebench.prices/1' },
} as const;

/** Equal as types, `readonly` aside: each direction alone would let one side have a field that the other lacks. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T;
true satisfies Same<Plain<z.infer<typeof summarySchema>>, Plain<Summary>>;
true satisfies Same<Plain<z.infer<typeof manifestSchema>>, Plain<Manifest>>;
true satisfies Same<Plain<z.infer<typeof priceBookSchema>>, Plain<PriceBook>>;
true satisfies Same<Plain<z.infer<typeof baselineSchema>>, Plain<Baseline>>;
