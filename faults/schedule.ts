/** When a fault strikes: its plan and the seed decide, before there is a trace. */
import type { FaultPlan, Random, Scenario, Window } from '../harness/fault.js';

export function windowsOf(plan: FaultPlan, { epochUs, phases }: Scenario, random: Random): Window[] {
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
      // One that would still last at the end of the load could not be seen to be survived.
      const fits = (atUs: number) => atUs + schedule.jitterUs + lastsUs < endUs;
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
