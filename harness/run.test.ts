/** A run that ends while its servers are being started: what it made on servers of others is taken away, and no more is made. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from './clock.js';
import { simulatedBuild } from './lineage/origin.js';
import { observeRun, wiresOfRoles } from './run.js';
import type { Site } from './site.js';
import { smallSize } from './suites/fixture-size.js';
import { measuredScenario } from './suites/measured.js';

interface Held {
  readonly reached: Promise<void>;
  go(): void;
  pass(): Promise<void>;
}

/** A step that is under way until it is let go. */
function held(): Held {
  let [reach, go] = [() => {}, () => {}];
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const gone = new Promise<void>((resolve) => {
    go = resolve;
  });
  return {
    reached,
    go: () => go(),
    async pass() {
      reach();
      await gone;
    },
  };
}

describe('a run that is interrupted', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'planebench-run-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** What was done, in order, when it is interrupted in this step. */
  async function interruptedIn(step: 'start of the stack' | 'creation of the topic'): Promise<string[]> {
    const done: string[] = [];
    const steps = { 'start of the stack': held(), 'creation of the topic': held() };
    if (step === 'creation of the topic') steps['start of the stack'].go();
    const doing = async (name: keyof typeof steps) => {
      await steps[name].pass();
      done.push(name);
    };
    let hosted = 0;
    const changeLog = { createTopic: () => doing('creation of the topic') };
    const opened = { ports: { changeLog }, close: async () => {} };
    const site: Site = {
      build: simulatedBuild,
      supervisor: {
        clock: systemClock({ epochUs: 0, zeroNs: null }),
        givenUp: new Promise(() => {}),
        start: () => done.push('start of a role'),
        async stopAll() {
          done.push('end of all processes');
          steps[step].go();
        },
      } as never,
      async startStack() {
        await doing('start of the stack');
        return {
          connection: { stack: 'native' } as never,
          storedPaths: [],
          servers: {},
          close: async () => void done.push('removal'),
        };
      },
      // First the folder is made, then ports are opened.
      host: async (work) => (hosted++ === 0 ? work() : (opened as never)),
      aside: (work) => work(),
    };
    const interrupt = new AbortController();
    const run = observeRun(
      {
        id: 'interrupted',
        scenario: measuredScenario({ name: 'interrupted', ...smallSize, faultUs: 0 }),
        arm: { architecture: 'none', specifier: 'none', params: null },
        repetition: 1,
        seed: 1,
      },
      {
        trace: {} as never,
        architecture: { name: 'none', roles: [], uses: [] } as never,
        site,
        parent: directory,
        quiet: Promise.resolve(),
        idle: () => {},
        progress: () => {},
        signal: interrupt.signal,
      },
    );
    await steps[step].reached;
    interrupt.abort(new Error('Ctrl-C'));
    await expect(run).rejects.toThrow('Ctrl-C');
    return done;
  }

  test('while its servers start waits for them, makes no topic, and takes away what was made', async () => {
    expect(await interruptedIn('start of the stack')).toEqual([
      'end of all processes',
      'start of the stack',
      'removal',
    ]);
  });

  test('while its topic is made waits for that too', async () => {
    expect(await interruptedIn('creation of the topic')).toEqual([
      'start of the stack',
      'end of all processes',
      'creation of the topic',
      'removal',
    ]);
  });
});

test('leaves the source alone when a fault strikes the links of the plane', async () => {
  const struck: unknown[] = [];
  const wires = { inject: async (...args: unknown[]) => struck.push(args) } as unknown as Parameters<
    typeof wiresOfRoles
  >[0];
  await wiresOfRoles(wires).inject({ kind: 'partition' }, { server: 'changeLog' });
  expect(struck).toEqual([[{ kind: 'partition' }, { server: 'changeLog', except: 'source' }]]);
});
