/**
 * Images that servers of the stack docker come in: those that their makers publish, pinned, and, where none can be pulled,
 * stand-ins that are made here of the programs of this machine, with the program at the same path.
 */
import { access, constants, cp, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HarnessError, messageOf } from '../errors.js';
import { containerLauncher } from '../processes/container-process.js';
import { containerRuntime } from '../processes/containers.js';
import { archiveClasses, archiveOf, kafka } from './kafka.js';
import {
  demand,
  type Found,
  isFound,
  type Missing,
  outputOf,
  type Recipe,
  type RunCommand,
  type ServerProgram,
} from './programs.js';
import { librariesOf, redis } from './redis.js';
import { toxiproxy } from './toxiproxy.js';
import { versitygw } from './versitygw.js';

export interface ServerImage {
  readonly program: ServerProgram<never>;
  readonly published: string;
  /** Made here. */
  readonly local: string;
  /** Of the program, in either. */
  readonly path: string;
  /** What a local one is made of. */
  contents(found: Found): Promise<readonly Laid[]>;
  /** What has to run in it once and leaves something in `root`, for it to be made again. */
  complete?(root: string): Promise<void>;
}

/** A file or a folder of this machine in an image. */
interface Laid {
  readonly from: string;
  readonly to: string;
}

const serverImages: readonly ServerImage[] = [
  {
    program: kafka,
    published: 'apache/kafka:4.1.1',
    local: 'planebench/kafka:4.1.1',
    path: '/opt/kafka/libs',
    contents: async ({ path }) => [
      { from: path, to: '/opt/kafka/libs' },
      { from: await findJavaHome(), to: '/opt/java/openjdk' },
    ],
    complete: (root) =>
      archiveClasses(
        '/opt/kafka/libs',
        ({ port, ...broker }, scratch) => {
          const label = scratch.watchContainers();
          return containerLauncher({ ...broker, image: 'planebench/kafka:4.1.1', ports: [port], label })(broker.origin);
        },
        { host: '0.0.0.0', to: join(root, archiveOf('/opt/kafka/libs')) },
      ),
  },
  {
    program: redis,
    published: 'redis:7.2.11',
    local: 'planebench/redis:7',
    path: '/usr/local/bin/redis-server',
    contents: async ({ path }) => [{ from: path, to: '/usr/local/bin/redis-server' }],
  },
  {
    program: versitygw,
    published: 'versity/versitygw:v1.8.0',
    local: 'planebench/versitygw:1.8.0',
    path: '/usr/local/bin/versitygw',
    contents: async ({ path }) => [{ from: path, to: '/usr/local/bin/versitygw' }],
  },
  {
    program: toxiproxy,
    published: 'ghcr.io/shopify/toxiproxy:2.12.0',
    local: 'planebench/toxiproxy:2.12.0',
    path: '/toxiproxy',
    contents: async ({ path }) => [{ from: path, to: '/toxiproxy' }],
  },
];

const programPath = '/opt/java/openjdk/bin:/usr/local/bin:/usr/bin:/bin';
export const imagesCommand = 'npm run stack:images';

export function imageOf(program: Pick<Recipe, 'name'>): ServerImage {
  const found = serverImages.find((image) => image.program.name === program.name);
  if (!found) throw new HarnessError(`${program.name} comes in no image`);
  return found;
}

/** Which of the two is there: nothing is pulled while a run waits. `path` is the name of the image. */
export async function findImage({ program, published, local }: ServerImage): Promise<Found | Missing> {
  const runtime = await containerRuntime().catch(() => null);
  if (runtime === null) {
    const where = process.env.DOCKER_HOST || 'unix:///var/run/docker.sock';
    const refused = await access(where.replace('unix://', ''), constants.W_OK).then(() => '', codeOf);
    if (refused === 'EACCES')
      return {
        missing: `You may not talk to the container daemon at ${where}.`,
        toGet: 'join its group: usermod -aG docker NAME, then sign in again',
      };
    return {
      missing: `No container daemon answers at ${where}.`,
      toGet: 'start one: systemctl start docker, or dockerd --ip 127.0.0.1; DOCKER_HOST says where else it is',
    };
  }
  const { ImageName } = await import('testcontainers');
  for (const path of [published, local]) {
    if (await runtime.image.exists(ImageName.fromString(path)))
      return { path, version: path.slice(path.lastIndexOf(':') + 1).replace(/^v/, '') };
  }
  return {
    missing: `The image of ${program.name} (${program.isFor}) is not on this machine: neither ${published} nor ${local}.`,
    toGet: imagesCommand,
  };
}

const codeOf = (error: NodeJS.ErrnoException) => error.code;

export async function demandImage(image: ServerImage): Promise<Found> {
  const found = await findImage(image);
  if (isFound(found)) return found;
  throw new HarnessError(`${found.missing} Get it: ${found.toGet}`);
}

/** What `npm run stack:images` gets, and `planebench doctor` looks for. */
export const imageRecipes: readonly Recipe[] = serverImages.map((image) => ({
  name: `image of ${image.program.name}`,
  isFor: `${image.program.isFor} of the stack docker`,
  find: () => findImage(image),
  async install(run) {
    const missing = await findImage(image);
    // Without a daemon there is nobody to give it to.
    if (!isFound(missing) && missing.toGet !== imagesCommand)
      throw new HarnessError(`${missing.missing} Get it: ${missing.toGet}`);
    const refused = await pull(image.published);
    if (refused === null) return;
    try {
      await build(image, run);
    } catch (error) {
      throw new HarnessError(
        `${image.published} cannot be pulled (${refused}), and ${image.local} cannot be made here: ${messageOf(error)}`,
      );
    }
  },
}));

/** Null: it is there. */
async function pull(name: string): Promise<string | null> {
  const [{ image }, { ImageName }] = [await containerRuntime(), await import('testcontainers')];
  const refused = await image.pull(ImageName.fromString(name)).then(() => null, messageOf);
  // A download that broke off is told by nothing else.
  return refused ?? ((await image.exists(ImageName.fromString(name))) ? null : 'its download broke off');
}

async function build({ program, local, contents, complete }: ServerImage, run: RunCommand): Promise<void> {
  if (process.platform !== 'linux')
    throw new HarnessError(`programs of ${process.platform} do not run in a container of Linux.`);
  const laid = await contents(await demand(program));
  const draft = await mkdtemp(join(tmpdir(), 'planebench-image-'));
  try {
    const root = join(draft, 'root');
    for (const folder of ['etc', 'proc', 'sys', 'dev']) await mkdir(join(root, folder), { recursive: true });
    await mkdir(join(root, 'tmp'), { mode: 0o1777 });
    await writeFile(join(root, 'etc', 'nsswitch.conf'), 'hosts: files dns\n');
    for (const { from, to } of [...laid, ...(await librariesNeeded(laid))]) await lay(from, join(root, to));
    const archive = join(draft, 'root.tar');
    await importImage(local, root, archive, run);
    if (!complete) return;
    const { dockerode } = (await containerRuntime()).container;
    const { Id } = await dockerode.getImage(local).inspect();
    try {
      await complete(root);
      await importImage(local, root, archive, run);
    } finally {
      await dockerode.getImage(Id).remove();
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function importImage(name: string, root: string, archive: string, run: RunCommand): Promise<void> {
  await run('tar', ['-C', root, '--owner=0', '--group=0', '--numeric-owner', '-cf', archive, '.']);
  const { dockerode } = (await containerRuntime()).container;
  const [repo, tag] = name.split(':') as [string, string];
  const answer = await dockerode.importImage(archive, { repo, tag, changes: `ENV PATH=${programPath}` });
  await new Promise((resolve, reject) => answer.resume().once('end', resolve).once('error', reject));
}

/** Of a Java that is there for whoever develops with it: nothing that runs. */
const unused = /\/(?:jmods|include|man|demo|legal|src\.zip|[^/]*\.diz)$/;

async function lay(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  // Links lead out of what is laid.
  await cp(from, to, {
    recursive: true,
    dereference: true,
    preserveTimestamps: true,
    filter: async (path) => !unused.test(path) && (await realpath(path).catch(() => null)) !== null,
  });
}

/** What the dynamic linker would load for them from outside, at the same paths. */
async function librariesNeeded(laid: readonly Laid[]): Promise<Laid[]> {
  const needed = new Set<string>();
  for (const { from } of laid) {
    const own = await realpath(from);
    for (const program of await programsIn(own)) {
      const printed = (await outputOf('ldd', [program], { ...process.env, ...librariesOf(process.env) })) ?? '';
      for (const [, , path = ''] of printed.matchAll(/(=>\s+|^\s+)(\/\S+)/gm))
        if (!path.startsWith(`${own}/`)) needed.add(path);
    }
  }
  return [...needed].map((path) => ({ from: path, to: onLibraryPath(path) }));
}

/** Those of Debian's packages that were unpacked lie where no linker looks. */
function onLibraryPath(path: string): string {
  return path.replace(/^.*(?=\/usr\/lib\/)/, '');
}

/** All of a folder that the dynamic linker may be asked to load, or the one file. */
async function programsIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true }).catch(() => null);
  if (entries === null) return [path];
  return entries.filter((name) => /(?:^|\/)(?:bin\/java|[^/]+\.so)$/.test(name)).map((name) => join(path, name));
}

async function findJavaHome(): Promise<string> {
  const printed = await outputOf('java', ['-XshowSettings:properties', '-version']);
  const home = /^\s*java\.home = (.+)$/m.exec(printed ?? '')?.[1];
  if (home === undefined) throw new HarnessError('java -XshowSettings:properties does not say where it is');
  return home;
}
