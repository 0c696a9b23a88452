/** The rules of the house, as tests: who may import whom, the only doors to time and chance, a lock file that installs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectDirectory } from './testbed.js';

const folders = ['harness', 'architectures', 'workloads', 'faults', 'reports'];

interface Source {
  /** Relative to the project, with slashes. */
  readonly path: string;
  readonly text: string;
  /** What it imports from the project, as paths of the same kind. */
  readonly imports: readonly { readonly path: string; readonly typeOnly: boolean }[];
}

const sources: readonly Source[] = folders.flatMap((folder) => readSources(join(projectDirectory, folder)));

function readSources(directory: string): Source[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return readSources(path);
    if (!entry.name.endsWith('.ts')) return [];
    const text = readFileSync(path, 'utf8');
    return [{ path: relative(projectDirectory, path).replaceAll('\\', '/'), text, imports: readImports(path, text) }];
  });
}

function readImports(path: string, text: string): Source['imports'] {
  const found = [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)(\s+type)?\s[^;]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/g),
  ];
  return found.map(([, typeOnly, from, dynamic]) => ({
    path: relative(projectDirectory, resolve(dirname(path), (from ?? dynamic) as string))
      .replaceAll('\\', '/')
      .replace(/\.js$/, '.ts'),
    typeOnly: typeOnly !== undefined,
  }));
}

/** Imports of files under `from` that go to a path for which `forbidden` holds. */
function violations(from: RegExp, forbidden: (path: string, source: Source) => boolean): string[] {
  return sources
    .filter(({ path }) => from.test(path))
    .flatMap((source) =>
      source.imports.filter(({ path }) => forbidden(path, source)).map(({ path }) => `${source.path} imports ${path}`),
    );
}

const isTest = (path: string) => /\.(test|bench)\.ts$|\/contract\.ts$|fixture/.test(path);

describe('who may import whom', () => {
  it('sees the sources at all', () => {
    expect(sources.length).toBeGreaterThan(40);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(100);
    expect(
      sources.flatMap(({ imports }) => imports).filter(({ path }) => !existsSync(join(projectDirectory, path))),
    ).toEqual([]);
  });

  it('statistics import nothing of ours but chance', () => {
    expect(
      violations(
        /^harness\/statistics\//,
        (path, source) =>
          !path.startsWith('harness/statistics/') && !(path === 'harness/random.ts') && !isTest(source.path),
      ),
    ).toEqual([]);
  });

  it('architectures import interfaces, ports and the data contract, never each other, measures or reports', () => {
    const allowed =
      /^(workloads\/|harness\/(architecture|params|clock|random|json|errors)\.ts|harness\/processes\/answers\.ts|harness\/lineage\/(downstream|event|journal|recorder|table-jobs)\.ts|harness\/ports\/[^/]+\/port\.ts|harness\/ports\/table-store\/pages\.ts|harness\/ports\/(columns|ports|retries|register|served-(state|time)|circuit|fence)\.ts)/;
    expect(
      violations(/^architectures\//, (path, source) => {
        const own = source.path.split('/').slice(0, 2).join('/');
        return !path.startsWith(`${own}/`) && !allowed.test(path) && !isTest(source.path);
      }),
    ).toEqual([]);
  });

  it('architectures never import each other, not even in their tests', () => {
    const folderOf = (path: string) => /^architectures\/[^/]+\//.exec(path)?.[0];
    expect(
      violations(
        /^architectures\/[^/]+\//,
        (path, source) => folderOf(path) !== undefined && folderOf(path) !== folderOf(source.path),
      ),
    ).toEqual([]);
  });

  it('workloads import clock, chance, value types and DuckDB only', () => {
    const allowed =
      /^(workloads\/|harness\/(random|clock|json|errors)\.ts|harness\/ports\/(columns|duckdb|duckdb-columns)\.ts)/;
    expect(violations(/^workloads\//, (path, source) => !allowed.test(path) && !isTest(source.path))).toEqual([]);
  });

  it('faults import the fault interface only', () => {
    expect(
      violations(
        /^faults\//,
        (path, source) => !/^(faults\/|harness\/(fault|clock|errors)\.ts)/.test(path) && !isTest(source.path),
      ),
    ).toEqual([]);
  });

  it('reports import nothing of the harness', () => {
    expect(violations(/^reports\//, (path) => !path.startsWith('reports/'))).toEqual([]);
  });

  it('measures and statistics never reach the processes, stacks, ports or plug-ins', () => {
    const forbidden = /^(architectures|faults)\/|^harness\/(processes|stacks|ports|load)\//;
    expect(
      violations(/^harness\/(measures|statistics)\//, (path, source) => forbidden.test(path) && !isTest(source.path)),
    ).toEqual([]);
  });

  it('the oracle shares no code with a plane', () => {
    expect(
      violations(/^harness\/ledger\//, (path) => /^architectures\/|^harness\/ports\/warehouse\//.test(path)),
    ).toEqual([]);
  });

  it('no module imports itself by a detour of values', () => {
    expect(findCycle()).toBeNull();
  });
});

/** A cycle of value imports, as a list of files; imports of types alone are erased and may go round. */
function findCycle(): string[] | null {
  const graph = new Map(
    sources.map(({ path, imports }) => [path, imports.filter(({ typeOnly }) => !typeOnly).map((found) => found.path)]),
  );
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return null;
    for (const next of graph.get(path) ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle) return cycle;
    }
    done.add(path);
    return null;
  };
  for (const path of graph.keys()) {
    const cycle = visit(path, []);
    if (cycle) return cycle;
  }
  return null;
}

describe('the only doors to time and chance', () => {
  const banned = /\b(?:Date\.now|new Date\(|performance\.now|process\.hrtime|Math\.random|setTimeout|setInterval)/;
  // The guard of simulations names them to refuse them, and its tests try them.
  const doors = [
    'harness/clock.ts',
    'harness/random.ts',
    'harness/simulation/guard.ts',
    'harness/simulation/guard.test.ts',
    'harness/simulation/cheats.test.ts',
    'harness/simulation/fixture-clock-reader.ts',
    'harness/tidy.test.ts',
  ];

  it.each(sources.filter(({ path }) => !doors.includes(path)).map(({ path, text }) => [path, text] as const))(
    '%s',
    (_, text) => {
      const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
      expect(code.split('\n').filter((line) => banned.test(line))).toEqual([]);
    },
  );
});

describe('names', () => {
  it('no file is a drawer', () => {
    expect(
      sources
        .map(({ path }) => path)
        .filter((path) => /(^|\/)(utils?|helpers?|common|types|misc|core|lib|src)(\.ts$|\/)/.test(path)),
    ).toEqual([]);
  });
});

describe('the lock file', () => {
  it('has a version for every entry, so that npm ci works', () => {
    const lock = JSON.parse(readFileSync(join(projectDirectory, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version?: string; link?: boolean }>;
    };
    const entries = Object.entries(lock.packages).filter(([path]) => path !== '');
    expect(entries.length).toBeGreaterThan(100);
    expect(entries.filter(([, { version, link }]) => !version && !link).map(([path]) => path)).toEqual([]);
  });

  it('pins exact versions', () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(projectDirectory, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>;
    expect(
      Object.entries({ ...dependencies, ...devDependencies }).filter(([, version]) => !/^\d/.test(version)),
    ).toEqual([]);
  });
});
