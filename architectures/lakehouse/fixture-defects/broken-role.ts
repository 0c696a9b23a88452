/** The lakehouse with one thing broken, for the tests of the ledger: a role is given a context that is not sound. */
import type { Architecture, ArchitectureFactory, RoleContext } from '../../../harness/architecture.js';
import type { Ports } from '../../../harness/ports/ports.js';
import lakehouse from '../index.js';

/** The default export of a defect. `give` makes of a sound context one that has the defect. */
export function breakRole(
  role: string,
  name: string,
  give: (context: RoleContext) => RoleContext,
): ArchitectureFactory {
  return (params): Architecture => {
    const sound = lakehouse(params);
    return {
      ...sound,
      name,
      roles: sound.roles.map((own) => (own.name === role ? { ...own, run: (context) => own.run(give(context)) } : own)),
    };
  };
}

/** With one port in the place of another; ports are opened at their first use, which this does not hasten. */
export function withPort<Name extends keyof Ports>(
  context: RoleContext,
  name: Name,
  wrap: (port: Ports[Name]) => Partial<Ports[Name]>,
): RoleContext {
  const ports = Object.create(context.ports, {
    [name]: {
      configurable: true,
      get() {
        const port = context.ports[name];
        const wrapped = { ...port, ...wrap(port) };
        Object.defineProperty(ports, name, { value: wrapped });
        return wrapped;
      },
    },
  }) as Ports;
  return { ...context, ports };
}
