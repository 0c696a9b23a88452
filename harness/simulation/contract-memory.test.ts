import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { viewBlock } from '../../workloads/change-batch.js';
import { createContract, type DecodedBatch } from '../../workloads/data-contract.js';
import { secondUs } from '../../workloads/durations.js';
import { smallWorkload } from '../../workloads/fixture-workload.js';
import { readEntries } from '../../workloads/trace.js';
import { generateTrace } from '../../workloads/trace-generation.js';
import { createContractMemory } from './contract-memory.js';

const workload = smallWorkload({ customers: 50, lullUs: 0 });
const blocks: Uint8Array[] = [];
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'contract-memory-'));
  await generateTrace({ workload, seed: 3, epochUs: 1_768_478_400 * secondUs, durationUs: 3 * secondUs, directory });
  for await (const { block } of readEntries(directory)) blocks.push(block.slice());
});
afterAll(() => rm(directory, { recursive: true }));

/** What a role may read of it, apart from the memory that the next call uses again. */
function told({ count, ...columns }: DecodedBatch) {
  return Object.fromEntries(
    Object.entries(columns).map(([name, values]) => [name, Array.from<unknown>(values.slice(0, count))]),
  );
}

describe('the memory of contracts', () => {
  it('tells each role of each plane what the contract says, every kind of dirt included', () => {
    const plain = createContract(workload.contract);
    const memory = createContractMemory();
    const said = blocks.map((block) => told(plain.decode(viewBlock(block))));
    expect(new Set(said.flatMap(({ refusal }) => refusal)).size).toBeGreaterThan(3);
    expect(said.flatMap(({ emailToken }) => emailToken).some((token) => token !== null)).toBe(true);
    for (const _role of ['the first, which decodes', 'the second, which is told', 'the third']) {
      const contract = memory.contractOf(workload.contract);
      expect(blocks.map((block) => told(contract.decode(viewBlock(block))))).toEqual(said);
      expect(contract.tokenise('ada@example.org')).toBe(plain.tokenise('ada@example.org'));
    }
  });

  it('takes other bytes behind the same first LSN for what they are', () => {
    const memory = createContractMemory();
    const block = blocks.find((candidate) => viewBlock(candidate).count > 1)!;
    const sound = told(memory.contractOf(workload.contract).decode(viewBlock(block)));
    const broken = block.slice();
    viewBlock(broken).customer[0] = workload.contract.customers;
    const decoded = memory.contractOf(workload.contract).decode(viewBlock(broken));
    expect(told(decoded)).toEqual(told(createContract(workload.contract).decode(viewBlock(broken))));
    expect(told(decoded)).not.toEqual(sound);
  });

  it('keeps to itself what a role does to its columns, or to the block', () => {
    const memory = createContractMemory();
    const block = blocks[0]!.slice();
    const first = memory.contractOf(workload.contract).decode(viewBlock(block));
    const sound = told(first);
    first.entity.fill(-7);
    memory.contractOf(workload.contract).decode(viewBlock(block)).entity.fill(-7);
    expect(told(memory.contractOf(workload.contract).decode(viewBlock(block)))).toEqual(sound);
    block.fill(255, 16);
    expect(told(memory.contractOf(workload.contract).decode(viewBlock(blocks[0]!)))).toEqual(sound);
  });

  it('does not answer a contract by what another said', () => {
    const memory = createContractMemory();
    for (const block of blocks) memory.contractOf(workload.contract).decode(viewBlock(block));
    const strict = { ...workload.contract, allowedLatenessUs: 1, tokenKey: '0f'.repeat(16) };
    const contract = memory.contractOf(strict);
    const plain = createContract(strict);
    for (const block of blocks)
      expect(told(contract.decode(viewBlock(block)))).toEqual(told(plain.decode(viewBlock(block))));
    expect(contract.tokenise('ada@example.org')).toBe(plain.tokenise('ada@example.org'));
  });
});
