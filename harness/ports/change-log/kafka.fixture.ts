/** A Kafka of the test's own; null, with a skipped test that says so, where there is none on this machine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../servers/free-ports.js';
import { kafka } from '../../servers/kafka.js';
import { foundOrSkipped, type StartedProgram, startFound } from '../../servers/program.fixture.js';
import { connectChangeLog } from './kafka.js';
import type { ChangeLog } from './port.js';

export interface KafkaUnderTest extends StartedProgram {
  connect(): ChangeLog;
  close(): Promise<void>;
}

export async function findKafka(): Promise<(() => Promise<KafkaUnderTest>) | null> {
  const found = await foundOrSkipped(kafka);
  if (!found) return null;
  return async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kafka-'));
    const [port, controllerPort] = (await freePorts(2)) as [number, number];
    const server = await startFound(kafka, found, { directory, index: 0, brokers: [{ port, controllerPort }] });
    return {
      ...server,
      connect: () => connectChangeLog({ brokers: [`127.0.0.1:${port}`], replication: 1 }),
      async close() {
        await server.stop();
        await rm(directory, { recursive: true });
      },
    };
  };
}
