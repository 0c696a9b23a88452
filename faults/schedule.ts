/** When a fault strikes: its plan and the seed decide, before there is a trace. */
import { UsageError } from '../harness/errors.js';
import type { FaultPlan, Random, Scenario, Window } from '../harness/fault.js';

/** At least one, and none that overlaps the next of the same plan; UsageError where that cannot be. */
export function windowsOf(plan: FaultPlan, scenario: Scenario, random: Random): Window[] {
  const { epochUs, phases, slo, restartDelayUs } = scenario;
  const { schedule } = plan;
  const lastsUs = 'lastsUs' in plan ? plan.lastsUs : 0;
  const fromUs = epochUs + phases.warmUpUs + phases.measureUs;
  const endUs = fromUs + phases.faultUs;
  const window = (atUs: number): Window => ({ atUs, untilUs: Math.min(atUs + lastsUs, endUs) });
  const jitter = (jitterUs: number) => random.below(Math.max(1, jitterUs));
  switch (schedule.kind) {
    case 'once':
      return [window(fromUs + schedule.afterUs + jitter(schedule.jitterUs))];
    case 'every': {
      const { afterUs, everyUs, jitterUs } = schedule;
      const oneUs = lastsUs + jitterUs;
      if (everyUs <= 0 || everyUs < oneUs)
        throw unfit(plan, `every ${seconds(everyUs)}`, `one takes up to ${seconds(oneUs)}`);
      const windows: Window[] = [];
      // Whether one is survived shows when what it held up is due: one SLO after what it struck is in service again.
      const showsUs = restartDelayUs + slo.freshnessUs + slo.holdUs;
      for (let atUs = fromUs + afterUs; atUs + oneUs + showsUs <= endUs; atUs += everyUs)
        windows.push(window(atUs + jitter(jitterUs)));
      if (windows.length === 0) throw unfit(plan, `after ${seconds(afterUs)}`, fitsInto(phases.faultUs));
      return windows;
    }
    case 'random': {
      const { afterUs, count } = schedule;
      const partUs = Math.floor((phases.faultUs - afterUs) / count);
      if (!(count >= 1 && partUs >= Math.max(1, lastsUs)))
        throw unfit(plan, `${count} times`, fitsInto(phases.faultUs - afterUs));
      return Array.from({ length: count }, (_, part) =>
        window(fromUs + afterUs + part * partUs + jitter(partUs - lastsUs)),
      );
    }
  }

  function fitsInto(leftUs: number): string {
    return `one lasts ${seconds(lastsUs)}, and there are ${seconds(leftUs)} to strike and to show what became of it`;
  }
}

const seconds = (us: number) => `${us / 1e6} s`;

function unfit({ kind }: FaultPlan, when: string, why: string): UsageError {
  return new UsageError(
    `${kind} cannot strike ${when}: ${why}. Let it strike less often, last shorter, or watch longer`,
  );
}
