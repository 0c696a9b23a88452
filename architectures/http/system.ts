/** The user's system as the adapter calls it. Whatever it does instead of answering is said in one sentence. */
import { Agent, type Dispatcher } from 'undici';
import type { Operation } from '../../harness/architecture.js';
import { hostClock, monotonicUs, timeLimit } from '../../harness/clock.js';
import { CallError, messageOf } from '../../harness/errors.js';

export interface System {
  /** `GET /`: what it offers. `patient`: it was started a moment ago, and may not listen yet. */
  greet(patient: boolean): Promise<readonly Forwardable[]>;
  /** `POST /start`: where the feed is, and the terms of the contract. */
  start(terms: unknown): Promise<void>;
  /** `POST /<operation>`; `judge` throws at an answer of the wrong shape. */
  call<T>(operation: Operation, argument: unknown, timeoutUs: number, judge: (answer: unknown) => T): Promise<T>;
  /** The same, answered in lines: a page a line, the last line `null`. */
  pages<T>(operation: Operation, timeoutUs: number, judge: (page: unknown) => T): AsyncIterable<T>;
  close(): Promise<void>;
}

/** What a system may be asked for over HTTP. */
export const forwardable = [
  'lookup',
  'predict',
  'backfill',
  'exportChanges',
  'quarantine',
  'inventory',
] as const satisfies readonly Operation[];
export type Forwardable = (typeof forwardable)[number];
const greetTimeoutUs = 5_000_000;
const startTimeoutUs = 20_000_000;
const patienceUs = 15_000_000;
const retryEveryUs = 100_000;
const connections = 128;
/** Two million changes exported, and as many rows as nobody asks for at once. */
const answerBytes = 128 << 20;
/** Of a sentence that says what went wrong. */
const errorBytes = 1 << 20;

export function connectSystem(url: string): System {
  const agent = new Agent({ connections, pipelining: 1, bodyTimeout: 0, headersTimeout: 0 });

  /** Asks, and reads the answer by `read`; every way in which it fails ends here. */
  async function ask<T>(
    what: { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: unknown },
    timeoutUs: number,
    read: (body: Dispatcher.ResponseData['body']) => Promise<T>,
  ): Promise<T> {
    const where = `${what.method} ${url}${what.path}`;
    const { signal, clear } = timeLimit(hostClock, timeoutUs);
    try {
      const { statusCode, body } = await agent.request({
        origin: new URL(url).origin,
        path: `${new URL(url).pathname.replace(/\/$/, '')}${what.path}`,
        method: what.method,
        headers: { 'content-type': 'application/json' },
        body: what.body === undefined ? null : JSON.stringify(what.body),
        signal,
      });
      if (statusCode !== 200) {
        const found = excerpt(await textOf(body, errorBytes).catch(() => ''));
        throw new CallError('failed', `${where}: expected status 200, found ${statusCode}${found && `: ${found}`}`);
      }
      return await read(body);
    } catch (error) {
      throw sentenceOf(where, timeoutUs, error);
    } finally {
      clear();
    }
  }

  const whole = async (body: Dispatcher.ResponseData['body']): Promise<unknown> => parse(await textOf(body));
  const post = <T>(path: string, body: unknown, timeoutUs: number, judge: (answer: unknown) => T) =>
    ask({ method: 'POST', path, body }, timeoutUs, async (answer) => judge(await whole(answer)));

  return {
    async greet(patient) {
      const untilUs = monotonicUs() + patienceUs;
      for (;;) {
        try {
          return await ask({ method: 'GET', path: '/' }, greetTimeoutUs, async (body) => offered(await whole(body)));
        } catch (error) {
          if (!patient || !isRefused(error) || monotonicUs() > untilUs) throw error;
          await hostClock.sleep(retryEveryUs);
        }
      }
    },
    start: (terms) => post('/start', terms, startTimeoutUs, () => {}),
    call: (operation, argument, timeoutUs, judge) => post(`/${operation}`, argument, timeoutUs, judge),
    async *pages(operation, timeoutUs, judge) {
      const path = `/${operation}`;
      // Read whole before it is passed on, so that an answer that is cut short is a failed call, not a short list.
      const pages = await ask({ method: 'POST', path, body: {} }, timeoutUs, async (body) => {
        const lines = (await textOf(body)).split('\n').filter((line) => line.trim() !== '');
        const last = lines.pop();
        if (last?.trim() !== 'null')
          throw new CallError(
            'failed',
            `expected pages, one a line, and a last line null; found last ${excerpt(last ?? '')}`,
          );
        return lines.map((line) => judge(parse(line)));
      });
      yield* pages;
    },
    close: () => agent.destroy(),
  };
}

/** The body as text; throws at one of more than `mostBytes`, and reads no further. */
async function textOf(body: Dispatcher.ResponseData['body'], mostBytes = answerBytes): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new CallError('indeterminate', `expected ${mostBytes} bytes at most, found more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What `GET /` must answer. */
function offered(answer: unknown): readonly Forwardable[] {
  const { operations } = (answer ?? {}) as { operations?: unknown };
  if (!Array.isArray(operations))
    throw new CallError('failed', `expected { name, operations: [...] }, found ${excerpt(answer)}`);
  const stranger = operations.find((name) => !(forwardable as readonly unknown[]).includes(name));
  if (stranger !== undefined)
    throw new CallError('failed', `expected operations out of ${forwardable.join(', ')}; found ${excerpt(stranger)}`);
  if (!operations.includes('lookup'))
    throw new CallError('failed', `expected at least the operation lookup, found ${excerpt(operations)}`);
  return [...new Set(operations as Forwardable[])];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CallError('failed', `expected JSON, found ${excerpt(text)}`);
  }
}

function excerpt(found: unknown): string {
  const text = typeof found === 'string' ? found : (JSON.stringify(found) ?? String(found));
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

const codeOf = (error: unknown): string => {
  const cause = error instanceof CallError ? error.cause : error;
  return String((cause as { code?: unknown } | undefined)?.code ?? '');
};
const isRefused = (error: unknown) => codeOf(error) === 'ECONNREFUSED';

function sentenceOf(where: string, timeoutUs: number, error: unknown): CallError {
  if (error instanceof CallError)
    return error.message.startsWith(where) ? error : new CallError(error.outcome, `${where}: ${error.message}`);
  if (error instanceof Error && error.name === 'TimeoutError')
    return new CallError('indeterminate', `${where}: expected an answer within ${timeoutUs / 1e6} s, found none`, {
      cause: error,
    });
  const outcome = isRefused(error) ? 'failed' : 'indeterminate';
  const found = isRefused(error)
    ? 'nobody who listens there; is the system running?'
    : messageOf(error) || codeOf(error);
  return new CallError(outcome, `${where}: expected an answer, found ${found}`, { cause: error });
}
