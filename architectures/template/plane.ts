/**
 * The plane `template`. It keeps every fact in memory, evaluates a row when it is asked for it, and reads the change log
 * again from its beginning whenever it starts: right, crash-only, and slow. Replace what you want to be better at.
 *
 *     npm run planebench -- check ./template.ts            is it a plane, and is it right?
 *     npm run planebench -- run --suite smoke --architecture ./template.ts
 */
import {
  type ArchitectureFactory,
  type BackfillRequest,
  type BackfillResult,
  type FeatureRow,
  historySchemas,
  opNames,
  predictRows,
  type RoleContext,
  type TableStore,
  tableNames,
  UsageError,
  viewBlock,
  windows,
} from 'planebench';

/** The harness calls this in every process of the plane. `--param template.x=1` arrives here as { x: 1 }. */
const plane: ArchitectureFactory = (params) => {
  if (params !== undefined && params !== null && Object.keys(params).length > 0)
    throw new UsageError(`template: it has no parameters yet. Given: ${JSON.stringify(params)}`);
  return {
    name: 'template',
    params: {},
    // The ports that its roles use: 'changeLog', 'onlineStore', 'tables', 'warehouse'.
    uses: ['changeLog', 'tables'],
    // Each role is a process. One that `ingests` is the one a crash scenario kills; one that only answers users may have
    // `priority: 'high'`, one whose work can wait 'low'.
    roles: [{ name: 'all', ingests: true, run }],
  };
};
export default plane;

/** Crash-only: called at every start, after SIGKILL too. It ends when `signal` aborts, and at no other time. */
async function run(context: RoleContext): Promise<void> {
  const { ports, contract, clock, signal } = context;
  const customers = createCustomers();
  const files = await rememberedHistory(ports.tables);
  let rows = files === null ? null : await loadHistory(context, files, customers);

  const next = new Array<number>(contract.partitions).fill(0);
  /** Takes in what a partition has beyond `next`; waits for it, but not long. */
  async function follow(partition: number): Promise<void> {
    const limits = { maxBytes: 1 << 20, maxWaitUs: 100_000, signal };
    const { entries } = await ports.changeLog.read(contract.topic, partition, next[partition] ?? 0, limits);
    for (const entry of entries) takeBatch(context, entry, customers);
    next[partition] = (next[partition] ?? 0) + entries.length;
  }

  // Before the first answer: what was acknowledged before this start, so that no reader is thrown back.
  const ends = await ports.changeLog.endOffsets(contract.topic);
  for (const [partition, end] of ends.entries()) while ((next[partition] ?? 0) < end) await follow(partition);

  const lookup = (keys: readonly string[]) => keys.map((key) => customers.rowOf(key, clock.nowUs()));
  await context.serve({
    lookup: async ({ keys }) => lookup(keys),
    predict: async ({ keys }) => predictRows(lookup(keys)),
    // Safe to repeat: the second time there is nothing to do.
    async backfill({ files }): Promise<BackfillResult> {
      await rememberHistory(ports.tables, files);
      rows ??= await loadHistory(context, files, customers);
      return { rows, filesByReference: Object.keys(files).length };
    },
    // Also to be offered, if you have tables: exportChanges, quarantine, inventory. What is absent is "not offered".
  });
  context.ready();
  await Promise.all(
    next.map(async (_, partition) => {
      while (!signal.aborted) await follow(partition);
    }),
  );
}

/** One change, as far as the features need it; columns that its table does not have are -1. */
export interface Change {
  readonly seq: number;
  readonly commitUs: number;
  readonly table: (typeof tableNames)[number];
  readonly op: (typeof opNames)[number];
  readonly refused: boolean;
  readonly fact: Fact;
}
export interface Fact {
  readonly entity: number;
  readonly eventUs: number;
  readonly amountCents: number;
  readonly category: number;
  readonly risk: number;
}

/** The contract decodes a batch into columns and says which changes to refuse. The columns are reused: copy. */
function takeBatch({ contract }: RoleContext, entry: Uint8Array, customers: Customers): void {
  const batch = viewBlock(entry);
  const decoded = contract.decode(batch);
  for (let i = 0; i < batch.count; i++) {
    const at = (column: ArrayLike<number>) => column[i] ?? -1;
    customers.take(at(batch.customer), {
      seq: at(batch.seq),
      commitUs: at(batch.commitUs),
      table: tableNames[at(batch.table)] ?? 'customers',
      op: opNames[at(batch.op)] ?? 'c',
      refused: at(decoded.refusal) !== 0,
      fact: {
        entity: at(decoded.entity),
        eventUs: at(decoded.eventUs),
        amountCents: at(decoded.amountCents),
        category: at(decoded.category),
        risk: at(decoded.risk),
      },
    });
  }
}

interface Customer {
  lastSeq: number;
  commitUs: number;
  /** Changes that overtook an earlier one, by seq. */
  readonly early: Map<number, Change>;
  /** Live facts by entity. */
  readonly facts: { readonly [table in Change['table']]: Map<number, Fact> };
}

export interface Customers {
  addHistory(table: Change['table'], customer: number, fact: Fact): void;
  take(customer: number, change: Change): void;
  rowOf(key: string, nowUs: number): FeatureRow;
}

export function createCustomers(): Customers {
  const known = new Map<number, Customer>();
  const customerOf = (id: number): Customer => {
    const customer = known.get(id) ?? newCustomer();
    known.set(id, customer);
    return customer;
  };
  return {
    addHistory: (table, customer, fact) => customerOf(customer).facts[table].set(fact.entity, fact),

    /** Changes come late, twice and out of order. Applied in the order of `seq`, each counts once. */
    take(id, change) {
      const customer = customerOf(id);
      if (change.seq > customer.lastSeq) customer.early.set(change.seq, change);
      for (;;) {
        const following = customer.early.get(customer.lastSeq + 1);
        if (following === undefined) return;
        customer.early.delete(following.seq);
        customer.lastSeq = following.seq;
        customer.commitUs = following.commitUs;
        if (following.refused) continue; // seen, never applied
        const facts = customer.facts[following.table];
        if (following.op === 'd') facts.delete(following.fact.entity);
        else facts.set(following.fact.entity, following.fact);
      }
    },

    /** A row is evaluated at one moment, `asOfUs`, which is never before the commit of its last change. */
    rowOf(key, nowUs) {
      const { lastSeq, commitUs, facts } = known.get(Number(key)) ?? newCustomer();
      const asOfUs = Math.max(nowUs, commitUs);
      return { key, lastSeq, asOfUs, features: evaluate(facts, asOfUs) };
    },
  };
}

function newCustomer(): Customer {
  const facts = { orders: new Map(), clicks: new Map(), devices: new Map(), customers: new Map() };
  return { lastSeq: 0, commitUs: 0, early: new Map(), facts };
}

/** The feature view, in the order of `contract.view.features`; workloads/feature-view.ts says what each means. */
function evaluate({ orders, clicks, devices }: Customer['facts'], asOfUs: number): (number | null)[] {
  const within = (facts: ReadonlyMap<number, Fact>) =>
    windows.map(({ windowUs, tileUs }) => {
      const fromUs = asOfUs - (asOfUs % tileUs) - windowUs;
      return [...facts.values()].filter(({ eventUs }) => eventUs > fromUs && eventUs <= asOfUs);
    });
  const ordered = within(orders);
  const week = ordered.at(-1) ?? [];
  const perCategory = new Map<number, number>();
  for (const { category } of week) perCategory.set(category, (perCategory.get(category) ?? 0) + 1);
  const [top] = [...perCategory].sort(([a, many], [b, more]) => more - many || a - b);
  const [device] = [...devices.values()].sort((a, b) => b.eventUs - a.eventUs || a.entity - b.entity);
  return [
    ...ordered.map((facts) => facts.length),
    ...ordered.map((facts) => facts.reduce((sum, { amountCents }) => sum + amountCents, 0)),
    ...within(clicks).map((facts) => facts.length),
    week.length === 0 ? null : asOfUs - Math.max(...week.map(({ eventUs }) => eventUs)),
    top ? top[0] : null,
    top ? Math.floor((10_000 * top[1]) / week.length) : null,
    device ? device.risk : null,
  ];
}

/** Facts of before the run, from their Parquet files; how many there were. No personal data is read, so none is kept. */
async function loadHistory(
  { ports }: RoleContext,
  files: BackfillRequest['files'],
  customers: Customers,
): Promise<number> {
  let loaded = 0;
  for (const table of ['orders', 'clicks', 'devices'] as const) {
    for await (const { rows, columns } of ports.tables.readParquet(files[table], historySchemas[table])) {
      const at = (name: string, i: number) => Number(columns[name]?.[i] ?? -1);
      const [entity, time] = historyColumns[table];
      for (let i = 0; i < rows; i++)
        customers.addHistory(table, at('customer', i), {
          entity: at(entity, i),
          eventUs: at(time, i),
          amountCents: at('amount_cents', i),
          category: at('category', i),
          risk: at('risk', i),
        });
      loaded += rows;
    }
  }
  return loaded;
}

const historyColumns = {
  orders: ['order_id', 'placed_us'],
  clicks: ['click_id', 'clicked_us'],
  devices: ['device_id', 'seen_us'],
} as const;

/** What must outlive the process is in a port: here, where the files of history lie. */
const table = 'history_files';

async function rememberHistory(tables: TableStore, files: BackfillRequest['files']): Promise<void> {
  const columns = { name: Object.keys(files), path: Object.values(files) };
  await tables.create(table, [
    { name: 'name', type: 'text', nullable: false },
    { name: 'path', type: 'text', nullable: false },
  ]);
  // The same commit number twice is written once.
  await tables.append(table, { rows: columns.name.length, columns }, [{ appId: 'template', version: 1 }]);
}

async function rememberedHistory(tables: TableStore): Promise<BackfillRequest['files'] | null> {
  if (!(await tables.tables()).includes(table)) return null;
  const files: Record<string, string> = {};
  for await (const { rows, columns } of tables.scan(await tables.snapshot(table), { columns: ['name', 'path'] }))
    for (let i = 0; i < rows; i++) files[String(columns.name?.[i])] = String(columns.path?.[i]);
  const { orders, clicks, devices, customers } = files;
  if (!orders || !clicks || !devices || !customers) return null;
  return { orders, clicks, devices, customers };
}
