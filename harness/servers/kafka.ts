/** Kafka: the change log of the native stack, from its Maven artifacts, on the Java of PATH; brokers without ZooKeeper. */
import { access, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HarnessError } from '../errors.js';
import { isBrokerReady } from '../ports/change-log/kafka.js';
import type { StartedChild } from '../processes/child-process.js';
import { type ServerOptions, type Spawn, startProgramProcess } from '../processes/program-process.js';
import { openScratch, type Scratch } from '../processes/scratch.js';
import { freePorts } from './free-ports.js';
import {
  installCommand,
  intoPlace,
  type ListenAddress,
  loopback,
  onPath,
  outputOf,
  programsDirectory,
  type ServerProgram,
} from './programs.js';

export interface KafkaSettings {
  /** Where it keeps its log. */
  readonly directory: string;
  /** Which one of `brokers` this one is. */
  readonly index: number;
  /** The address that it listens on: loopback unless it says so. */
  readonly host?: ListenAddress;
  /** All of them: each is a broker and a controller. Topics have a copy on each, three of which accept with two. */
  readonly brokers: readonly BrokerPlace[];
}

export interface BrokerPlace {
  readonly port: number;
  readonly controllerPort: number;
  /** Where the others reach it; absent: as its clients do, on loopback. */
  readonly peer?: { readonly host: string; readonly port: number };
}

const version = '4.1.1';
const oldestJava = 17;
/** kafka-tools has the perf tests that ports.bench.ts compares with, log4j-slf4j-impl writes down what a broker says. */
const artifacts = [
  ['org.apache.kafka', 'kafka_2.13', version],
  ['org.apache.kafka', 'kafka-tools', version],
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.24.3'],
] as const;
const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies';
const installed = () => join(programsDirectory(), `kafka-${version}`);
/** Beside the folder of its jars. */
export const archiveOf = (jars: string) => join(dirname(jars), 'classes.jsa');
const archivedWithinUs = 300_000_000;
/** What appends of the port may be at most, with a record's few bytes for each entry. */
const batchLimitBytes = 72 * 1024 * 1024;

export const kafka: ServerProgram<KafkaSettings> = {
  name: 'kafka',
  isFor: 'change log',

  async find() {
    const java = await onPath('java');
    const printed = java && (await outputOf(java, ['-version']));
    const major = Number(/version "(\d+)/.exec(printed ?? '')?.[1] ?? 0);
    if (major < oldestJava)
      return {
        missing: `Kafka ${version} runs on Java ${oldestJava} or newer, and ${java === null ? 'there is no java on PATH' : `${java} is Java ${major}`}.`,
        toGet: `install it (https://adoptium.net, or apt-get install openjdk-17-jre-headless), then ${installCommand}`,
      };
    const path = join(installed(), 'libs');
    const jar = access(join(path, `kafka_2.13-${version}.jar`));
    if (
      await jar.then(
        () => true,
        () => false,
      )
    )
      return { path, version };
    return { missing: `Kafka ${version} is not in ${installed()}.`, toGet: installCommand };
  },

  async install(run) {
    const maven = await onPath('mvn');
    if (maven === null)
      throw new HarnessError(
        'Kafka is fetched by Maven, and there is no mvn on PATH; install it (https://maven.apache.org/install.html, or apt-get install maven).',
      );
    await intoPlace(installed(), async (draft) => {
      await writeFile(join(draft, 'pom.xml'), pom());
      const to = `-DoutputDirectory=${join(draft, 'libs')}`;
      await run(maven, ['-q', '-B', '--strict-checksums', copyDependencies, '-DincludeScope=runtime', to], {
        cwd: draft,
      });
    });
    const jars = join(installed(), 'libs');
    const launch = (broker: ServerOptions, scratch: Scratch) => {
      const child = startProgramProcess(broker);
      scratch.watchGroup(child.pid);
      return child;
    };
    await archiveClasses(jars, launch, { host: loopback, to: archiveOf(jars) });
  },

  async prepare({ path }, settings): Promise<Spawn> {
    const { directory } = settings;
    const data = join(directory, 'data');
    await mkdir(data, { recursive: true });
    await writeFile(join(directory, 'server.properties'), serverProperties(settings));
    // What kafka-storage.sh would write, without a Java of its own to start.
    await writeFile(join(data, 'meta.properties'), metaProperties(settings));
    await writeFile(join(directory, 'log4j2.properties'), logProperties);
    return {
      command: 'java',
      args: [
        `-XX:SharedArchiveFile=${archiveOf(path)}`,
        '-Xlog:cds=off',
        '-Xlog:cds+dynamic=off',
        ...heapOf(settings),
        ...['-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'],
        ...['-Djava.awt.headless=true', '-Dlog4j2.disable.jmx=true'],
        `-Dlog4j2.configurationFile=${join(directory, 'log4j2.properties')}`,
        ...['-cp', join(path, '*'), 'kafka.Kafka', join(directory, 'server.properties')],
      ],
      env: {},
      cwd: directory,
    };
  },

  isReady: ({ index, brokers }) => isBrokerReady({ host: '127.0.0.1', port: brokers[index]!.port }).catch(() => false),
};

/**
 * A broker that ends by itself leaves its classes behind as the JVM needs them, which halves what a start costs (JEP 350).
 * An archive that was made by another Java, or of jars at another place, is left unread. Whoever launches it has the janitor
 * of `scratch` watch it: an installation that is interrupted leaves no broker running.
 */
export async function archiveClasses(
  jars: string,
  launch: (broker: ServerOptions & { readonly port: number }, scratch: Scratch) => StartedChild,
  { host, to }: { readonly host: ListenAddress; readonly to: string },
): Promise<void> {
  const scratch = await openScratch();
  const directory = join(scratch.directory, 'kafka');
  const [port, controllerPort] = (await freePorts(2)) as [number, number];
  const settings = { directory, host, index: 0, brokers: [{ port, controllerPort }] };
  const archive = join(directory, 'classes.jsa');
  try {
    const { args, ...spawn } = await kafka.prepare({ path: jars, version }, settings);
    const others = args.filter((arg) => !arg.startsWith('-XX:SharedArchiveFile'));
    const broker = launch(
      {
        name: 'kafka',
        port,
        spawn: { ...spawn, args: [`-XX:ArchiveClassesAtExit=${archive}`, ...others] },
        isReady: () => kafka.isReady(settings),
        origin: { epochUs: 0, zeroNs: null },
        readyWithinUs: archivedWithinUs,
      },
      scratch,
    );
    try {
      await broker.ready;
    } finally {
      await broker.stop(archivedWithinUs);
    }
    await copyFile(archive, to);
  } finally {
    await scratch.close();
  }
}

function pom(): string {
  const dependencies = artifacts
    .map(
      ([group, artifact, of]) =>
        `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${of}</version></dependency>`,
    )
    .join('\n');
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>planebench</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>
${dependencies}
</dependencies></project>
`;
}

/** Three share the memory that one has a little more of to itself. */
function heapOf({ brokers }: KafkaSettings): string[] {
  return brokers.length === 1 ? ['-Xms256m', '-Xmx512m'] : ['-Xms128m', '-Xmx256m'];
}

function serverProperties({ directory, host = loopback, index, brokers }: KafkaSettings): string {
  const { port, controllerPort, peer } = brokers[index]!;
  const voters = brokers.map((broker, i) => `${i + 1}@${broker.peer?.host ?? loopback}:${broker.controllerPort}`);
  const copies = brokers.length;
  return lines({
    'process.roles': 'broker,controller',
    'node.id': index + 1,
    'controller.quorum.voters': voters.join(','),
    listeners: [
      `PLAINTEXT://${host}:${port}`,
      `CONTROLLER://${peer?.host ?? loopback}:${controllerPort}`,
      ...(peer ? [`PEERS://${peer.host}:${peer.port}`] : []),
    ].join(','),
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}${peer ? `,PEERS://${peer.host}:${peer.port}` : ''}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PEERS:PLAINTEXT',
    ...(peer && { 'inter.broker.listener.name': 'PEERS' }),
    'log.dirs': join(directory, 'data'),
    'auto.create.topics.enable': false,
    'default.replication.factor': copies,
    'min.insync.replicas': copies >= 3 ? 2 : 1,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'message.max.bytes': batchLimitBytes,
    'replica.fetch.max.bytes': batchLimitBytes,
    // A run's log is as long as the run.
    'log.retention.ms': -1,
    // Half of 2 cores; the default of 8 is for a machine that is a broker's own.
    'num.io.threads': 4,
    'num.network.threads': 2,
    'log.cleaner.dedupe.buffer.size': 4 * 1024 * 1024,
    // One that was killed comes back within the session of the one before, which a controller would wait out.
    'broker.heartbeat.interval.ms': 250,
    'broker.session.timeout.ms': 2000,
    'controlled.shutdown.enable': false,
  });
}

function metaProperties({ index }: KafkaSettings): string {
  return lines({
    version: 1,
    'cluster.id': 'cGxhbmViZW5jaC1rYWZrYQ',
    'node.id': index + 1,
    'directory.id': Buffer.from(`planebench-node${index + 1}`).toString('base64url'),
  });
}

/** What goes wrong, to where the supervisor listens. */
const logProperties = lines({
  'appender.stderr.type': 'Console',
  'appender.stderr.name': 'stderr',
  'appender.stderr.target': 'SYSTEM_ERR',
  'appender.stderr.layout.type': 'PatternLayout',
  'appender.stderr.layout.pattern': '%p %m (%c{1})%n%ex{3}',
  'rootLogger.level': 'WARN',
  'rootLogger.appenderRef.stderr.ref': 'stderr',
});

function lines(properties: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
