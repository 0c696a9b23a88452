/** `npm run bench:micro`: how fast the parts are alone. Rates, never gates: a noisy machine fails no test here. */
import { lakehouseBenchmarks } from '../architectures/lakehouse/lakehouse.bench.js';
import { lambdaBenchmarks } from '../architectures/lambda/lambda.bench.js';
import { workloadBenchmarks } from '../workloads/workload.bench.js';
import { nativeBenchmarks } from './ports/native.bench.js';
import { portBenchmarks } from './ports/ports.bench.js';
import { deriveBenchmarks } from './ports/table-store/derive.bench.js';
import { tableStoreBenchmarks } from './ports/table-store/table-store.bench.js';
import { warehouseBenchmarks } from './ports/warehouse/warehouse.bench.js';
import { primitiveBenchmarks } from './primitives.bench.js';
import { statisticsBenchmarks } from './statistics/statistics.bench.js';

const suites = [
  primitiveBenchmarks,
  workloadBenchmarks,
  lakehouseBenchmarks,
  lambdaBenchmarks,
  portBenchmarks,
  nativeBenchmarks,
  tableStoreBenchmarks,
  deriveBenchmarks,
  warehouseBenchmarks,
  statisticsBenchmarks,
];
const wanted = process.argv[2] ?? '';

for (const measure of suites) {
  if (!measure.name.toLowerCase().includes(wanted.toLowerCase())) continue;
  process.stdout.write(`\n${measure.name.replace(/Benchmarks$/, '')}\n`);
  for (const { name, perSecond, unit } of await measure()) {
    process.stdout.write(`  ${Math.round(perSecond).toLocaleString('en').padStart(14)} ${unit.padEnd(14)} ${name}\n`);
  }
}
