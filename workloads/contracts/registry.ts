/**
 * A small schema registry. A version is accepted if it and every accepted version before it can read each other
 * ("full transitive" compatibility in the words of Confluent's registry), by Avro's rules of schema resolution:
 * https://avro.apache.org/docs/1.11.1/specification/#schema-resolution
 */
import avro, { type Type, type types } from 'avsc';
import { type TableName, tableNames } from '../change-batch.js';
import { changeOf, type RowSchema, readFields, rowSchemas } from './schemas.js';

export type Registration = { readonly accepted: true } | { readonly accepted: false; readonly reason: string };

export interface Registry {
  /** Registers the next version of a table's rows; versions are numbered from 1, whether accepted or not. */
  register(table: TableName, row: RowSchema): Registration;
  /** What was decided about a version; a version never registered is not accepted. */
  verdict(table: TableName, version: number): Registration;
  /** Reads payloads of an accepted version as what the contract needs of them; null for any other version. */
  reader(table: TableName, version: number): ChangeReader | null;
}

/** A decoder of `{ before, after }`, with the fields of `readFields` only. */
export interface ChangeReader {
  /** Throws, or returns another offset than the payload's end, if the payload is none of its schema. */
  read(payloads: Buffer, at: number): { readonly value: Images; readonly offset: number };
}

export type Image = Readonly<Record<string, number | string>>;
export interface Images {
  readonly before: Image | null;
  readonly after: Image | null;
}

interface Version {
  readonly row: RowSchema;
  readonly type: types.RecordType;
  readonly registration: Registration;
}

export function createRegistry(): Registry {
  const versions: Record<TableName, Version[]> = { orders: [], clicks: [], devices: [], customers: [] };

  const verdict = (table: TableName, version: number): Registration =>
    versions[table][version - 1]?.registration ?? {
      accepted: false,
      reason: `${table} version ${version} is not registered`,
    };

  return {
    register(table, row) {
      const known = versions[table];
      const type = avro.Type.forSchema(row) as types.RecordType;
      const registration = compare(table, type, known);
      known.push({ row, type, registration });
      return registration;
    },
    verdict,
    reader(table, version) {
      if (!verdict(table, version).accepted) return null;
      const written = (versions[table][version - 1] as Version).row;
      const wanted = { ...written, fields: written.fields.filter((field) => readFields[table].includes(field.name)) };
      const writer = avro.Type.forSchema(changeOf(written));
      const reader = avro.Type.forSchema(changeOf(wanted));
      const resolver = reader.createResolver(writer);
      return { read: (payloads, at) => reader.decode(payloads, at, resolver) };
    },
  };
}

/** A registry that was offered every version of rowSchemas. */
export function contractRegistry(): Registry {
  const registry = createRegistry();
  for (const table of tableNames) for (const row of rowSchemas[table]) registry.register(table, row);
  return registry;
}

function compare(table: TableName, candidate: types.RecordType, known: readonly Version[]): Registration {
  for (const [index, { type, registration }] of known.entries()) {
    if (!registration.accepted) continue;
    const conflict = conflictBetween(candidate, type) ?? conflictBetween(type, candidate);
    if (conflict)
      return {
        accepted: false,
        reason: `${table} version ${known.length + 1} is incompatible with version ${index + 1}: ${conflict}`,
      };
  }
  return { accepted: true };
}

/** Why `reader` cannot read what `writer` wrote, naming the field where one is to blame; null if it can. */
function conflictBetween(reader: types.RecordType, writer: types.RecordType): string | null {
  for (const field of reader.fields) {
    const written = writer.field(field.name) as { readonly type: Type } | undefined;
    const reason = written && resolutionError(field.type, written.type);
    if (reason) return `field ${field.name}: ${reason}`;
  }
  return resolutionError(reader, writer);
}

function resolutionError(reader: Type, writer: Type): string | null {
  try {
    reader.createResolver(writer);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
