/**
 * What a plane serves: the newest state, or a snapshot with the model that it was taken with. Kept in a register, so that it
 * changes at one moment, features and model together, and outlives every process.
 */
import { modelOf, modelVersion } from '../../workloads/model.js';
import { collectPinnedRows, type PinnedRows } from '../../workloads/pinned-rows.js';
import type { Plane, RoleContext, SnapshotRef, ServedState as Told } from '../architecture.js';
import { takeTurns } from '../clock.js';
import { CallError, messageOf } from '../errors.js';
import type { ColumnBatch } from './columns.js';
import { openRegister, type Register } from './register.js';
import { untilDone } from './retries.js';

export interface ServedState {
  /** With which the newest state is served. */
  readonly modelVersion: number;
  /** Served in the place of the newest state; null: the newest state is. */
  readonly pinned: SnapshotRef | null;
}

export const firstServed: ServedState = { modelVersion, pinned: null };

/** Kept in one row of a table of the online store. */
export function openServedState(context: RoleContext, table: string): Register<ServedState> {
  return openRegister(context, { store: context.ports.onlineStore, table, initially: firstServed });
}

/** Replaced as a whole: a read takes it once, and answers features and model of it. */
export interface Served {
  /** Of the pinned snapshot; null: the newest state is served. */
  readonly rows: PinnedRows | null;
  readonly modelVersion: number;
}

export interface Serving {
  now(): Served;
  readonly operations: Pick<Plane, 'rollback' | 'rollForward' | 'publishModel'>;
}

/** So often the register is looked for in its store, while it says anything. */
const lookEveryUs = 500_000;

/** Resolves when it is known what is served; from then on that stands in the register, also after its store was lost. */
export async function openServing(
  context: RoleContext,
  options: {
    readonly register: Register<ServedState>;
    /** Null: there is none. */
    readonly findSnapshot: (id: string) => Promise<SnapshotRef | null>;
    /** The `pinnedColumns` of all its rows. */
    readonly rowsOf: (snapshot: SnapshotRef) => AsyncIterable<ColumnBatch>;
    /** Where what will be served comes from, on the record before it is. */
    readonly record: (served: ServedState) => Promise<void>;
  },
): Promise<Serving> {
  const { register, findSnapshot, rowsOf, record } = options;
  const { clock, contract, signal } = context;
  const { view } = contract;
  const inTurn = takeTurns();
  const load = async ({ pinned, modelVersion }: ServedState) => ({
    rows: pinned && (await collectPinnedRows(rowsOf(pinned), pinned)),
    modelVersion: pinned?.modelVersion ?? modelVersion,
    snapshot: pinned?.id ?? null,
  });
  let state = await untilDone(context, () => register.read());
  let served = await untilDone(context, () => load(state));

  async function rollBack(id: string): Promise<void> {
    const snapshot = await findSnapshot(id);
    if (snapshot === null) throw new CallError('failed', `there is no snapshot ${id}: take one first`);
    if (snapshot.viewVersion !== view.version)
      throw new CallError(
        'failed',
        `snapshot ${id} is of version ${snapshot.viewVersion} of the feature view, served is ${view.version}: take a new one`,
      );
    requireModel(snapshot.modelVersion);
    // Its rows are there before anybody is told that it is served.
    const next = await load({ ...firstServed, pinned: snapshot });
    await record({ ...firstServed, pinned: snapshot });
    state = await register.change(() => ({ ...state, pinned: snapshot }));
    served = next;
  }

  async function change(to: Partial<ServedState>): Promise<void> {
    await record({ ...state, ...to });
    state = await register.change(() => ({ ...state, ...to }));
    served = await untilDone(context, () => load(state));
  }

  /** Nobody else knows what was in a register that was lost, and whoever serves next asks it. */
  async function keep(): Promise<void> {
    for (;;) {
      await clock.sleep(lookEveryUs, signal);
      if (state.pinned === null && state.modelVersion === firstServed.modelVersion) continue;
      await inTurn(async () => {
        const { modelVersion, pinned } = await untilDone(context, () => register.read());
        if (modelVersion === state.modelVersion && pinned?.id === state.pinned?.id) return;
        await register.change(() => state);
      });
    }
  }
  let failure: unknown;
  keep().catch((error: unknown) => {
    if (!signal.aborted) failure = error; // thrown to whoever reads
  });

  const tell = (): Told => ({ snapshot: served.snapshot, modelVersion: served.modelVersion });
  return {
    now() {
      if (failure) throw failure;
      return served;
    },
    operations: {
      rollback: ({ snapshot }) => inTurn(() => rollBack(snapshot).then(tell)),
      rollForward: () => inTurn(() => change({ pinned: null }).then(tell)),
      publishModel: ({ version }) =>
        inTurn(async () => {
          requireModel(version);
          await change({ modelVersion: version });
          return tell();
        }),
    },
  };
}

function requireModel(version: number): void {
  try {
    modelOf(version);
  } catch (error) {
    throw new CallError('failed', messageOf(error), { cause: error });
  }
}
