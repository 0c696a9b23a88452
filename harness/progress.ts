/** What is running and what is left, on stderr: a bar on a terminal, a line a step elsewhere. */
import { Presets, SingleBar } from 'cli-progress';
import { harmless } from '../reports/lines.js';
import { monotonicUs } from './clock.js';

export interface Progress {
  /** What each run will take, in any unit: runs differ, and what is left is told by it. */
  begin(expected: readonly number[]): void;
  /** `label` names the run, `phase` what it is doing. */
  phase(label: string, phase: string): void;
  /** One run is done; `note` says how it went. */
  finish(label: string, note: string): void;
  end(): void;
}

export function showProgress(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? showBar(stream) : showLines(stream);
}

function showLines(stream: NodeJS.WriteStream): Progress {
  const startUs = monotonicUs();
  const say = (text: string) =>
    stream.write(`[${((monotonicUs() - startUs) / 1e6).toFixed(1).padStart(6)} s] ${harmless(text)}\n`);
  let runs = 0;
  let done = 0;
  return {
    begin(expected) {
      runs = expected.length;
    },
    phase: (label, phase) => say(`${done + 1}/${runs} ${label}: ${phase}`),
    finish(label, note) {
      done++;
      say(`${done}/${runs} ${label}: ${note}`);
    },
    end() {},
  };
}

function showBar(stream: NodeJS.WriteStream): Progress {
  const bar = new SingleBar(
    {
      stream,
      format: '{bar} {done}/{runs} runs | {duration_formatted} gone, about {eta_formatted} left | {label}: {phase}',
      hideCursor: true,
      // Four frames a second: drawing must not disturb what is measured.
      fps: 4,
      etaBuffer: 3,
    },
    Presets.shades_classic,
  );
  let expected: readonly number[] = [];
  let done = 0;
  return {
    begin(each) {
      expected = each;
      const total = each.reduce((sum, one) => sum + one, 0);
      bar.start(total, 0, { done, runs: each.length, label: 'starting', phase: '' });
    },
    phase: (label, phase) => bar.update({ label, phase }),
    finish(label, note) {
      bar.increment(expected[done] ?? 0, { done: ++done, label, phase: harmless(note) });
    },
    end: () => bar.stop(),
  };
}
