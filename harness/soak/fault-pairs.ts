/** What can be done to a plane while it works, one injury at a time or two: each in the forms that differ in kind. */
import { secondUs } from '../../workloads/durations.js';
import type { PortName } from '../ports/ports.js';
import type { FaultSpec } from '../scenario.js';

export interface Injurable {
  readonly roles: readonly string[];
  /** Those that it uses while there is load. */
  readonly ports: readonly PortName[];
}

const hourUs = 3600 * secondUs;
/** Longer than every time-out. */
export const longPauseUs = 15 * secondUs;

export function injuriesOf({ roles, ports }: Injurable): FaultSpec[] {
  return [
    ...roles.flatMap((role): FaultSpec[] => [
      { kind: 'role-crash', role },
      { kind: 'crash-loop', role, lastsUs: 3 * secondUs },
      { kind: 'role-pause', role, lastsUs: 0.3 * secondUs },
      { kind: 'role-pause', role, lastsUs: longPauseUs },
      ...[hourUs, -hourUs, 10 * secondUs].map(
        (byUs): FaultSpec => ({ kind: 'clock-jump', role, byUs, lastsUs: 2 * secondUs }),
      ),
    ]),
    ...[secondUs, 5 * secondUs].flatMap((lastsUs): FaultSpec[] => [
      { kind: 'change-log-outage', lastsUs },
      ...(ports.includes('onlineStore') ? [{ kind: 'online-store-outage', lastsUs } as const] : []),
      { kind: 'table-store-outage', lastsUs },
    ]),
    { kind: 'full-disk', lastsUs: 2 * secondUs },
    ...ports.flatMap((port): FaultSpec[] => [
      { kind: 'slow-port', port, latencyUs: 50_000, jitterUs: 150_000, lastsUs: 2 * secondUs },
      { kind: 'failing-port', port, errorPpm: 300_000, lastsUs: 5 * secondUs },
    ]),
  ];
}

export function nameOf(spec: FaultSpec): string {
  const { kind, ...how } = spec;
  return [kind, ...Object.values(how).map((value) => (typeof value === 'number' ? value / secondUs : value))].join(' ');
}

export const kills = ({ kind }: FaultSpec) => kind === 'role-crash' || kind === 'crash-loop';

/** Two that are told apart: of one role, nobody is killed while the other fault has killed it already. */
export function pairsOf(specs: readonly FaultSpec[]): [FaultSpec, FaultSpec][] {
  const roleOf = (spec: FaultSpec) => ('role' in spec ? spec.role : undefined);
  return specs.flatMap((one, i) =>
    specs
      .slice(i + 1)
      .filter((other) => !(kills(one) && kills(other) && roleOf(one) === roleOf(other)))
      .map((other): [FaultSpec, FaultSpec] => [one, other]),
  );
}
