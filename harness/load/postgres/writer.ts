/**
 * The users of the source database: apply each slot of the trace as a transaction at the slot's own time, whatever the
 * connector does, and record when each was committed.
 */
import type { ContractParams } from '../../../workloads/data-contract.js';
import type { ChildMain } from '../../processes/child.js';
import { openRecording } from '../../record/recordings.js';
import { commitLayout } from '../recorded.js';
import { connect, type PostgresConnection } from './connection.js';
import { applyTransaction, createSource, endSource } from './statements.js';
import { readTransactions, surveyTrace } from './transactions.js';

export interface WriterInit {
  readonly trace: string;
  readonly contract: ContractParams;
  readonly postgres: PostgresConnection;
  readonly recording: string;
}

export const writeChanges: ChildMain<WriterInit> = async (init, child) => {
  const { clock, signal, clockSet, ready, host } = child;
  const survey = await host(() => surveyTrace(init.trace, init.contract));
  const recording = await host(() => openRecording(init.recording, commitLayout));
  const client = await connect(init.postgres);
  await createSource(client, survey.initialRows);
  ready(null);
  await clockSet;
  for await (const transaction of readTransactions(init.trace, survey)) {
    await clock.sleepUntil(transaction.slotUs, signal);
    await applyTransaction(client, transaction);
    // No commit happened before it was asked for.
    const askedUs = clock.nowUs();
    await client.query('COMMIT');
    recording.push(transaction.slotUs, transaction.rows.length, askedUs, clock.nowUs());
  }
  await endSource(client);
  await client.end();
  await host(() => recording.close());
};
