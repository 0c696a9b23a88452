/** `run` and `simulate`: a suite, or a soak, from its flags to its exit code. */
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Decision } from '../../reports/gate.js';
import { inWords } from '../applicability.js';
import { UsageError } from '../errors.js';
import { type FaultFlag, parseFault, planFault } from '../fault-flag.js';
import { demandPostgres } from '../load/postgres/start.js';
import { readPrices, standardPrices } from '../prices/prices.js';
import { builtIn } from '../processes/load-architecture.js';
import { showProgress } from '../progress.js';
import { type Arm, isWired, type Scenario, type SourceName, sourceNames } from '../scenario.js';
import { defaultCosts, readCosts } from '../simulation/costs.js';
import { renderSoak } from '../soak/conclusion.js';
import type { ExternalServers } from '../stacks/external-settings.js';
import { type BrokerCount, brokerCounts, stackNames } from '../stacks/stack.js';
import { demandStack } from '../stacks/start.js';
import { armOf, findSuite, type Shard, type Suite, suiteNames } from '../suite.js';
import { soakSuite } from '../suites/soak.js';
import { closeGate, openGate, worseOf } from './gate.js';
import { interruptible } from './interrupt.js';
import { parseCount, parsePositive } from './numbers.js';
import { collect, type Param, parseArchitecture, parseParam, serversNamed, stackNamed, withParams } from './planes.js';
import { printSummary, quoted, type Shell } from './shell.js';

interface RunFlags {
  readonly suite: string;
  readonly stack?: string;
  readonly servers?: string;
  readonly brokers?: BrokerCount;
  readonly source?: SourceName;
  readonly architecture: readonly string[];
  readonly param: readonly Param[];
  readonly fault: readonly FaultFlag[];
  readonly seed: number;
  readonly repetitions?: number;
  readonly for?: Lasting;
  readonly shard?: Shard;
  readonly out: string;
  readonly serviceTimes?: string;
  readonly prices?: string;
  readonly baseline?: string;
  readonly json?: boolean;
}

interface Lasting {
  readonly text: string;
  readonly us: number;
}

export function declareRun(program: Command, shell: Shell): void {
  const runs = (verb: Command, suite: string) =>
    verb
      .addOption(new Option('--suite <name>', `one of ${suiteNames.join(', ')}`).default(suite))
      .option('--stack <name>', `instead of the suite's own; one of ${stackNames.join(', ')}`)
      .option('--servers <file>', 'of the stack external: where your servers are')
      .option(
        '--brokers <count>',
        'of Kafka on the stacks native and docker: 1, or 3 of which any one may die',
        parseBrokers,
      )
      .addOption(
        new Option('--source <name>', 'where changes come from, in place of the trace itself').choices(sourceNames),
      )
      .option(
        '--architecture <name, path or URL>',
        `repeatable; one of ${builtIn.join(', ')}, a module of yours, or the address of a system of yours`,
        collect(String),
        [],
      )
      .option(
        '--param <plane.name=value>',
        'repeatable; a parameter of a plane, the value as JSON',
        collect(parseParam),
        [],
      )
      .option(
        '--fault <kind:field=value,...>',
        'repeatable; in place of the faults of the suite, e.g. role-pause:role=serving,lastsUs=300000',
        collect(parseFault),
        [],
      )
      .option('--seed <integer>', 'seed of the suite', parseCount, 1)
      .option('--repetitions <count>', 'instead of the number that the suite has; of a soak: seeds', parsePositive)
      .option('--for <time>', 'of a soak: how long runs are begun, e.g. 90s, 60m, 2h', parseTime)
      .option('--shard <i/n>', 'only every n-th trace, from the i-th on; all shards together are the suite', parseShard)
      .option('--service-times <file>', 'JSON, the service times of a simulation in place of the built-in ones')
      .option('--prices <file>', 'a price book instead of the one that comes with planebench')
      .option('--baseline <file>', 'judge the run by the thresholds of the suite and this baseline')
      .option('--out <folder>', 'where the results folder is made', 'results')
      .option('--json', 'print summary.json on stdout instead of the table')
      .action(async (given: RunFlags) => {
        const flags = suite === simulatedSuite ? inVirtualTime(given) : given;
        shell.finish(await (flags.suite === soakSuite.name ? runSoak(flags, shell) : runSuite(flags, shell)));
      });
  runs(program.command('run').description('run a suite and report'), 'headline');
  runs(
    program.command('simulate').description('run a suite in virtual time and report; the same seed says the same'),
    simulatedSuite,
  );
}

const simulatedSuite = 'simulated';

/** Whatever the suite: its own is in virtual time of itself. */
function inVirtualTime(flags: RunFlags): RunFlags {
  if (flags.stack !== undefined && flags.stack !== 'simulated') {
    throw new UsageError(
      `--stack ${flags.stack}: simulate runs in virtual time; use npm run bench -- --stack ${flags.stack}`,
    );
  }
  return flags.suite === simulatedSuite ? flags : { ...flags, stack: 'simulated' };
}

async function runSuite(flags: RunFlags, shell: Shell): Promise<Decision> {
  if (flags.for !== undefined) {
    throw new UsageError(
      `--for ${flags.for.text} is for the suite ${soakSuite.name}; ${flags.suite} has --repetitions.`,
    );
  }
  if (flags.shard !== undefined && flags.baseline !== undefined)
    throw new UsageError(
      '--baseline judges all runs of a suite, and --shard does some of them: leave one of them away.',
    );
  const servers = await serversOf(flags);
  const suite = resolveSuite(flags, servers);
  for (const { stack, faults, brokers } of suite.scenarios)
    await demandStack(stack, { wired: isWired({ faults }), brokers, servers });
  if (flags.source !== undefined) await demandPostgres();
  const costs = await costsOf(flags, suite.scenarios);
  const prices = flags.prices === undefined ? standardPrices : await readPrices(flags.prices);
  const { baseline: file, seed } = flags;
  const gate = file === undefined ? null : await openGate(suite, { seed, costs, file }, shell);
  return interruptible(shell, 'stopping: what is finished is saved', async (signal) => {
    shell.complain(`${suite.name}: ${suite.about}; seed ${flags.seed}`);
    const { bench } = await import('../bench.js');
    const { results, summary, manifest } = await bench({
      suite,
      seed: flags.seed,
      shard: flags.shard,
      out: resolve(flags.out),
      command: commandOf(flags),
      prices,
      progress: showProgress(process.stderr),
      costs,
      signal,
    });
    printSummary(summary, flags.json ?? false, shell);
    if (manifest.notApplicable.length > 0) {
      shell.complain(`\nleft out:\n${manifest.notApplicable.map(inWords).join('\n')}`);
    }
    shell.complain(`\nreport: ${results.directory}/report.html`);
    if (gate === null || signal.aborted) return summary.verdict.outcome;
    const decision = await closeGate(gate, results.directory, flags.json ?? false, shell);
    return worseOf(summary.verdict.outcome, decision);
  });
}

async function runSoak(flags: RunFlags, shell: Shell): Promise<Decision> {
  refuseForSoak(flags);
  const stack = stackNamed(flags.stack ?? 'embedded');
  const servers = await serversOf(flags);
  // Its seeds may draw faults on the wire.
  await demandStack(stack, { wired: true, brokers: flags.brokers, servers });
  const arms = armsOf(flags, [armOf('lakehouse')]);
  const costs = await costsOf(flags, [{ stack }]);
  return interruptible(shell, 'stopping: what was found so far follows', async (signal) => {
    shell.complain(`${soakSuite.name}: ${soakSuite.about}; from seed ${flags.seed}`);
    const { soak } = await import('../soak/soak.js');
    const { results, conclusion } = await soak({
      arms,
      stack,
      servers,
      brokers: flags.brokers,
      seed: flags.seed,
      until: flags.for ? { us: flags.for.us } : { seeds: flags.repetitions ?? soakSuite.repetitions },
      shard: flags.shard,
      out: resolve(flags.out),
      command: commandOf(flags),
      commandOf: (seed, arm) => commandOf(again(flags, seed, arm)),
      costs,
      say: shell.complain,
      signal,
    });
    shell.print(flags.json ? JSON.stringify(conclusion, null, 2) : renderSoak(conclusion));
    shell.complain(`\nruns: ${results.directory}/soak.jsonl`);
    return conclusion.outcome;
  });
}

/** Flags that mean nothing there would be silently without effect. */
function refuseForSoak({ fault, baseline, prices, source, for: lasting, repetitions }: RunFlags): void {
  const refuse = (flag: string, why: string) => {
    throw new UsageError(`${flag} is not for the suite ${soakSuite.name}: ${why}`);
  };
  if (fault.length > 0) refuse('--fault', 'its faults are drawn by the seed. Use it with another suite, e.g. smoke.');
  if (baseline !== undefined) refuse('--baseline', 'it asks what is lost or wrong, and compares no figures.');
  if (source !== undefined)
    refuse('--source', 'its changes come from the trace itself. Use it with another suite, e.g. smoke.');
  if (prices !== undefined) refuse('--prices', 'it counts no cost.');
  if (lasting !== undefined && repetitions !== undefined) {
    throw new UsageError('--for and --repetitions both say when a soak ends: choose one of them.');
  }
}

/** One run of a soak. */
function again({ for: _, shard: __, ...flags }: RunFlags, seed: number, arm: Arm): RunFlags {
  return {
    ...flags,
    seed,
    repetitions: 1,
    architecture: [arm.specifier],
    param: flags.param.filter(({ architecture }) => architecture === arm.architecture),
  };
}

async function costsOf({ serviceTimes }: RunFlags, scenarios: readonly Pick<Scenario, 'stack'>[]) {
  if (serviceTimes === undefined) return defaultCosts;
  if (scenarios.every(({ stack }) => stack !== 'simulated')) {
    throw new UsageError(
      `--service-times ${serviceTimes}: nothing here is simulated, servers take the time that they take; add --stack simulated`,
    );
  }
  return readCosts(resolve(serviceTimes));
}

function serversOf({ servers, stack }: RunFlags): Promise<ExternalServers | undefined> {
  return serversNamed(servers, stack === undefined ? [] : [stack]);
}

function resolveSuite(flags: RunFlags, servers: ExternalServers | undefined): Suite {
  const suite = findSuite(flags.suite);
  const stack = flags.stack === undefined ? undefined : stackNamed(flags.stack);
  const onStack = suite.scenarios.map((scenario) => ({
    ...scenario,
    ...(stack && { stack }),
    ...(servers && { servers }),
    ...(flags.brokers && { brokers: flags.brokers }),
    ...(flags.source && { source: flags.source }),
  }));
  if (flags.source !== undefined && onStack.some((scenario) => scenario.stack === 'simulated')) {
    throw new UsageError(
      `--source ${flags.source}: a database is not simulated; name a stack of processes, e.g. --stack embedded.`,
    );
  }
  return {
    ...suite,
    ...(flags.fault.length === 0
      ? { scenarios: onStack }
      : {
          asks: 'recovery',
          scenarios: onStack.map((scenario) => ({
            ...scenario,
            faults: flags.fault.map((fault) => planFault(fault, scenario)),
          })),
        }),
    arms: armsOf(flags, suite.arms),
    repetitions: flags.repetitions ?? suite.repetitions,
  };
}

function armsOf({ architecture, param }: RunFlags, own: Suite['arms']): Suite['arms'] {
  const ownArm = (specifier: string) => own.find((arm) => arm.specifier === specifier);
  const named =
    architecture.length === 0
      ? own
      : architecture.map((specifier) => ownArm(specifier) ?? parseArchitecture(specifier));
  const twice = named.find((arm, i) => named.findIndex((other) => other.architecture === arm.architecture) < i);
  if (twice) throw new UsageError(`two planes are named ${twice.architecture}: their figures could not be told apart`);
  return withParams(named, param);
}

function parseShard(text: string): Shard {
  const [, part, of] = /^([1-9]\d{0,2})\/([1-9]\d{0,2})$/.exec(text) ?? [];
  const shard = { part: Number(part), of: Number(of) };
  if (!(shard.part <= shard.of)) {
    throw new InvalidArgumentError(`expected i/n with i from 1 to n, e.g. 2/4, found ${text}`);
  }
  return shard;
}

function parseBrokers(text: string): BrokerCount {
  const count = brokerCounts.find((one) => String(one) === text);
  if (count !== undefined) return count;
  throw new InvalidArgumentError(`expected ${brokerCounts.join(' or ')}, found ${text}`);
}

const unitUs: Readonly<Record<string, number>> = { s: 1_000_000, m: 60_000_000, h: 3_600_000_000 };

function parseTime(text: string): Lasting {
  const [, count, unit = ''] = /^([1-9]\d{0,5})([smh])$/.exec(text) ?? [];
  const us = Number(count) * (unitUs[unit] ?? Number.NaN);
  if (!(us > 0)) throw new InvalidArgumentError(`expected a number and s, m or h, e.g. 90s or 60m, found ${text}`);
  return { text, us };
}

/** The command that does exactly this again. */
function commandOf(flags: RunFlags): string {
  const words = ['npm', 'run', 'bench', '--', '--suite', flags.suite, '--seed', String(flags.seed)];
  for (const specifier of flags.architecture) words.push('--architecture', specifier);
  for (const { architecture, name, value } of flags.param)
    words.push('--param', `${architecture}.${name}=${JSON.stringify(value)}`);
  for (const { text } of flags.fault) words.push('--fault', text);
  if (flags.repetitions !== undefined) words.push('--repetitions', String(flags.repetitions));
  if (flags.for !== undefined) words.push('--for', flags.for.text);
  if (flags.shard !== undefined) words.push('--shard', `${flags.shard.part}/${flags.shard.of}`);
  if (flags.stack !== undefined) words.push('--stack', flags.stack);
  if (flags.servers !== undefined) words.push('--servers', flags.servers);
  if (flags.brokers !== undefined) words.push('--brokers', String(flags.brokers));
  if (flags.source !== undefined) words.push('--source', flags.source);
  if (flags.serviceTimes !== undefined) words.push('--service-times', flags.serviceTimes);
  if (flags.prices !== undefined) words.push('--prices', flags.prices);
  return words.map(quoted).join(' ');
}
