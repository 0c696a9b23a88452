/** Where a plane keeps its events: in a table of its own storage, which outlives every process. */
import type { ColumnBatch, Schema, TextValues } from '../ports/columns.js';
import type { TableStore } from '../ports/table-store/port.js';
import type { Warehouse } from '../ports/warehouse/port.js';
import type { OpenLineageEvent } from './event.js';

export interface Journal {
  /** Appends events of a run that had `before` until now, exactly once however often it is asked. */
  append(runId: string, before: number, events: readonly OpenLineageEvent[]): Promise<void>;
  /** Everything that was ever appended, in no promised order. */
  events(): Promise<OpenLineageEvent[]>;
}

/** Its rows say what the other tables are made of: it is no asset itself. */
export const lineageTable = 'lineage';
const schema: Schema = [
  { name: 'run_id', type: 'text', nullable: false },
  { name: 'event', type: 'text', nullable: false },
];

export function journalInTables(tables: Pick<TableStore, 'create' | 'append' | 'snapshot' | 'scan'>): Journal {
  return {
    async append(runId, before, events) {
      if (before === 0) await tables.create(lineageTable, schema);
      await tables.append(lineageTable, rowsOf(runId, events), [{ appId: runId, version: before + events.length }]);
    },
    async events() {
      await tables.create(lineageTable, schema);
      return eventsOf(tables.scan(await tables.snapshot(lineageTable), { columns: ['event'] }));
    },
  };
}

export function journalInWarehouse(warehouse: Pick<Warehouse, 'createTable' | 'position' | 'stage' | 'scan'>): Journal {
  return {
    async append(runId, before, events) {
      if (before === 0) await warehouse.createTable(lineageTable, schema);
      const source = `lineage of ${runId}`;
      const from = await warehouse.position(source);
      // An append whose answer was lost finds itself.
      if ((from?.[0] ?? 0) > before) return;
      await warehouse.stage(lineageTable, rowsOf(runId, events), { source, from, to: [before + events.length] });
    },
    async events() {
      await warehouse.createTable(lineageTable, schema);
      return eventsOf(warehouse.scan(lineageTable, ['event']));
    },
  };
}

function rowsOf(runId: string, events: readonly OpenLineageEvent[]): ColumnBatch {
  const columns = { run_id: events.map(() => runId), event: events.map((event) => JSON.stringify(event)) };
  return { rows: events.length, columns };
}

async function eventsOf(batches: AsyncIterable<ColumnBatch>): Promise<OpenLineageEvent[]> {
  const events: OpenLineageEvent[] = [];
  for await (const { rows, columns } of batches) {
    const texts = columns.event as TextValues;
    for (let i = 0; i < rows; i++) events.push(JSON.parse(texts[i] as string) as OpenLineageEvent);
  }
  return events;
}
