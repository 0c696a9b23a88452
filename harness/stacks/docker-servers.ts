/** Kafka, Redis and an S3 server in containers of this machine's daemon. */
import { UsageError } from '../errors.js';
import { demandImage, findImage, imageOf } from '../servers/images.js';
import { isFound } from '../servers/programs.js';
import { containedServer } from './own-servers.js';
import { realServers, type StackOptions, startRealServers } from './real-servers.js';
import type { Stack } from './stack.js';

/** Before anything is started: whether there is a daemon, and which images are missing. */
export async function demandContainers(): Promise<void> {
  const found = await Promise.all(realServers.map(async (program) => findImage(imageOf(program))));
  const missing = found.flatMap((image) => (isFound(image) ? [] : [`${image.missing} Get it: ${image.toGet}`]));
  // Without a daemon, of all of them the same is missing.
  if (missing.length > 0)
    throw new UsageError(`the stack docker cannot be started here.\n${[...new Set(missing)].join('\n')}`);
}

export function startDocker(options: StackOptions): Promise<Stack> {
  const { supervisor } = options;
  return startRealServers(
    {
      stack: 'docker',
      listenOn: '0.0.0.0',
      async find(program) {
        const image = imageOf(program);
        return { path: image.path, version: (await demandImage(image)).path };
      },
      async start(spec, program, ports) {
        const { path: image } = await demandImage(imageOf(program));
        await supervisor.startContainer({ ...spec, image, ports, kind: 'server', restart: true });
      },
      serverOf: containedServer,
    },
    options,
  );
}
