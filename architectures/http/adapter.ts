/**
 * The one role: serves the change feed, tells the system where it is, and forwards what the system says it offers.
 * It remembers nothing but what the stack keeps for it: that the system was greeted, and where its history lies.
 */
import type { BackfillRequest, Plane, RoleContext } from '../../harness/architecture.js';
import { messageOf, PlaneError } from '../../harness/errors.js';
import { backfillOf, changesOf, inventoryOf, predictionsOf, rowsOf } from '../../harness/processes/answers.js';
import type { DataContract } from '../../workloads/data-contract.js';
import { hourUs } from '../../workloads/durations.js';
import { openFeed } from './feed.js';
import { rememberedHistory, rememberHistory } from './history-files.js';
import type { HttpParams } from './params.js';
import { acceptedVersions } from './plain-changes.js';
import { startProgram } from './program.js';
import { connectSystem, type Forwardable, type System } from './system.js';

const group = 'http adapter';
/** Beyond all that whoever asks would wait: that a backfill takes too long is for them to say. */
const backfillTimeoutUs = 24 * hourUs;
const exportTimeoutUs = 50_000_000;

export async function adapt(context: RoleContext, params: HttpParams): Promise<void> {
  const { ports, contract, signal } = context;
  const program = params.command && startProgram(params.command);
  const system = connectSystem(params.url);
  try {
    const greeted = system.greet(program !== null).catch(blame);
    const operations = await Promise.race([greeted, ...(program ? [program.ended] : [])]);
    const feed = await openFeed(context, params.feedPort);
    const fresh = (await ports.changeLog.committed(group, contract.topic)) === null;
    const history = await rememberedHistory(ports.tables);
    await system.start({ feed, fresh, history: history && historyUrls(feed), ...termsOf(contract) }).catch(blame);
    await ports.changeLog.commit(group, contract.topic, new Array<number>(contract.partitions).fill(0));
    const forwarded = forward(context, params, system, feed);
    await context.serve(Object.fromEntries(operations.map((name) => [name, forwarded[name]])));
    context.ready();
    await Promise.race([aborted(signal), ...(program ? [program.ended] : [])]);
  } finally {
    await Promise.all([system.close(), program?.kill()]);
  }
}

/** Without an answer there is no plane: its sentence is the reason why the role ends. */
function blame(error: unknown): never {
  throw new PlaneError(messageOf(error), { cause: error });
}

/** What the system must know of the contract: plain data. */
function termsOf({ topic, partitions, customers, allowedLatenessUs, tokenKey, view }: DataContract) {
  return {
    topic,
    partitions,
    customers,
    allowedLatenessUs,
    tokenKey,
    acceptedVersions: acceptedVersions(),
    features: view.features.map(({ name }) => name),
  };
}

function historyUrls(feed: string): Record<keyof BackfillRequest['files'], string> {
  const url = (table: string) => `${feed}/history?table=${table}`;
  return { orders: url('orders'), clicks: url('clicks'), devices: url('devices'), customers: url('customers') };
}

/** Every operation there is; `nowUs` tells a system that has no event clock what time it is. */
function forward(
  { ports, clock }: RoleContext,
  params: HttpParams,
  system: System,
  feed: string,
): Pick<Plane, Forwardable> {
  const { readTimeoutUs } = params;
  const read = (keys: readonly string[]) => ({ keys, nowUs: clock.nowUs() });
  return {
    lookup: ({ keys }) => system.call('lookup', read(keys), readTimeoutUs, (answer) => rowsOf(answer, keys)),
    predict: ({ keys }) => system.call('predict', read(keys), readTimeoutUs, (answer) => predictionsOf(answer, keys)),
    async backfill({ files }) {
      await rememberHistory(ports.tables, files);
      return system.call('backfill', { files, history: historyUrls(feed) }, backfillTimeoutUs, backfillOf);
    },
    exportChanges: () => system.pages('exportChanges', exportTimeoutUs, (page) => changesOf('exportChanges', page)),
    quarantine: () => system.pages('quarantine', exportTimeoutUs, (page) => changesOf('quarantine', page)),
    inventory: () => system.call('inventory', {}, exportTimeoutUs, inventoryOf),
  };
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
