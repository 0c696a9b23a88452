/** A server program of others as a child process, for tests; stacks have their supervisor. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { hostClock, monotonicUs } from '../clock.js';
import { demand, type ServerProgram } from './programs.js';

export interface ProgramUnderTest {
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it with the same settings; resolves when it answers. */
  start(): Promise<void>;
}

const readyWithinUs = 60_000_000;

export async function startProgram<S>(program: ServerProgram<S>, settings: S): Promise<ProgramUnderTest> {
  const found = await demand(program);
  let child: ChildProcess | undefined;
  const server: ProgramUnderTest = {
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    async start() {
      const { command, args, env, cwd } = await program.prepare(found, settings);
      const started = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
      child = started;
      let words = '';
      for (const stream of [started.stdout, started.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          words = (words + text).slice(-2_000);
        });
      const sinceUs = monotonicUs();
      while (!(await program.isReady(settings))) {
        if (started.exitCode !== null || monotonicUs() - sinceUs > readyWithinUs) {
          await server.kill();
          throw new Error(`${program.name} did not become ready:\n${words}`);
        }
        await hostClock.sleep(20_000);
      }
    },
  };
  await server.start();
  return server;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
