/** The command line: verbs, flags, and what each kind of failure means to the shell. */
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Summary } from '../reports/summary.js';
import { renderTerminal } from '../reports/terminal.js';
import { bench } from './bench.js';
import { examineMachine, printExamination } from './doctor.js';
import { HarnessError, messageOf, UsageError } from './errors.js';
import type { Json } from './json.js';
import { nearest } from './nearest.js';
import { builtIn, isPath } from './processes/load-architecture.js';
import { showProgress } from './progress.js';
import { loadResults, saveReports } from './results.js';
import { stackNames } from './stacks/stack.js';
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
  readonly baseline?: string;
  readonly json?: boolean;
}

interface Param {
  readonly architecture: string;
  readonly name: string;
  readonly value: Json;
}

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

  program
    .command('run')
    .description('run a suite and report')
    .addOption(new Option('--suite <name>', `one of ${suites.map(({ name }) => name).join(', ')}`).default('headline'))
    .option('--stack <name>', `one of ${stackNames.join(', ')}`)
    .option(
      '--architecture <name or path>',
      `repeatable; one of ${builtIn.join(', ')}, or a module of yours`,
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
    .option('--out <folder>', 'where the results folder is made', 'results')
    .option('--baseline <file>', 'judge the run by the thresholds of the suite and this baseline')
    .option('--json', 'print summary.json on stdout instead of the table')
    .action(async (flags: RunFlags) => finish(await run(flags, shell)));

  program
    .command('report')
    .description('compute summary and reports again from the saved facts of a run')
    .argument('<run>', 'a results folder')
    .option('--json', 'print summary.json on stdout instead of the table')
    .action(async (directory: string, flags: { json?: boolean }) =>
      finish(await report(directory, flags.json ?? false)),
    );

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
  for (const verb of program.commands)
    verb
      .exitOverride()
      .configureOutput({ outputError: () => {} })
      .showSuggestionAfterError(false);
  return program;
}

async function run(flags: RunFlags, shell: Shell): Promise<number> {
  const suite = resolveSuite(flags);
  const gate = flags.baseline === undefined ? null : await openGate(suite, flags.seed, flags.baseline, shell);
  const command = commandOf(flags);
  const interrupt = new AbortController();
  const onInterrupt = () => {
    complain('\nstopping: what is finished is saved');
    interrupt.abort(new Error('interrupted'));
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onInterrupt);
  try {
    complain(`${suite.name}: ${suite.about}; seed ${flags.seed}`);
    const { results, summary } = await bench({
      suite,
      seed: flags.seed,
      out: resolve(flags.out),
      command,
      progress: showProgress(process.stderr),
      signal: interrupt.signal,
    });
    print(summary, flags.json ?? false);
    complain(`\nreport: ${results.directory}/report.html`);
    if (interrupt.signal.aborted) return exitCodes.inconclusive;
    if (gate === null) return exitCodeOf(summary);
    const decision = await closeGate(gate, results.directory, flags.json ?? false, shell);
    return exitCodes[worseOf(summary.verdict.outcome, decision)];
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}

async function report(directory: string, json: boolean): Promise<number> {
  const { manifest, runs } = await loadResults(resolve(directory));
  const { suite, seed, command, repetitions } = manifest;
  const summary = summariseSaved(directory, { suite, seed, command, repetitions, runs });
  await saveReports({ id: manifest.id, directory: resolve(directory) }, summary, manifest);
  print(summary, json);
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
  if (flags.stack !== undefined && !stackNames.some((name) => name === flags.stack)) {
    throw new UsageError(
      `there is no stack "${flags.stack}"; did you mean "${nearest(flags.stack, stackNames)}"? Stacks: ${stackNames.join(', ')}`,
    );
  }
  const named = flags.architecture.length === 0 ? suite.arms : flags.architecture.map(parseArchitecture);
  const twice = named.find((arm, i) => named.findIndex(({ architecture }) => architecture === arm.architecture) < i);
  if (twice) throw new UsageError(`two planes are named ${twice.architecture}: their figures could not be told apart`);
  const stray = flags.param.find(({ architecture }) => !named.some((arm) => arm.architecture === architecture));
  if (stray) {
    const names = named.map(({ architecture }) => architecture);
    throw new UsageError(
      `--param ${stray.architecture}.${stray.name}: no plane of this run is named ${stray.architecture}; did you mean ${nearest(stray.architecture, names)}?`,
    );
  }
  const arms = named.map((arm) => {
    const own = flags.param.filter(({ architecture }) => architecture === arm.architecture);
    return own.length === 0 ? arm : { ...arm, params: Object.fromEntries(own.map(({ name, value }) => [name, value])) };
  });
  return { ...suite, arms, repetitions: flags.repetitions ?? suite.repetitions };
}

function parseArchitecture(specifier: string): Suite['arms'][number] {
  if (isPath(specifier)) return armOf(resolve(specifier));
  if (builtIn.some((name) => name === specifier)) return armOf(specifier);
  throw new UsageError(
    `there is no plane "${specifier}"; did you mean "${nearest(specifier, builtIn)}"? Planes: ${builtIn.join(', ')}; a module of yours is named by its path, e.g. ./${specifier}.ts`,
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
  return words.join(' ');
}
