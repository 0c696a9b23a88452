/** When a fault strikes: its plan and the seed decide, before there is a trace. */
import type { FaultPlan, Random, Scenario, Window } from '../harness/fault.js';

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
      const windows: Window[] = [];
      // Whether one is survived shows when what it held up is due: one SLO after what it struck is in service again.
      const showsUs = restartDelayUs + slo.freshnessUs + slo.holdUs;
      const fits = (atUs: number) => atUs + schedule.jitterUs + lastsUs + showsUs <= endUs;
      for (let atUs = fromUs + schedule.afterUs; fits(atUs); atUs += schedule.everyUs) {
        windows.push(window(atUs + jitter(schedule.jitterUs)));
      }
      return windows;
    }
    case 'random': {
      const partUs = Math.floor((phases.faultUs - schedule.afterUs) / schedule.count);
      return Array.from({ length: schedule.count }, (_, part) =>
        window(fromUs + schedule.afterUs + part * partUs + jitter(partUs - lastsUs)),
      );
    }
  }
}
