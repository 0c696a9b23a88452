/** What users run, as clients see it: Kafka, Redis, and what the embedded stack has, too. */
import type { Clock } from '../clock.js';
import { connectChangeLog, type KafkaConnection } from '../ports/change-log/kafka.js';
import { connectOnlineStore, type RedisConnection } from '../ports/online-store/redis.js';
import { openTableStore } from '../ports/table-store/embedded.js';
import type { CountRequest } from '../ports/table-store/object-requests.js';
import { connectWarehouse } from '../ports/warehouse/embedded.js';
import { listed, type OpenedPorts, openAtFirstUse } from './opened-ports.js';

export interface NativeConnection {
  readonly stack: 'native';
  readonly changeLog: KafkaConnection;
  readonly onlineStore?: RedisConnection;
  readonly warehouse?: number;
  readonly tables?: string;
}

export function openNative(
  connection: NativeConnection,
  clock: Clock,
  onRequest: CountRequest,
  run: string | undefined,
): OpenedPorts {
  return openAtFirstUse({
    changeLog: () => connectChangeLog(connection.changeLog),
    onlineStore: () => connectOnlineStore(listed(connection.onlineStore, 'onlineStore')),
    tables: () => openTableStore({ directory: connection.tables ?? '', clock, onRequest, run }),
    warehouse: () => connectWarehouse({ port: listed(connection.warehouse, 'warehouse') }),
  });
}
