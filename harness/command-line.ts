/** The command line: verbs, flags, and what each kind of failure means to the shell. */
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Summary } from '../reports/summary.js';
import { renderTerminal } from '../reports/terminal.js';
import { bench } from './bench.js';
import { checkPlane, outcomeOf, printChecked } from './check.js';
import { examineMachine, printExamination } from './doctor.js';
import { HarnessError, messageOf, UsageError } from './errors.js';
import type { Json } from './json.js';
import { nearest } from './nearest.js';
import { declareNew } from './new-architecture.js';
import { readPrices, standardPrices } from './prices/prices.js';
import { builtIn, isPath, isUrl } from './processes/load-architecture.js';
import { showProgress } from './progress.js';
import { loadResults, savePrices, saveReports } from './results.js';
import { defaultCosts, readCosts } from './simulation/costs.js';
import { type StackName, stackNames } from './stacks/stack.js';
import { armOf, findSuite, type Suite, suites } from './suite.js';
import { type SuiteFacts, summarise } from './summarise.js';
import { declareCompare } from './verbs/compare.js';
import { closeGate, declareGate, openGate, worseOf } from './verbs/gate.js';
import type { Shell } from './verbs/shell.js';

export const exitCodes = { pass: 0, fail: 1, inconclusive: 2, usage: 3, harness: 4 } as const;

const out = (text: string) => process.stdout.write(`${text}\n`);
const complain = (text: string) => process.stderr.write(`${text}\n`);

export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let code: number = exitCodes.pass;
  const program = declareProgram((result) => {
    code = result;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return explain(error, program);
  }
}

/** What a full disk and the like are called by Node.js and by DuckDB, wherever they are met first. */
const shortage = /\b(ENOSPC|EDQUOT|EROFS|EMFILE|ENFILE)\b|No space left on device|Too many open files/;

function explain(error: unknown, program: Command): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.pass; // --help, --version
    complain(`planebench: ${error.message.replace(/^error: /, '')}${suggestion(error, program)}`);
    return exitCodes.usage;
  }
  if (error instanceof UsageError) {
    complain(`planebench: ${error.message}`);
    return exitCodes.usage;
  }
  if (error instanceof HarnessError) {
    complain(`planebench: ${error.message}`);
    return exitCodes.harness;
  }
  if (shortage.test(messageOf(error))) {
    complain(
      `planebench: the machine does not let it go on: ${messageOf(error)}. Make room, or name other folders with TMPDIR and --out.`,
    );
    return exitCodes.harness;
  }
  complain(`planebench failed: ${error instanceof Error ? error.stack : messageOf(error)}`);
  return exitCodes.harness;
}

/** The nearest valid name of an unknown verb or flag. */
function suggestion(error: CommanderError, program: Command): string {
  const typed = /'([^']+)'/.exec(error.message)?.[1]?.split('=')[0];
  if (typed === undefined || error.message.includes('Did you mean')) return '';
  if (error.code === 'commander.unknownCommand')
    return `; did you mean ${nearest(
      typed,
      program.commands.map((verb) => verb.name()),
    )}?`;
  if (error.code !== 'commander.unknownOption') return '';
  const flags = program.commands.flatMap((verb) => verb.options.flatMap(({ long }) => long ?? []));
  return `; did you mean ${nearest(typed, flags)}?`;
}

interface RunFlags {
  readonly suite: string;
  readonly stack?: string;
  readonly architecture: readonly string[];
  readonly param: readonly Param[];
  readonly seed: number;
  readonly repetitions?: number;
  readonly out: string;
  readonly serviceTimes?: string;
  readonly prices?: string;
  readonly baseline?: string;
  readonly json?: boolean;
}

type ReportFlags = Pick<RunFlags, 'json' | 'prices'>;

interface Param {
  readonly architecture: string;
  readonly name: string;
  readonly value: Json;
}

type CheckFlags = Pick<RunFlags, 'stack' | 'param' | 'seed'>;

function declareProgram(finish: (code: number) => void): Command {
  const program = new Command('planebench');
  program
    .description('Which data plane should feed your models? Measured, with confidence intervals.')
    .version('0.1.0')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError(false);
  const shell: Shell = { print: out, complain, terminal, finish: (decision) => finish(exitCodes[decision]) };
  const collect =
    <T>(parse: (text: string) => T) =>
    (text: string, before: readonly T[]) => [...before, parse(text)];

  const runs = (verb: Command, suiteOption: Option) =>
    verb
      .addOption(suiteOption)
      .option('--stack <name>', `instead of the suite's own; one of ${stackNames.join(', ')}`)
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
      .option('--seed <integer>', 'seed of the suite', parseCount, 1)
      .option('--repetitions <count>', 'instead of the number that the suite has', parsePositive)
      .option('--service-times <file>', 'JSON, the service times of a simulation in place of the built-in ones')
      .option('--prices <file>', 'a price book instead of the one that comes with planebench')
      .option('--baseline <file>', 'judge the run by the thresholds of the suite and this baseline')
      .option('--out <folder>', 'where the results folder is made', 'results')
      .option('--json', 'print summary.json on stdout instead of the table')
      .action(async (flags: RunFlags) => finish(await run(flags, shell)));
  const suiteOption = () => new Option('--suite <name>', `one of ${suites.map(({ name }) => name).join(', ')}`);
  runs(program.command('run').description('run a suite and report'), suiteOption().default('headline'));
  runs(
    program.command('simulate').description('run a suite in virtual time and report; the same seed says the same'),
    suiteOption().default('simulated'),
  );

  program
    .command('report')
    .description('compute summary and reports again from the saved facts of a run')
    .argument('<run>', 'a results folder')
    .option('--prices <file>', 'a price book instead of the one of the run; kept with the results')
    .option('--json', 'print summary.json on stdout instead of the table')
    .action(async (directory: string, flags: ReportFlags) => finish(await report(directory, flags)));

  declareGate(program, shell);
  declareCompare(program, shell);

  program
    .command('doctor')
    .description('what this machine offers, which stacks would start, how noisy it is')
    .option('--json', 'print as JSON')
    .action(async (flags: { json?: boolean }) => {
      const examination = await examineMachine();
      out(flags.json ? JSON.stringify(examination, null, 2) : printExamination(examination));
      finish(examination.stacks.every(({ starts }) => starts) ? exitCodes.pass : exitCodes.harness);
    });
  program
    .command('check')
    .description('ask whether a plane keeps its contract: every operation, every role killed once, the ledger')
    .argument('<plane>', `one of ${builtIn.join(', ')}, a module of yours, or the address of a system of yours`)
    .option('--stack <name>', `one of ${stackNames.join(', ')}; all of them unless one is named`)
    .option('--param <plane.name=value>', 'repeatable; a parameter of the plane, as JSON', collect(parseParam), [])
    .option('--seed <integer>', 'decides the changes, and when roles are killed', parseCount, 1)
    .action(async (plane: string, flags: CheckFlags) => finish(await check(plane, flags)));

  declareNew(program, out);
  for (const verb of program.commands.flatMap((command) => [command, ...command.commands]))
    verb
      .exitOverride()
      .configureOutput({ outputError: () => {} })
      .showSuggestionAfterError(false);
  return program;
}

async function run(flags: RunFlags, shell: Shell): Promise<number> {
  const suite = resolveSuite(flags);
  const costs = flags.serviceTimes === undefined ? defaultCosts : await readCosts(resolve(flags.serviceTimes));
  const prices = flags.prices === undefined ? standardPrices : await readPrices(flags.prices);
  const gate = flags.baseline === undefined ? null : await openGate(suite, flags.seed, flags.baseline, shell);
  const command = commandOf(flags);
  return interruptible('stopping: what is finished is saved', async (signal) => {
    complain(`${suite.name}: ${suite.about}; seed ${flags.seed}`);
    const { results, summary } = await bench({
      suite,
      seed: flags.seed,
      out: resolve(flags.out),
      command,
      prices,
      progress: showProgress(process.stderr),
      costs,
      signal,
    });
    print(summary, flags.json ?? false);
    complain(`\nreport: ${results.directory}/report.html`);
    if (signal.aborted) return exitCodes.inconclusive;
    if (gate === null) return exitCodeOf(summary);
    const decision = await closeGate(gate, results.directory, flags.json ?? false, shell);
    return exitCodes[worseOf(summary.verdict.outcome, decision)];
  });
}

async function check(plane: string, { stack, param, seed }: CheckFlags): Promise<number> {
  // A system behind HTTP lives in real time.
  const stacks = stack !== undefined ? [stackNamed(stack)] : isUrl(plane) ? (['embedded'] as const) : stackNames;
  const [arm] = withParams([parseArchitecture(plane)], param);
  if (arm === undefined) throw new UsageError('there is no plane to check');
  return interruptible('stopping', async (signal) => {
    const progress = () => showProgress(process.stderr);
    const checked = await checkPlane({ arm, stacks, seed, progress, signal });
    out(checked.map((on) => printChecked(arm.architecture, on)).join('\n\n'));
    return exitCodes[outcomeOf(checked, stacks.length)];
  });
}

/** Ctrl-C aborts the work, which comes to an end of its own. */
async function interruptible(words: string, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const interrupt = new AbortController();
  const onInterrupt = () => {
    complain(`\n${words}`);
    interrupt.abort(new Error('interrupted'));
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onInterrupt);
  try {
    return await work(interrupt.signal);
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}

async function report(directory: string, flags: ReportFlags): Promise<number> {
  const given = flags.prices === undefined ? null : await readPrices(flags.prices);
  const { manifest, runs, prices: kept } = await loadResults(resolve(directory));
  const { suite, seed, command, repetitions } = manifest;
  const prices = given ?? kept;
  const summary = summariseSaved(directory, { suite, seed, command, repetitions, runs, prices });
  await savePrices({ id: manifest.id, directory: resolve(directory) }, prices);
  await saveReports({ id: manifest.id, directory: resolve(directory) }, summary, manifest);
  print(summary, flags.json ?? false);
  return exitCodeOf(summary);
}

/** Facts of the right shape that nobody measured: whatever they break is said in a sentence. */
function summariseSaved(directory: string, facts: SuiteFacts): Summary {
  try {
    return summarise(facts);
  } catch (error) {
    throw new HarnessError(
      `the runs under ${directory} cannot be summarised: ${messageOf(error)}. They were changed, or written by another version of planebench; run the suite again.`,
      { cause: error },
    );
  }
}

function print(summary: Summary, json: boolean): void {
  if (json) return void out(JSON.stringify(summary, null, 2));
  out(renderTerminal(summary, terminal()));
}

const terminal = () => ({
  width: process.stdout.columns || 100,
  color: process.stdout.isTTY === true && !process.env.NO_COLOR,
});

const exitCodeOf = ({ verdict }: Summary) => exitCodes[verdict.outcome];

function resolveSuite(flags: RunFlags): Suite {
  const suite = findSuite(flags.suite);
  const stack = flags.stack === undefined ? undefined : stackNamed(flags.stack);
  const scenarios = stack === undefined ? suite.scenarios : suite.scenarios.map((scenario) => ({ ...scenario, stack }));
  const armOfSuite = (specifier: string) => suite.arms.find((arm) => arm.specifier === specifier);
  const named =
    flags.architecture.length === 0
      ? suite.arms
      : flags.architecture.map((specifier) => armOfSuite(specifier) ?? parseArchitecture(specifier));
  const twice = named.find((arm, i) => named.findIndex(({ architecture }) => architecture === arm.architecture) < i);
  if (twice) throw new UsageError(`two planes are named ${twice.architecture}: their figures could not be told apart`);
  return {
    ...suite,
    scenarios,
    arms: withParams(named, flags.param),
    repetitions: flags.repetitions ?? suite.repetitions,
  };
}

function stackNamed(text: string): StackName {
  const stack = stackNames.find((name) => name === text);
  if (stack) return stack;
  throw new UsageError(
    `there is no stack "${text}"; did you mean "${nearest(text, stackNames)}"? Stacks: ${stackNames.join(', ')}`,
  );
}

function withParams(named: Suite['arms'], params: readonly Param[]): Suite['arms'] {
  const stray = params.find(({ architecture }) => !named.some((arm) => arm.architecture === architecture));
  if (stray) {
    const names = named.map(({ architecture }) => architecture);
    throw new UsageError(
      `--param ${stray.architecture}.${stray.name}: no plane of this run is named ${stray.architecture}; did you mean ${nearest(stray.architecture, names)}?`,
    );
  }
  return named.map((arm) => {
    const own = params.filter(({ architecture }) => architecture === arm.architecture);
    const given = Object.fromEntries(own.map(({ name, value }) => [name, value]));
    return own.length === 0 ? arm : { ...arm, params: { ...(arm.params as Record<string, Json> | null), ...given } };
  });
}

function parseArchitecture(specifier: string): Suite['arms'][number] {
  if (isUrl(specifier)) return armOf(specifier);
  if (isPath(specifier)) return armOf(resolve(specifier));
  if (builtIn.some((name) => name === specifier)) return armOf(specifier);
  throw new UsageError(
    `there is no plane "${specifier}"; did you mean "${nearest(specifier, builtIn)}"? Planes: ${builtIn.join(', ')}; a module of yours is named by its path, e.g. ./${specifier}.ts, a system by its address, e.g. http://127.0.0.1:8080`,
  );
}

function parseParam(text: string): Param {
  const [, architecture, name, value] = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(text) ?? [];
  if (architecture === undefined || name === undefined || value === undefined) {
    throw new InvalidArgumentError(`expected plane.name=value, e.g. lakehouse.cacheTtlUs=250000, found ${text}`);
  }
  try {
    return { architecture, name, value: JSON.parse(value) as Json };
  } catch {
    throw new InvalidArgumentError(`the value of ${architecture}.${name} is no JSON: ${value}`);
  }
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError(`expected an integer from 0 to 999999999, found ${text}`);
  return Number(text);
}

function parsePositive(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError(`expected an integer from 1 to 999, found ${text}`);
  return Number(text);
}

/** The command that does exactly this again. */
function commandOf(flags: RunFlags): string {
  const words = ['npm run bench --', '--suite', flags.suite, '--seed', String(flags.seed)];
  for (const specifier of flags.architecture) words.push('--architecture', specifier);
  for (const { architecture, name, value } of flags.param)
    words.push('--param', `'${architecture}.${name}=${JSON.stringify(value)}'`);
  if (flags.repetitions !== undefined) words.push('--repetitions', String(flags.repetitions));
  if (flags.stack !== undefined) words.push('--stack', flags.stack);
  if (flags.serviceTimes !== undefined) words.push('--service-times', flags.serviceTimes);
  if (flags.prices !== undefined) words.push('--prices', flags.prices);
  return words.join(' ');
}
