/** The command line: verbs, flags, and what each kind of failure means to the shell. */
import { Command, CommanderError } from 'commander';
import type { Decision } from '../reports/gate.js';
import { harmless } from '../reports/lines.js';
import { calendarTime } from './clock.js';
import { HarnessError, messageOf, UsageError } from './errors.js';
import { nearest } from './nearest.js';
import { declareNew } from './new-architecture.js';
import { builtIn, isUrl } from './processes/load-architecture.js';
import { showProgress } from './progress.js';
import { writeWhole } from './results.js';
import { bundledStacks, stackNames } from './stacks/stack.js';
import { demandStack } from './stacks/start.js';
import { declareClean } from './verbs/clean.js';
import { declareCompare } from './verbs/compare.js';
import { declareGate } from './verbs/gate.js';
import { interruptible } from './verbs/interrupt.js';
import { parseCount } from './verbs/numbers.js';
import {
  collect,
  type Param,
  parseArchitecture,
  parseParam,
  serversNamed,
  stackNamed,
  withParams,
} from './verbs/planes.js';
import { declareReport } from './verbs/report.js';
import { declareRun } from './verbs/run.js';
import type { Shell } from './verbs/shell.js';

export const exitCodes = { pass: 0, fail: 1, inconclusive: 2, usage: 3, harness: 4 } as const;

/** What a command says. */
export type Voice = Pick<Shell, 'print' | 'complain'>;

const streams: Voice = {
  print: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${harmless(text)}\n`),
};

/**
 * Runs, benches and what they bring are loaded by the verbs that need them, when all they were given is known to be right:
 * whoever asks for help, or mistyped, does not wait for them.
 */
export async function runCommandLine(argv: readonly string[], voice = streams): Promise<number> {
  let code: number = exitCodes.pass;
  const program = declareProgram(voice, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return explain(error, program, voice);
  }
}

/** What a full disk and the like are called by Node.js and by DuckDB, wherever they are met first. */
const shortage = /\b(ENOSPC|EDQUOT|EROFS|EMFILE|ENFILE)\b|No space left on device|Too many open files/;

function explain(error: unknown, program: Command, { complain }: Voice): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.pass; // --help, --version
    if (error.code === 'commander.help') return exitCodes.usage; // No verb: commander has said which there are.
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

interface CheckFlags {
  readonly stack?: string;
  readonly servers?: string;
  readonly param: readonly Param[];
  readonly seed: number;
  readonly junit?: string;
  readonly json?: boolean;
}

function declareProgram(voice: Voice, finish: (code: number) => void): Command {
  const program = new Command('planebench');
  program
    .description('Which data plane should feed your models? Measured, with confidence intervals.')
    .version('0.1.0')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError(false);
  const shell: Shell = { ...voice, terminal, finish: (decision) => finish(exitCodes[decision]) };
  declareRun(program, shell);

  declareReport(program, shell);
  declareGate(program, shell);
  declareCompare(program, shell);
  declareClean(program, shell);

  program
    .command('doctor')
    .description('what this machine offers, which stacks would start, how noisy it is')
    .option('--servers <file>', 'where your servers are, to try the stack external')
    .option('--json', 'print as JSON')
    .action(async (flags: { json?: boolean; servers?: string }) => {
      const { examineMachine, printExamination } = await import('./doctor.js');
      const examination = await examineMachine(await serversNamed(flags.servers, ['external']));
      shell.print(flags.json ? JSON.stringify(examination, null, 2) : printExamination(examination));
      // The others are offers: what each lacks is said.
      const asked = flags.servers === undefined ? bundledStacks : ([...bundledStacks, 'external'] as const);
      const isWell = asked.every((name) => examination.stacks.find((stack) => stack.name === name)?.starts);
      finish(isWell ? exitCodes.pass : exitCodes.harness);
    });
  program
    .command('check')
    .description('ask whether a plane keeps its contract: every operation, every role killed once, the ledger')
    .argument('<plane>', `one of ${builtIn.join(', ')}, a module of yours, or the address of a system of yours`)
    .option(
      '--stack <name>',
      `one of ${stackNames.join(', ')}; ${bundledStacks.join(' and ')} unless one is named, for a system behind HTTP embedded`,
    )
    .option('--servers <file>', 'of the stack external: where your servers are')
    .option('--param <plane.name=value>', 'repeatable; a parameter of the plane, as JSON', collect(parseParam), [])
    .option('--seed <integer>', 'decides the changes, and when roles are killed', parseCount, 1)
    .option('--junit <file>', 'write what passes and what fails for a CI server')
    .option('--json', 'print it as JSON')
    .action(async (plane: string, flags: CheckFlags) => shell.finish(await check(plane, flags, shell)));

  declareNew(program, shell.print);
  for (const verb of program.commands.flatMap((command) => [command, ...command.commands]))
    verb
      .exitOverride()
      .configureOutput({ outputError: () => {} })
      .showSuggestionAfterError(false);
  return program;
}

async function check(
  plane: string,
  { stack, servers: file, param, seed, junit, json }: CheckFlags,
  shell: Shell,
): Promise<Decision> {
  // A system behind HTTP lives in real time.
  const stacks =
    stack !== undefined
      ? [stackNamed(stack)]
      : isUrl(plane) || plane === 'http'
        ? (['embedded'] as const)
        : bundledStacks;
  const servers = await serversNamed(file, stacks);
  for (const wanted of stacks) await demandStack(wanted, { servers });
  const [arm] = withParams([parseArchitecture(plane)], param);
  if (arm === undefined) throw new UsageError('there is no plane to check');
  return interruptible(shell, 'stopping', async (signal) => {
    const { checkPlane, outcomeOf, printChecked, renderCheckJunit } = await import('./check.js');
    const progress = () => showProgress(process.stderr);
    const startedAt = calendarTime();
    const checked = await checkPlane({ arm, stacks, servers, seed, progress, signal });
    const outcome = outcomeOf(checked, stacks.length);
    const words = checked.map((on) => printChecked(arm.architecture, on)).join('\n\n');
    shell.print(json ? JSON.stringify({ plane: arm.architecture, outcome, checked }, null, 2) : words);
    if (junit !== undefined)
      await writeWhole(junit, renderCheckJunit(arm.architecture, { checked, stacks, startedAt }));
    return outcome;
  });
}

const terminal = () => ({
  width: process.stdout.columns || 100,
  color: process.stdout.isTTY === true && !process.env.NO_COLOR,
});
