/** `--fault KIND:field=value,...`: a fault in place of those that a suite has. */
import { UsageError } from './errors.js';
import type { Json } from './json.js';
import { nearest } from './nearest.js';
import { resolveParams } from './params.js';
import type { FaultKind, FaultPlan, FaultSpec, Scenario, Schedule } from './scenario.js';
import { faultKinds, faultOf, scheduleFields } from './suites/fault-defaults.js';
import { soonAfterMeasuring } from './suites/measured.js';

export interface FaultFlag {
  /** As it was typed. */
  readonly text: string;
  readonly fault: FaultSpec;
  readonly schedule: Readonly<Record<string, Json>>;
}

const scheduled = /^schedule\./;

/** Throws a UsageError that says what is wrong and what is allowed. */
export function parseFault(text: string): FaultFlag {
  const [, named = '', list = ''] = /^([^:]*):?(.*)$/s.exec(text) ?? [];
  const kind = faultKinds.find((one) => one === named);
  if (kind === undefined) {
    throw new UsageError(
      `there is no fault "${named}"; did you mean "${nearest(named, faultKinds)}"? Faults: ${faultKinds.join(', ')}`,
    );
  }
  const fields = list === '' ? [] : list.split(',').map((field) => parseField(kind, field));
  const fieldsOf = (isSchedule: boolean) => fields.filter(([name]) => scheduled.test(name) === isSchedule);
  return {
    text,
    fault: faultOf(kind, Object.fromEntries(fieldsOf(false))),
    schedule: Object.fromEntries(fieldsOf(true).map(([name, value]) => [name.replace(scheduled, ''), value])),
  };
}

/** The value as JSON; what is none is a word. */
function parseField(kind: FaultKind, field: string): [string, Json] {
  const [, name, value] = /^([^=]+)=(.+)$/s.exec(field) ?? [];
  if (name === undefined || value === undefined) {
    throw new UsageError(
      `--fault ${kind}: expected field=value, found "${field}". For example: --fault role-pause:role=serving,lastsUs=300000`,
    );
  }
  try {
    return [name, JSON.parse(value) as Json];
  } catch {
    return [name, value];
  }
}

/** When, in this scenario: once, soon after the measured window, unless the flag says otherwise. */
export function planFault({ fault, schedule }: FaultFlag, scenario: Scenario): FaultPlan {
  const kind = 'everyUs' in schedule ? 'every' : 'count' in schedule ? 'random' : 'once';
  const { afterUs, jitterUs } = soonAfterMeasuring(scenario);
  const given = { kind, afterUs, ...(kind === 'random' ? {} : { jitterUs }), ...schedule };
  return {
    ...fault,
    schedule: resolveParams(`${fault.kind}.schedule`, scheduleFields[kind], given) as Schedule & object,
  };
}
