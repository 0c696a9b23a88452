import { expect, it } from 'vitest';
import { CallError } from '../errors.js';
import { seededRandom } from '../random.js';
import { fakeClock } from '../simulation/fake-clock.fixture.js';
import { createCircuit } from './circuit.js';

function world() {
  const { clock, run } = fakeClock(0);
  const circuit = createCircuit(
    { clock, random: seededRandom(1) },
    { server: 'the store', timeoutUs: 1_000, failuresUntilOpen: 3 },
  );
  const asked: number[] = [];
  const answers = () => circuit.run(async () => asked.push(clock.nowUs()));
  const refuses = () =>
    circuit.run(() => {
      asked.push(clock.nowUs());
      return Promise.reject(new CallError('failed', 'nobody there'));
    });
  return { clock, run, circuit, asked, answers, refuses };
}

it('opens after three failures in a row, and then fails at once without asking', async () => {
  const { circuit, asked, answers, refuses } = world();
  await expect(refuses()).rejects.toThrow('nobody there');
  await expect(refuses()).rejects.toThrow('nobody there');
  await answers();
  for (let i = 0; i < 3; i++) await expect(refuses()).rejects.toThrow('nobody there');
  expect(asked.length).toBe(6);
  await expect(circuit.run(async () => asked.push(0))).rejects.toThrow(
    'the store did not answer 3 times in a row; it was not asked',
  );
  expect(asked.length).toBe(6);
});

it('finds out with one call after a pause, and closes when that is answered', async () => {
  const { run, circuit, asked, answers, refuses } = world();
  for (let i = 0; i < 3; i++) await expect(refuses()).rejects.toThrow('nobody there');
  await run();
  let answer: () => void = () => {};
  const probe = circuit.run(() => new Promise<void>((resolve) => (answer = resolve)));
  await expect(answers()).rejects.toThrow('it was not asked');
  answer();
  await probe;
  await answers();
  expect(asked.length).toBe(4);
});

it('asks again and again while nobody answers, after pauses of half a second at most', async () => {
  const { clock, run, asked, refuses } = world();
  for (let i = 0; i < 40; i++) {
    await expect(refuses()).rejects.toThrow('nobody there');
    if (i >= 2) await run();
  }
  const pausesUs = asked.slice(3).map((us, i) => us - (asked[i + 2] as number));
  expect(pausesUs.length).toBe(37);
  expect(Math.max(...pausesUs)).toBeLessThanOrEqual(501_000);
  expect(Math.max(...pausesUs)).toBeGreaterThan(100_000);
  expect(clock.nowUs()).toBeGreaterThan(asked[39] as number);
});

it('gives a call up when its time is over: what it answers then is heard by nobody', async () => {
  const { clock, run, circuit } = world();
  let answer: (value: string) => void = () => {};
  const call = circuit.run(() => new Promise<string>((resolve) => (answer = resolve)));
  const given = expect(call).rejects.toMatchObject({
    outcome: 'indeterminate',
    message: expect.stringMatching(/no answer within 1 ms/),
  });
  await run();
  answer('late');
  await given;
  expect(clock.nowUs()).toBe(1_000);
});

it('does not take the error of a programmer for a server that has gone', async () => {
  const { circuit, answers } = world();
  for (let i = 0; i < 5; i++)
    await expect(circuit.run(() => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
  await answers();
});
