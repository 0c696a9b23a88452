/**
 * What the contracts of one trace have decoded and tokenised: the roles of planes that are simulated one after the other
 * read the same bytes, and decoding them anew for each took a twentieth of a simulation. Only the very same bytes are
 * recognised, and no role is given what another can change.
 */
import type { ChangeBatch } from '../../workloads/change-batch.js';
import { type Columns, columnsFor } from '../../workloads/contracts/decoder.js';
import {
  type ContractParams,
  createContract,
  type DataContract,
  type DecodedBatch,
} from '../../workloads/data-contract.js';

export interface ContractMemory {
  contractOf(params: ContractParams): DataContract;
}

/** For contracts of the same parameters. */
interface Remembered {
  /** By the LSN of their first change. */
  readonly blocks: Map<number, DecodedBlock>;
  readonly tokens: Map<string, string>;
  /** What is left of the page that was begun last. */
  page: SharedArrayBuffer;
  filled: number;
}

/** In its page: the numbers, one column after the other as `numberColumns` lists them, then the bytes of the block. */
interface DecodedBlock {
  readonly page: SharedArrayBuffer;
  readonly from: number;
  readonly bytes: number;
  /** Of changes that have any: the number of the change, the token of its e-mail and of its phone. */
  readonly tokens: readonly (readonly [number, string | null, string | null])[];
}

const numberColumns = [
  'refusal',
  'entity',
  'eventUs',
  'amountCents',
  'category',
  'risk',
  'beforeEventUs',
  'beforeAmountCents',
  'beforeCategory',
] as const satisfies readonly (keyof DecodedBatch)[];

/** Pages, and shared ones, for the reason that server-memory.ts gives: few and uncounted. */
const pageBytes = 1 << 22;

export function createContractMemory(): ContractMemory {
  const remembered = new Map<string, Remembered>();
  return {
    contractOf(params) {
      const key = JSON.stringify(params);
      const known = remembered.get(key) ?? nothing();
      remembered.set(key, known);
      const contract = createContract(params);
      let columns = columnsFor(0);
      return {
        ...contract,
        decode(batch) {
          const block = find(known, batch);
          if (block === null) {
            const decoded = contract.decode(batch);
            keep(known, batch, decoded);
            return decoded;
          }
          columns = columnsFor(batch.count, columns);
          copyInto(columns, block);
          return columns;
        },
        tokenise(personal) {
          const token = known.tokens.get(personal) ?? contract.tokenise(personal);
          known.tokens.set(personal, token);
          return token;
        },
      };
    },
  };
}

function nothing(): Remembered {
  return { blocks: new Map(), tokens: new Map(), page: new SharedArrayBuffer(0), filled: 0 };
}

function find({ blocks }: Remembered, batch: ChangeBatch): DecodedBlock | null {
  const block = blocks.get(batch.lsn[0] as number);
  if (!block) return null;
  const bytes = bytesOf(batch);
  if (bytes.length !== block.bytes) return null;
  const from = block.from + numberBytes(batch.count);
  return Buffer.compare(new Uint8Array(block.page, from, block.bytes), bytes) === 0 ? block : null;
}

/** All of a block but its header, which follows from it. */
function bytesOf({ emitUs, payloads }: ChangeBatch): Uint8Array {
  const end = payloads.byteOffset + payloads.byteLength;
  return new Uint8Array(payloads.buffer, emitUs.byteOffset, end - emitUs.byteOffset);
}

const numberBytes = (count: number) => numberColumns.length * Float64Array.BYTES_PER_ELEMENT * count;

function keep(known: Remembered, batch: ChangeBatch, decoded: DecodedBatch): void {
  const { count } = decoded;
  const bytes = bytesOf(batch);
  const needed = numberBytes(count) + ((bytes.length + 7) & ~7);
  if (known.filled + needed > known.page.byteLength) {
    known.page = new SharedArrayBuffer(Math.max(pageBytes, needed));
    known.filled = 0;
  }
  const { page, filled: from } = known;
  known.filled += needed;
  const numbers = new Float64Array(page, from, numberColumns.length * count);
  for (const [i, name] of numberColumns.entries()) numbers.set(decoded[name].subarray(0, count), i * count);
  new Uint8Array(page, from + numberBytes(count), bytes.length).set(bytes);
  const tokens: [number, string | null, string | null][] = [];
  for (let i = 0; i < count; i++) {
    const email = decoded.emailToken[i] ?? null;
    const phone = decoded.phoneToken[i] ?? null;
    if (email !== null || phone !== null) tokens.push([i, email, phone]);
  }
  known.blocks.set(batch.lsn[0] as number, { page, from, bytes: bytes.length, tokens });
}

/** As many changes as the columns count. */
function copyInto(columns: Columns, { page, from, tokens }: DecodedBlock): void {
  const { count } = columns;
  const numbers = new Float64Array(page, from, numberColumns.length * count);
  for (const [i, name] of numberColumns.entries()) columns[name].set(numbers.subarray(i * count, (i + 1) * count));
  for (const [i, email, phone] of tokens) {
    columns.emailToken[i] = email;
    columns.phoneToken[i] = phone;
  }
}
