/** Ports of loopback that nobody has: for servers that cannot say which one they took, or need it again after a restart. */
import { createServer } from 'node:net';
import { HarnessError } from '../errors.js';

/**
 * Below those that systems give to the own ends of connections (from 32,768 on Linux, from 49,152 elsewhere): none of those takes
 * one before its server does, or while that is away.
 */
const [firstPort, endPort] = [12_000, 32_000];
const patience = 1_000;

/** Harnesses that start side by side begin apart from each other. */
let next = firstPort + ((process.pid * 61) % (endPort - firstPort));

/** All different; another program that asks for one of them by its number could still take it before its server does. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries === patience)
      throw new HarnessError(`of ${patience} ports from ${firstPort} on of 127.0.0.1 too few are free`);
    const port = next;
    next = port + 1 < endPort ? port + 1 : firstPort;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
