/** Changes as a foreign program reads them: the envelope and the decoded payload, as plain JSON. Nothing is judged here. */
import { type ChangeBatch, opNames, tableNames, viewBlock } from '../../workloads/change-batch.js';
import { contractRegistry, type Images } from '../../workloads/contracts/registry.js';
import { rowSchemas } from '../../workloads/contracts/schemas.js';

export interface PlainChange {
  readonly customer: number;
  readonly seq: number;
  readonly table: string;
  readonly op: string;
  readonly schemaVersion: number;
  readonly lsn: number;
  readonly commitUs: number;
  readonly emitUs: number;
  /** Null: written with a schema that the registry refused, or no record of its schema. */
  readonly payload: Images | null;
}

const registry = contractRegistry();
const readers = tableNames.map((table) => rowSchemas[table].map((_, index) => registry.reader(table, index + 1)));

/** Per table, the schema versions that the registry accepted. */
export function acceptedVersions(): Record<string, number[]> {
  const accepted = tableNames.map((table, code) => [
    table,
    (readers[code] ?? []).flatMap((reader, index) => (reader === null ? [] : [index + 1])),
  ]);
  return Object.fromEntries(accepted);
}

export function plainChanges(block: Uint8Array): PlainChange[] {
  const batch = viewBlock(block);
  const payloads = Buffer.from(batch.payloads.buffer, batch.payloads.byteOffset, batch.payloads.byteLength);
  return Array.from({ length: batch.count }, (_, i) => ({
    customer: batch.customer[i] as number,
    seq: batch.seq[i] as number,
    table: tableNames[batch.table[i] as number] ?? `table ${batch.table[i]}`,
    op: opNames[batch.op[i] as number] ?? `op ${batch.op[i]}`,
    schemaVersion: batch.schemaVersion[i] as number,
    lsn: batch.lsn[i] as number,
    commitUs: batch.commitUs[i] as number,
    emitUs: batch.emitUs[i] as number,
    payload: decode(batch, payloads, i),
  }));
}

function decode(batch: ChangeBatch, payloads: Buffer, i: number): Images | null {
  const reader = readers[batch.table[i] as number]?.[(batch.schemaVersion[i] as number) - 1];
  const start = i === 0 ? 0 : (batch.payloadEnd[i - 1] as number);
  try {
    const read = reader?.read(payloads, start);
    return read && read.offset === batch.payloadEnd[i] ? read.value : null;
  } catch {
    return null;
  }
}
