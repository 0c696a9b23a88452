/** Java, Go and Docker as programs of the test's own say that they are. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runtimes } from './runtimes.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'planebench-runtimes-'));
  vi.stubEnv('PATH', directory);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

async function putScript(name: string, body: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}
const find = (name: string) => runtimes.find((runtime) => runtime.name === name)!.find();

test('what is not on PATH is missing, with what gets it', async () => {
  expect(await find('java')).toEqual({ missing: 'there is no java on PATH.', toGet: expect.stringMatching(/openjdk/) });
  expect(await find('docker')).toMatchObject({ missing: 'there is no docker on PATH.' });
});

test('versions are read off what they print, on either stream', async () => {
  const java = await putScript('java', `echo 'openjdk version "17.0.15" 2025-04-15' >&2`);
  expect(await find('java')).toEqual({ path: java, version: '17.0.15' });
  const go = await putScript('go', 'echo go version go1.26.8 linux/amd64');
  expect(await find('go')).toEqual({ path: go, version: '1.26.8' });
  await putScript('go', 'echo nothing to say');
  expect(await find('go')).toMatchObject({ missing: `${go} version names no version.` });
});

test('a client of Docker without a daemon is not Docker; with one, images of servers are named', async () => {
  const docker = await putScript('docker', '[ "$1" = --version ] && echo Docker version 28.2.2, build e6534b4');
  expect(await find('docker')).toEqual({
    missing: `${docker} 28.2.2 is only the client: no daemon answers it.`,
    toGet: expect.stringMatching(/^start one: /),
  });
  await putScript(
    'docker',
    'case "$1" in --version) echo Docker version 28.2.2;; version) echo 20.10.24;; image) echo redis:7; echo busybox:1;; esac',
  );
  expect(await find('docker')).toEqual({ path: docker, version: '20.10.24, images: redis:7' });
});
