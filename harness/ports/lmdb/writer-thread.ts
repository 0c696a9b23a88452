/**
 * The writing half of an embedded server: one thread that runs write transactions, so that the thread that answers
 * reads is never held up by one. LMDB's readers see the last commit and take no lock, so the two do not meet.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { CallError, HarnessError, messageOf } from '../../errors.js';
import { CommitError } from './environment.js';

/** What the thread does with its work, a piece at a time, in order. */
export interface Writer<Work, Result> {
  /** Throws if it has done nothing. */
  write(work: Work): Result;
  close(): Promise<void>;
}

export interface WriterThread<Work, Result> {
  /** Resolves when the work is committed; rejects if it had no effect, unless it
   * says `indeterminate`. Memory in `transfer` moves to the thread. */
  write(work: Work, transfer?: readonly ArrayBufferLike[]): Promise<Result>;
  /** Rejects when the thread has died: a commit failed, and what is stored must be read anew by a new process. */
  readonly died: Promise<never>;
  /** Finishes what was given to it, closes its environment and ends. */
  close(): Promise<void>;
}

type Reply<Result> = { readonly result: Result } | { readonly refused: string };
const closing = 'close';

/** Starts a built module that calls `runWriterThread`; resolves when its environment is open. */
export async function startWriterThread<Work, Result>(
  module: URL,
  directory: string,
): Promise<WriterThread<Work, Result>> {
  const worker = new Worker(module, { workerData: directory });
  const pending: { resolve(result: Result): void; reject(error: Error): void }[] = [];
  const died = new Promise<never>((_, reject) => worker.once('error', reject));
  died.catch((error) => {
    for (const work of pending.splice(0)) work.reject(new CallError('indeterminate', messageOf(error)));
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  await Promise.race([new Promise((resolve) => worker.once('message', resolve)), died]);
  worker.on('message', (reply: Reply<Result>) => {
    const work = pending.shift();
    if ('result' in reply) work?.resolve(reply.result);
    else work?.reject(new Error(reply.refused));
  });
  return {
    write: (work, transfer = []) =>
      new Promise((resolve, reject) => {
        // First, as it may refuse: replies go to those that wait in turn.
        worker.postMessage(work, transfer as ArrayBuffer[]);
        pending.push({ resolve, reject });
      }),
    died,
    async close() {
      worker.postMessage(closing);
      await exited;
    },
  };
}

/** The main of a writer thread. */
export function runWriterThread<Work, Result>(open: (directory: string) => Writer<Work, Result>): void {
  const port = parentPort;
  if (!port) throw new HarnessError('a writer thread is started by an embedded server, not by hand');
  const writer = open(workerData as string);
  port.on('message', async (work: Work | typeof closing) => {
    if (work === closing) {
      await writer.close();
      return port.close();
    }
    port.postMessage(replyTo(work));
  });
  port.postMessage('open');

  function replyTo(work: Work): Reply<Result> {
    try {
      return { result: writer.write(work) };
    } catch (error) {
      if (error instanceof CommitError) throw error; // ends the thread, and with it the server
      return { refused: messageOf(error) };
    }
  }
}
