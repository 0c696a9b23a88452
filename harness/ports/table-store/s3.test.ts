import { afterAll, beforeAll, describe, test } from 'vitest';
import { tableStoreContract } from './contract.js';
import { type S3UnderTest, startS3, whyNoS3 } from './fixture-s3-server.js';
import { openS3TableStore } from './s3.js';

const lacking = await whyNoS3();
if (lacking !== null) test.skip(`tables on S3: ${lacking}`);

describe.skipIf(lacking !== null)('on a real server', () => {
  let s3: S3UnderTest;
  beforeAll(async () => {
    s3 = await startS3();
  });
  afterAll(() => s3?.close());

  const share = process.env.PLANEBENCH_FULL_SIZE === '1' ? 1 : 0.1;
  tableStoreContract(
    'S3',
    () => {
      const tables = s3.place();
      return {
        // Who counts which files are read keeps none.
        open: (clock, onRequest) => openS3TableStore({ tables, clock, ...(onRequest && { onRequest, keptBytes: 0 }) }),
        destroy: async () => {},
      };
    },
    share,
  );
});
