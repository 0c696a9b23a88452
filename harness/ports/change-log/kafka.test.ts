import { changeLogContract } from './contract.js';
import { findKafka, type KafkaUnderTest } from './kafka.fixture.js';
import { changeLogKillContract } from './kill-contract.js';

const startKafka = await findKafka();

if (startKafka) {
  // A broker takes seconds of a core to start: one for all.
  let started: Promise<KafkaUnderTest> | null = null;
  const server = () => {
    started ??= startKafka();
    return started;
  };

  changeLogContract('the change log on Kafka', async () => {
    const { connect, kill, revive } = await server();
    const changeLog = connect();
    return {
      changeLog,
      async reopen() {
        kill();
        await revive();
      },
      close: () => changeLog.close(),
    };
  });
  changeLogKillContract('the change log on Kafka', async () => ({ ...(await server()), rounds: 1 }));
}
