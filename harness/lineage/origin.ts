/** Where what a process writes comes from: a run of some code, in an environment, with a configuration. */
import { createHash } from 'node:crypto';
import type { ContractParams } from '../../workloads/data-contract.js';
import type { Json } from '../json.js';
import type { Random } from '../random.js';

/** Handed to every role by the harness: a role reads no git and no lock file. */
export interface Origin {
  readonly architecture: string;
  readonly role: string;
  /** Of this process: a role that is started again is another run. */
  readonly runId: string;
  readonly build: Build;
  readonly configurationSha256: string;
}

/** One execution of a job that a role was asked for: a run of its own, a child of the role's. */
export interface JobOrigin extends Origin {
  readonly job: string;
  readonly parentRunId: string;
}

export interface Build {
  /** Null: the code is in no git repository. */
  readonly commit: string | null;
  readonly dirty: boolean | null;
  readonly node: string;
  /** Of the lock file, which pins every package. */
  readonly lockFileSha256: string | null;
}

/** The same on every machine, as everything of a simulation is. */
export const simulatedBuild: Build = {
  commit: '0'.repeat(40),
  dirty: false,
  node: 'simulated',
  lockFileSha256: '0'.repeat(64),
};

/** A UUID of version 4 (RFC 9562) from the run's own seed. */
export function drawRunId(random: Random): string {
  const digits = Array.from({ length: 32 }, () => random.below(16));
  digits[12] = 4;
  digits[16] = 8 + ((digits[16] as number) % 4);
  return dashed(digits.map((digit) => digit.toString(16)).join(''));
}

function dashed(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The `number`th job of the run of a role: a UUID of version 5 (RFC 9562), whose name space is that run. */
export function jobOrigin(origin: Origin, job: string, number: number): JobOrigin {
  const space = Buffer.from(origin.runId.replaceAll('-', ''), 'hex');
  const bytes = createHash('sha1').update(space).update(String(number)).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return { ...origin, runId: dashed(bytes.toString('hex')), job, parentRunId: origin.runId };
}

/** Of the resolved parameters of a plane and the data contract, whatever the order of their names. */
export function hashConfiguration(params: Json, contract: ContractParams): string {
  const sorted = (_: string, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return createHash('sha256').update(JSON.stringify({ params, contract }, sorted)).digest('hex');
}
