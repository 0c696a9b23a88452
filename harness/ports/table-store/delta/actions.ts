/** The actions of a Delta log, as far as tables of reader version 1 and writer version 2 have them, and their JSON. */
export type Action =
  | { readonly commitInfo: CommitInfo }
  | { readonly protocol: Protocol }
  | { readonly metaData: MetaData }
  | { readonly add: AddFile }
  | { readonly remove: RemoveFile }
  | { readonly txn: SetTransaction };

/** Commit provenance: for people and tools, never for the state of the table. */
export interface CommitInfo {
  /** Milliseconds since the epoch, event time, as all times here. */
  readonly timestamp: number;
  readonly operation: string;
  readonly operationParameters: Readonly<Record<string, string>>;
  readonly isBlindAppend: boolean;
  readonly engineInfo: string;
}

export interface Protocol {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
}

export interface MetaData {
  readonly id: string;
  /** For people: what another writer said of the table is kept. */
  readonly name?: string;
  readonly description?: string;
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> };
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly createdTime?: number;
}

export interface AddFile {
  /** Relative to the table, percent-encoded. */
  readonly path: string;
  /** Null and an empty text are null; see ../layout.ts. */
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly size: number;
  readonly modificationTime: number;
  /** False: the same rows were in the table before, in other files. */
  readonly dataChange: boolean;
  /** JSON, see statistics.ts. */
  readonly stats?: string | null;
  readonly tags?: Readonly<Record<string, string>> | null;
}

export interface RemoveFile {
  readonly path: string;
  readonly deletionTimestamp?: number;
  readonly dataChange: boolean;
  readonly extendedFileMetadata?: boolean;
  readonly partitionValues?: Readonly<Record<string, string | null>>;
  readonly size?: number;
}

export interface SetTransaction {
  readonly appId: string;
  readonly version: number;
  readonly lastUpdated?: number;
}

export function encodeActions(actions: readonly Action[]): string {
  return `${actions.map((action) => JSON.stringify(action)).join('\n')}\n`;
}

/** Throws if a line is no action; says which. */
export function decodeActions(text: string): Action[] {
  if (text === '') throw new Error('it is empty');
  const actions: Action[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const action = parseLine(line);
    if (!isAction(action)) throw new Error(`line ${i + 1} is no action: ${line.slice(0, 80)}`);
    actions.push(action);
  }
  return actions;
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** What a state is made of must be there. Kinds of action that this store does not know are let through. */
function isAction(value: unknown): value is Action {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([kind, fields]) => {
    const needed = neededFields[kind];
    return (
      !needed ||
      (Object.entries(needed).every(([field, type]) => typeof fields?.[field] === type) &&
        jsonFields.every((field) => fields[field] === undefined || isJsonObject(fields[field])))
    );
  });
}

/** Fields that hold JSON as text, in whichever action they are. */
const jsonFields = ['stats', 'schemaString'];

function isJsonObject(text: unknown): boolean {
  const value = typeof text === 'string' ? parseLine(text) : null;
  return typeof value === 'object' && value !== null;
}

const neededFields: Readonly<Record<string, Readonly<Record<string, 'string' | 'number' | 'object'>>>> = {
  protocol: { minReaderVersion: 'number', minWriterVersion: 'number' },
  metaData: { id: 'string', schemaString: 'string', partitionColumns: 'object', configuration: 'object' },
  add: { path: 'string', size: 'number', partitionValues: 'object' },
  remove: { path: 'string' },
  txn: { appId: 'string', version: 'number' },
};

export function commitInfo(
  nowUs: number,
  operation: string,
  operationParameters: Readonly<Record<string, string>>,
  isBlindAppend = false,
): Action {
  const timestamp = Math.floor(nowUs / 1000);
  return { commitInfo: { timestamp, operation, operationParameters, isBlindAppend, engineInfo: 'planebench' } };
}

export function setTransaction(nowUs: number, appId: string, version: number): Action {
  return { txn: { appId, version, lastUpdated: Math.floor(nowUs / 1000) } };
}
