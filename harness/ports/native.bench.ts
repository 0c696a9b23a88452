/**
 * The ports on Kafka and Redis beside what comes with those servers for measuring them, on the same server, one right
 * after the other: kafka-producer-perf-test, kafka-consumer-perf-test and redis-benchmark at the same pipeline depth.
 */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { HarnessError } from '../errors.js';
import { startProgramProcess } from '../processes/program-process.js';
import { seededRandom } from '../random.js';
import { freePorts } from '../servers/free-ports.js';
import { kafka } from '../servers/kafka.js';
import { type Found, isFound, type ServerProgram } from '../servers/programs.js';
import { librariesOf, redis } from '../servers/redis.js';
import { connectChangeLog } from './change-log/kafka.js';
import { connectOnlineStore } from './online-store/redis.js';
import { inDirectory, inParallel, type PortFigure, timed } from './ports.bench.js';

const origin = { epochUs: 0, zeroNs: null };
const megabyte = 1e6;

export async function nativeBenchmarks(): Promise<PortFigure[]> {
  return [...(await onServer(kafka, kafkaFigures)), ...(await onServer(redis, redisFigures))];
}

/** Nothing, and a line that says why, where the program is missing. */
async function onServer<Settings>(
  program: ServerProgram<Settings>,
  measure: (found: Found, start: (settings: Settings) => Promise<void>, directory: string) => Promise<PortFigure[]>,
): Promise<PortFigure[]> {
  const found = await program.find();
  if (!isFound(found)) {
    process.stdout.write(`  left out: ${found.missing} Get it: ${found.toGet}\n`);
    return [];
  }
  return inDirectory(async (directory) => {
    let stop = async () => {};
    const start = async (settings: Settings) => {
      const spawn = await program.prepare(found, settings);
      const isReady = () => program.isReady(settings);
      const server = startProgramProcess({ name: program.name, spawn, isReady, origin });
      stop = async () => void (await server.stop());
      await server.ready;
    };
    try {
      return await measure(found, start, directory);
    } finally {
      await stop();
    }
  });
}

/** Ours, theirs, and what part of theirs ours is. */
function beside(name: string, unit: string, ours: number, theirs: number, tool: string): PortFigure[] {
  return [
    { name, perSecond: ours, unit },
    { name: `${name}: ${tool}`, perSecond: theirs, unit },
    { name: `${name}: of ${tool}`, perSecond: (100 * ours) / theirs, unit: '%' },
  ];
}

const partitions = 4;
/** A batch of changes of the size that a source makes under load. */
const entryBytes = 10_000;
const entries = 30_000;
/** 5 MB, a sixth of what the tool may hold back (buffer.memory); emitter and planes have up to some thousand under way. */
const inFlight = 512;

async function kafkaFigures(
  { path }: Found,
  start: (settings: Parameters<typeof kafka.isReady>[0]) => Promise<void>,
  directory: string,
): Promise<PortFigure[]> {
  const [port, controllerPort] = (await freePorts(2)) as [number, number];
  await start({ directory, index: 0, brokers: [{ port, controllerPort }] });
  const server = `127.0.0.1:${port}`;
  const log = connectChangeLog({ brokers: [server], replication: 1 });
  const tool = async (name: string, args: readonly string[]) => {
    const java = ['-Xmx256m', '-cp', join(path, '*'), `org.apache.kafka.tools.${name}`, ...args];
    return (await promisify(execFile)('java', java, { maxBuffer: 1 << 24 })).stdout;
  };
  try {
    await log.createTopic('ours', partitions);
    await log.createTopic('theirs', partitions);
    const random = seededRandom(1);
    const entry = Uint8Array.from({ length: entryBytes }, () => random.below(256));
    const appendAll = (count: number) =>
      timed(() => inParallel(inFlight, count, async (i) => void (await log.append('ours', i % partitions, [entry]))));
    await appendAll(entries / 10);
    const appending = await appendAll(entries);
    const sizes = ['--num-records', `${entries}`, '--record-size', `${entryBytes}`, '--throughput', '-1'];
    // Batches as large as the port's: by default a batch would hold one of these entries.
    const props = ['--producer-props', `bootstrap.servers=${server}`, 'acks=all', `batch.size=${1 << 20}`];
    const produced = await tool('ProducerPerformance', ['--topic', 'theirs', ...sizes, ...props]);
    const readAll = () =>
      timed(() =>
        inParallel(partitions, partitions, async (partition) => {
          const limits = { maxBytes: 1 << 20, maxWaitUs: 0 };
          for (let offset = 0; ; ) {
            const slice = await log.read('ours', partition, offset, limits);
            if (slice.entries.length === 0) return;
            offset += slice.entries.length;
          }
        }),
      );
    await readAll();
    const reading = await readAll();
    const messages = ['--messages', `${entries}`, '--timeout', '60000'];
    const consumed = await tool('ConsumerPerformance', [
      '--bootstrap-server',
      server,
      '--topic',
      'theirs',
      ...messages,
    ]);
    const bytes = entries * entryBytes;
    return [
      ...beside(
        `append, ${entryBytes} B entries, ${inFlight} in flight`,
        'MB',
        bytes / megabyte / appending,
        // "30000 records sent, 12345.6 records/sec (117.74 MB/sec), ...", the last line being that of all.
        (entryBytes * numberIn(/([\d.]+) records\/sec(?![\s\S]*records\/sec)/, produced)) / megabyte,
        'kafka-producer-perf-test',
      ),
      ...beside(
        'read in pages of 1 MiB, 4 partitions',
        'MB',
        (bytes * 1.1) / megabyte / reading,
        // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
        (entryBytes * numberIn(/(?:[^,\n]+, ){9}([\d.]+)\s*$/, consumed)) / megabyte,
        'kafka-consumer-perf-test',
      ),
    ];
  } finally {
    await log.close();
  }
}

const rows = 100_000;
const valueBytes = 120;

async function redisFigures(
  { path }: Found,
  start: (settings: Parameters<typeof redis.isReady>[0]) => Promise<void>,
  directory: string,
): Promise<PortFigure[]> {
  const [port] = (await freePorts(1)) as [number];
  await start({ directory, port, appendfsync: 'no' });
  const store = connectOnlineStore({ port });
  const random = seededRandom(1);
  const anyKey = () => String(random.below(rows)).padStart(12, '0');
  const benchmark = async (command: 'set' | 'get', depth: number) => {
    const args = ['-p', `${port}`, '-t', command, '-P', `${depth}`, '-c', '1', '-n', '1000000', '-r', `${rows}`];
    const { stdout } = await promisify(execFile)(
      join(dirname(path), 'redis-benchmark'),
      [...args, '-d', `${valueBytes + 24}`, '--csv'],
      { env: { ...process.env, ...librariesOf(process.env) } },
    );
    return numberIn(new RegExp(`"${command.toUpperCase()}","([\\d.]+)"`), stdout);
  };
  const batch = (size: number, seq: number) => ({
    keys: Array.from({ length: size }, anyKey),
    seqs: new Array<number>(size).fill(seq),
    asOfUs: new Array<number>(size).fill(seq),
    values: new Array<Uint8Array>(size).fill(new Uint8Array(valueBytes).fill(seq)),
  });
  try {
    const figures: PortFigure[] = [];
    for (let seq = 0; seq < 100; seq++) await store.put('bench', batch(5000, seq));
    for (const depth of [100, 1000]) {
      const puts = Array.from({ length: 300_000 / depth }, (_, i) => batch(depth, 1000 * depth + i));
      const putting = await timed(() =>
        inParallel(2, puts.length, async (i) => void (await store.put('bench', puts[i]!))),
      );
      const name = `put, ${depth} rows a call`;
      figures.push(...beside(name, 'rows', 300_000 / putting, await benchmark('set', depth), 'redis-benchmark SET'));
    }
    for (const depth of [1, 50, 200]) {
      const calls = Math.min(20_000, 1_000_000 / depth);
      const gets = Array.from({ length: calls }, () => Array.from({ length: depth }, anyKey));
      const getting = await timed(() => inParallel(2, calls, async (i) => void (await store.get('bench', gets[i]!))));
      const name = `get, ${depth} keys a call`;
      const theirs = await benchmark('get', depth);
      figures.push(...beside(name, 'keys', (calls * depth) / getting, theirs, 'redis-benchmark GET'));
    }
    return figures;
  } finally {
    await store.close();
  }
}

function numberIn(pattern: RegExp, printed: string): number {
  const found = pattern.exec(printed.trim())?.[1];
  if (found === undefined) throw new HarnessError(`no rate is in what was printed: ${printed.slice(-500)}`);
  return Number(found);
}
