/** Which role a fault strikes. */
import type { ArchitectureDescription, Support } from '../harness/fault.js';

export function roleOf({ roles }: ArchitectureDescription, named: string | undefined): Support {
  const role = named === undefined ? roles.find(({ ingests }) => ingests) : roles.find(({ name }) => name === named);
  if (role) return { target: role.name };
  return {
    notApplicable: named === undefined ? 'no role of the plane takes changes in' : `the plane has no role ${named}`,
  };
}
