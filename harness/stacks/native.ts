/** What users run, as clients see it, wherever it runs: Kafka, Redis, S3, and the warehouse of the embedded stack. */
import type { Clock } from '../clock.js';
import { connectChangeLog, type KafkaConnection } from '../ports/change-log/kafka.js';
import { connectOnlineStore, type RedisConnection } from '../ports/online-store/redis.js';
import type { CountRequest } from '../ports/table-store/object-requests.js';
import { openS3TableStore, type S3Tables } from '../ports/table-store/s3.js';
import { connectWarehouse } from '../ports/warehouse/embedded.js';
import { listed, type OpenedPorts, openAtFirstUse } from './opened-ports.js';

export interface NativeConnection {
  readonly stack: 'native' | 'docker';
  readonly changeLog: KafkaConnection;
  readonly onlineStore?: RedisConnection;
  readonly warehouse?: number;
  readonly tables?: S3Tables;
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
    tables: () => openS3TableStore({ tables: listed(connection.tables, 'tables'), clock, onRequest, run }),
    warehouse: () => connectWarehouse({ port: listed(connection.warehouse, 'warehouse') }),
  });
}
