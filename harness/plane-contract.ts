/**
 * The plane contract as questions to a plane that runs: every operation it offers is called, as a user, a probe and the
 * ledger would and as none of them does, and every answer is held against its shape. What it holds and serves in the end
 * is for the ledger; the rules here are read from the top.
 */
import { customerActivity, emptyFeatures, type FeatureRow } from '../workloads/feature-view.js';
import { historyFiles } from '../workloads/trace.js';
import type { Operation } from './architecture.js';
import type { BatchStep } from './batch/plan.js';
import { operationOf } from './batch/work.js';
import { messageOf } from './errors.js';
import { differingRows } from './ledger/row-verdicts.js';
import type { LoadedTrace } from './loaded-trace.js';
import { backfillOf, changesOf, inventoryOf, lineageOf, predictionsOf, rowsOf } from './processes/answers.js';
import type { PlaneClient } from './processes/endpoint.js';
import { type BatchFacts, operationKinds, outcomes, type RunFacts } from './record/facts.js';
import type { Inspect } from './run.js';

/** What became of one rule; `example` is the first thing that went against it. `not offered`: the plane lets nobody look. */
export interface RuleVerdict {
  readonly subject: string;
  readonly rule: string;
  readonly outcome: 'passes' | 'fails' | 'not judged' | 'not offered';
  readonly example: string;
}

export const operations = [
  'lookup',
  'predict',
  'backfill',
  'exportChanges',
  'quarantine',
  'inventory',
  'snapshot',
  'score',
  'trainingSet',
  'rollback',
  'rollForward',
  'publishModel',
  'scoredRows',
  'trainingRows',
  'reprocess',
  'lineage',
] as const satisfies readonly Operation[];

const batchOperations: ReadonlySet<Operation> = new Set(Object.values(operationOf));

const timeoutUs = 20_000_000;
const backfillTimeoutUs = 120_000_000;
const manyKeys = 500;

export interface Inspection {
  readonly inspect: Inspect;
  seen(): Inspected;
}

/** What an inspection has seen so far: nothing until the plane has started. */
export interface Inspected {
  readonly offered: readonly Operation[];
  readonly verdicts: readonly RuleVerdict[];
}

export function inspectPlane(): Inspection {
  const verdicts = new Map<string, RuleVerdict>();
  let offered: readonly Operation[] = [];

  /** A rule that is tried twice passes if it does both times. */
  async function judge(subject: Operation, rule: string, attempt: () => Promise<void>): Promise<void> {
    if (!offered.includes(subject)) return;
    const key = `${subject} ${rule}`;
    if (verdicts.get(key)?.outcome === 'fails') return;
    const example = await attempt().then(() => '', messageOf);
    verdicts.set(key, { subject, rule, outcome: example === '' ? 'passes' : 'fails', example });
  }

  const inspect: Inspect = async (moment, { plane, trace }) => {
    offered = operations.filter((operation) => plane.offers(operation));
    const { customers } = trace.info.contract;
    const call = (operation: Operation, argument: unknown) => plane.call<unknown>(operation, argument, { timeoutUs });
    const lookup = async (keys: readonly string[]) => rowsOf(await call('lookup', { keys }), keys);
    const predict = async (keys: readonly string[]) => predictionsOf(await call('predict', { keys }), keys);
    const known = trace.info.panel.slice(0, 10).map(String);
    const unknown = [String(customers), String(customers + 1_000_000)];
    const many = Array.from({ length: manyKeys }, (_, i) => String(i % Math.min(customers, manyKeys / 2)));

    await judge('lookup', 'known customers', async () => void (await lookup(known)));
    await judge('lookup', 'unknown customers: lastSeq 0, zeros, nulls', async () => expectEmpty(await lookup(unknown)));
    await judge('lookup', 'no keys: no rows', async () => void (await lookup([])));
    await judge('lookup', `${manyKeys} keys, some of them twice`, async () => void (await lookup(many)));
    await judge('predict', 'known customers', async () => void (await predict(known)));
    await judge('predict', 'unknown customers', async () => void (await predict(unknown)));
    await judge('predict', 'no keys: no predictions', async () => void (await predict([])));
    if (moment === 'started')
      await judge('backfill', 'takes history in', async () => {
        const files = historyFiles(trace.directory);
        // The run itself asks for the second time, and compares what is served then with the oracle.
        backfillOf(await plane.call<unknown>('backfill', { files }, { timeoutUs: backfillTimeoutUs }));
      });
    for (const operation of ['exportChanges', 'quarantine'] as const)
      await judge(operation, 'pages of changes', async () => {
        for await (const page of plane.pages<unknown>(operation, undefined, { timeoutUs })) changesOf(operation, page);
      });
    await judge('inventory', 'counts of files, bytes and rows', async () => {
      inventoryOf(await call('inventory', undefined));
    });
    await judge('lineage', 'OpenLineage events', async () => {
      lineageOf(await call('lineage', undefined));
    });
    if (!offered.includes('snapshot'))
      for (const subject of offered.filter((operation) => batchOperations.has(operation)))
        verdicts.set(subject, {
          subject,
          rule: 'is asked for',
          outcome: 'not judged',
          example: 'all batch work begins with a snapshot, and `snapshot` is not offered',
        });
    if (moment === 'drained' && offered.includes('backfill'))
      await judge('backfill', 'repeated over the changes, brings nothing back', async () => {
        await expectRepeatable(plane, trace);
      });
  };
  return { inspect, seen: () => ({ offered, verdicts: [...verdicts.values()] }) };
}

const nothing = emptyFeatures(customerActivity);

function expectEmpty(rows: readonly FeatureRow[]): void {
  const wrong = rows.find(
    ({ lastSeq, features }) => lastSeq !== 0 || features.some((value, i) => value !== nothing[i]),
  );
  if (wrong) throw new Error(`expected lastSeq 0 and ${JSON.stringify(nothing)}, found ${JSON.stringify(wrong)}`);
}

/** The same history once more, over all the changes: nothing may come back that a change has taken away. */
async function expectRepeatable(plane: PlaneClient, trace: LoadedTrace): Promise<void> {
  const keys = trace.info.panel.map(String);
  const read = async () => rowsOf(await plane.call<unknown>('lookup', { keys }, { timeoutUs }), keys);
  const before = await differingRows(trace.oracle, await read());
  const files = historyFiles(trace.directory);
  backfillOf(await plane.call<unknown>('backfill', { files }, { timeoutUs: backfillTimeoutUs }));
  const after = await differingRows(trace.oracle, await read());
  const differed = new Set(before.map(({ key }) => key));
  const worse = after.filter(({ key }) => !differed.has(key));
  if (worse.length > 0)
    throw new Error(
      `${worse.length} of ${keys.length} rows differ from the oracle after a repeated backfill and did not before; the first is ${JSON.stringify(worse[0])}`,
    );
}

/** Not the calls that found nobody, or nobody in time: roles are killed. */
const misshapenAnswer = /\b(?:lookup|predict) answered |: expected (?!an answer|status)/;

/** What the run itself says of the rules that need one: batch work, restarts, and the ledger. */
export function judgeFacts(facts: RunFacts): RuleVerdict[] {
  const { faults, ledger, lineage, invalid, backfill, batch, errors, ingests } = facts;
  const verdicts: RuleVerdict[] = [];
  const add = (subject: string, rule: string, example: string, outcome?: RuleVerdict['outcome']) =>
    verdicts.push({ subject, rule, outcome: outcome ?? (example === '' ? 'passes' : 'fails'), example });

  for (const { code, message } of invalid)
    add('run', 'comes to its end', message, code === 'HARNESS' ? 'not judged' : 'fails');
  if (invalid.length === 0) add('run', 'comes to its end', '');
  if (backfill !== null && invalid.length === 0) {
    const { wrongRows, checkedRows } = backfill;
    const example = wrongRows === 0 ? '' : `${wrongRows} of ${checkedRows} rows differ from the oracle 30 s later`;
    add('backfill', 'what it loaded, twice, is what it serves', example);
  }
  if (batch && invalid.length === 0) verdicts.push(...judgeBatch(batch));
  const misshapen = errors.find(({ message }) => misshapenAnswer.test(message));
  if (errors.length > 0 || invalid.length === 0) add('load', 'answers have their shape', misshapen?.message ?? '');
  for (const [code, kind] of operationKinds.entries()) {
    const { calls, ok, calm, calmOk } = countCalls(facts, code);
    const why = errors.find(({ operation }) => operation === kind)?.message ?? '';
    if (calls === 0) continue;
    const example =
      ok === 0
        ? `none of ${calls} calls was: ${why}`
        : calmOk < leastAnswered * calm
          ? `${calm - calmOk} of ${calm} calls before anything was killed were not: ${why}`
          : '';
    add('load', `${kind} is answered`, example);
  }
  if (lineage !== null) {
    const { assets, covered, gaps } = lineage;
    const example = covered === assets ? '' : `${assets - covered} of ${assets} do not; ${gaps[0]}`;
    add('lineage', 'every table that is stored resolves to its inputs, code, environment and configuration', example);
  }
  for (const { target, witnessedUs, readyUs } of faults) {
    const rule = `${target} is killed and ready again`;
    if (witnessedUs === null) add('restart', rule, 'the kill was not seen to bite', 'not judged');
    else if (readyUs === null) add('restart', rule, 'not ready again before the load ended', 'not judged');
    else add('restart', rule, '');
  }
  if (!ingests) {
    add('ledger', 'is drawn up', 'no role is marked `ingests`: what the plane takes in is not asked', 'not judged');
    return verdicts;
  }
  if (ledger === null) {
    if (invalid.length === 0) add('ledger', 'is drawn up', 'it was not', 'not judged');
    return verdicts;
  }
  const { tables, final, live, settled, behind, reordered, monotonicViolations, personalDataLeaks, examples } = ledger;
  const count = (rule: string, found: number, kind: RegExp) =>
    add(
      'ledger',
      rule,
      found === 0 ? '' : `${found}; ${examples.find((text) => kind.test(text)) ?? 'no example was kept'}`,
    );
  if (tables) {
    count('no acknowledged change is lost', tables.lost, /^lost/);
    count('none is held twice', tables.duplicated, /^duplicated/);
    count('none is held that had to be refused', tables.unexpected, /^unexpected/);
    count(
      'what was refused is listed, and nothing else',
      tables.quarantineMissing + tables.quarantineUnexpected,
      /quarantine/,
    );
    count('rows and tables agree', tables.skewed, /^skewed/);
  }
  const rows = settled ?? final;
  const what = settled ? 'after its own correction' : 'in the end';
  count(`every row is right ${what}`, rows.checked - rows.right, settled ? /^settled row/ : /^final row/);
  // A plane that corrects itself is judged after that.
  const read = 'every row and prediction read under load is right';
  if (!settled && live.checked === 0) add('ledger', read, 'none was read', 'not judged');
  else if (!settled) count(read, live.checked - live.right, /^live (row|prediction)/);
  count('no row goes back', reordered + (settled ? 0 : monotonicViolations), /^(reordered|not monotonic)/);
  count('every row shows every acknowledged change', behind, /^behind/);
  const unstored = 'no personal data is stored';
  if (personalDataLeaks === null)
    add('ledger', unstored, 'the plane stores outside the run, where nobody can search', 'not offered');
  else count(unstored, personalDataLeaks, /^personal data/);
  return verdicts;
}

/** Of calls that nothing stands in the way of but a busy machine. */
const leastAnswered = 0.9;

/** The calls of a kind, and how many were answered; the same of those that were due before the first kill. */
function countCalls({ operations, faults }: RunFacts, code: number) {
  const answered = outcomes.indexOf('ok');
  const calmUntilUs = Math.min(...faults.map(({ injectedUs }) => injectedUs ?? Number.POSITIVE_INFINITY));
  const counts = { calls: 0, ok: 0, calm: 0, calmOk: 0 };
  for (let i = 0; i < operations.rows; i++) {
    if (operations.kind[i] !== code) continue;
    const isCalm = (operations.intendedUs[i] as number) < calmUntilUs;
    const isOk = operations.outcome[i] === answered;
    counts.calls++;
    if (isOk) counts.ok++;
    if (isCalm) counts.calm++;
    if (isCalm && isOk) counts.calmOk++;
  }
  return counts;
}

/** Of the batch work that the run has asked for, once the roles were killed and healed. */
function judgeBatch({
  steps,
  scored,
  training,
  rebuilt,
  rollbacks,
  reprocessings,
  examples,
}: BatchFacts): RuleVerdict[] {
  const verdicts: RuleVerdict[] = [];
  const add = (subject: string, rule: string, found: number, why: () => string | undefined) =>
    verdicts.push({
      subject,
      rule,
      outcome: found === 0 ? 'passes' : 'fails',
      example: found === 0 ? '' : `${found}; ${why() ?? 'no example was kept'}`,
    });
  const exampleOf = (kind: RegExp) => () => examples.find((text) => kind.test(text));
  const taken = new Set(steps.map(({ kind }) => kind));
  /** Of what steps of a kind have made, `of` that much: nothing is said of what was not asked for, and nothing good of nothing. */
  const addMade = (kind: BatchStep['kind'], rule: string, of: number, found: number, why: () => string | undefined) => {
    if (!taken.has(kind)) return;
    if (of > 0) add(kind, rule, found, why);
    else
      verdicts.push({
        subject: kind,
        rule,
        outcome: 'not judged',
        example: 'nothing was made that could be looked at',
      });
  };
  for (const kind of taken) {
    const failed = steps.filter((step) => step.kind === kind && step.failure !== null);
    add(kind, 'is answered', failed.length, () => failed[0]?.failure ?? undefined);
  }
  addMade('score', "rows are the model's of the snapshot", scored.checked, scored.wrong, exampleOf(/^scored row/));
  const { checked, leaked, wrong } = training;
  addMade('training-set', 'no row knows what came after its label', checked, leaked, exampleOf(/^leak/));
  addMade('training-set', 'rows are right', checked, wrong - leaked, exampleOf(/^training row/));
  const differing = (made: { readonly times: number; readonly same: number }) => made.times - made.same;
  const twice = () => 'made again of the same versions, it was not the same';
  for (const { back, forward, mixed, wrong } of rollbacks) {
    const unseen = [back, ...(forward ? [forward] : [])].filter(({ seenUs }) => seenUs === null).length;
    const notSeen = () => 'the panel was never read wholly of the state that was asked for';
    add('rollback', 'is seen by every read, back and forward', unseen, notSeen);
    add('rollback', 'no read mixes features and model of two states', mixed, exampleOf(/^mixed read/));
    add('rollback', 'reads are right, and of the state that is served', wrong, exampleOf(/^rolled-back read/));
  }
  for (const { checked, left, disturbed, mistold } of reprocessings) {
    const none = () => 'neither scores nor training rows had been made of them';
    add('reprocess', 'is asked of what was made of the poisoned changes', checked === 0 ? 1 : 0, none);
    add('reprocess', 'no row that is made again shows what was poisoned', left, exampleOf(/^poisoned row/));
    add('reprocess', 'rows that had nothing to do with it stay', disturbed, exampleOf(/^disturbed row/));
    add('reprocess', 'tells which files it has made again', mistold.length, () => mistold.join(', '));
  }
  const again = 'is the same when it is asked for again';
  // Who answers with what was made before makes nothing again.
  if (rebuilt.scored.times > 0) add('score', again, differing(rebuilt.scored), twice);
  if (rebuilt.training.times > 0) add('training-set', again, differing(rebuilt.training), twice);
  return verdicts;
}
