/** What programs of others run on, or are built by: of the machine, never installed by us. */
import { type Found, type Missing, onPath, outputOf, type Recipe } from './programs.js';

export type Runtime = Pick<Recipe, 'name' | 'isFor' | 'find'>;

/** The first number of the version that the program prints, with all that follows it. */
async function findVersion(name: string, args: readonly string[], toGet: string): Promise<Found | Missing> {
  const path = await onPath(name);
  if (path === null) return { missing: `there is no ${name} on PATH.`, toGet };
  const printed = (await outputOf(path, args)) ?? '';
  const version = /\d+(?:\.\d+)*/.exec(printed)?.[0];
  if (version === undefined) return { missing: `${path} ${args.join(' ')} names no version.`, toGet };
  return { path, version };
}

const java: Runtime = {
  name: 'java',
  isFor: 'Kafka, 17 or newer',
  find: () =>
    findVersion('java', ['-version'], 'install it: https://adoptium.net, or apt-get install openjdk-17-jre-headless'),
};

const maven: Runtime = {
  name: 'mvn',
  isFor: 'fetches Kafka',
  find: () =>
    findVersion('mvn', ['--version'], 'install it: https://maven.apache.org/install.html, or apt-get install maven'),
};

const go: Runtime = {
  name: 'go',
  isFor: 'builds versitygw and Toxiproxy, 1.25 or newer',
  find: () => findVersion('go', ['version'], 'install it: https://go.dev/doc/install'),
};

/** A client alone runs nothing: the daemon is asked, and which of the images that servers come in are there. */
const docker: Runtime = {
  name: 'docker',
  isFor: 'servers in containers',
  async find() {
    const client = await findVersion('docker', ['--version'], 'install it: https://docs.docker.com/engine/install');
    if (!('path' in client)) return client;
    const daemon = (await outputOf(client.path, ['version', '--format', '{{.Server.Version}}']))?.trim();
    if (!daemon) {
      return {
        missing: `${client.path} ${client.version} is only the client: no daemon answers it.`,
        toGet: 'start one: systemctl start docker, or dockerd --ip 127.0.0.1; DOCKER_HOST says where else it is',
      };
    }
    const listed = (await outputOf(client.path, ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'])) ?? '';
    const images = listed.split('\n').filter((image) => /kafka|redis|toxiproxy|versitygw|postgres/.test(image));
    return {
      path: client.path,
      version: `${daemon}, images: ${images.length > 0 ? images.join(', ') : 'none of servers'}`,
    };
  },
};

export const runtimes: readonly Runtime[] = [java, maven, go, docker];
