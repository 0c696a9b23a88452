/** The proxy that faults on the wire are injected by: Toxiproxy (https://github.com/Shopify/toxiproxy). */
import { mkdir } from 'node:fs/promises';
import { Toxiproxy } from 'toxiproxy-node-client';
import { goProgram, type ServerProgram } from './programs.js';

export interface ToxiproxySettings {
  readonly directory: string;
  /** Of its API; its proxies have ports of their own. */
  readonly port: number;
}

const version = '2.12.0';

export const toxiproxy: ServerProgram<ToxiproxySettings> = {
  ...goProgram({
    name: 'toxiproxy-server',
    isFor: 'faults on the wire',
    package: 'github.com/Shopify/toxiproxy/v2/cmd/server',
    version,
    needsGo: '1.23',
    linkerFlags: `-X github.com/Shopify/toxiproxy/v2.Version=${version}`,
  }),
  async prepare({ path }, { directory, port }) {
    await mkdir(directory, { recursive: true });
    return {
      command: path,
      args: ['-host', '127.0.0.1', '-port', String(port)],
      env: { LOG_LEVEL: 'error' },
      cwd: directory,
    };
  },
  isReady: ({ port }) =>
    new Toxiproxy(apiOf(port)).getVersion().then(
      () => true,
      () => false,
    ),
};

export const apiOf = (port: number): string => `http://127.0.0.1:${port}`;
